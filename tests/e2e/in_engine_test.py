"""The router inside an engine's process, `embedded:<file>`: what the engine must not notice of it.
That it does what tallybusd does is told by the other tests, which run in both forms."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

SUPPORT = Path(__file__).resolve().parents[1] / "support"
sys.path.insert(0, str(SUPPORT))
from engine_library import (INVALID, LIB, UNAVAILABLE, EnginePublisher,  # noqa: E402
                            PublisherRefused)
from tallybus_parts import Backend, Tallybusd, refused_url, wait_until  # noqa: E402

STREAM = {"session_id": "s1", "media_session_id": "m1", "name": "cam"}


def threads():
    """{thread id: its name} of this process."""
    found = {}
    for task in os.listdir("/proc/self/task"):
        with contextlib.suppress(FileNotFoundError):
            found[task] = Path(f"/proc/self/task/{task}/comm").read_text().strip()
    return found


def status_line(name, task="self"):
    path = "/proc/self/status" if task == "self" else f"/proc/self/task/{task}/status"
    return next(line.split()[1] for line in Path(path).read_text().splitlines()
                if line.startswith(name + ":"))


def listening():
    """The inodes of this process's sockets that listen."""
    own = set()
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            link = os.readlink(f"/proc/self/fd/{fd}")
            if link.startswith("socket:["):
                own.add(link[8:-1])
    found = set()
    for table, state, column in (("tcp", "0A", 9), ("tcp6", "0A", 9)):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == state:
                found.add(fields[column])
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[3], 16) & 0x10000:
            found.add(fields[6])
    return own & found


class InEngineTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="tallybus-")))

    def write(self, url, name="tallybus.yaml", **more):
        path = self.folder / name
        config = {"node": {"name": "n1"}, "spool": {"path": str(self.folder / (name + ".spool"))},
                  "apps": {"defaultApp": {"url": url}}, **more}
        path.write_text(json.dumps(config))
        return f"embedded:{path}"

    def run_engine(self, program, *arguments):
        """Runs `program` in a Python of its own, as an engine; its output, where it ended well."""
        code = f"import sys; sys.path.insert(0, {str(SUPPORT)!r})\n" \
               "from engine_library import *\n" + textwrap.dedent(program)
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_publishers_of_one_file_share_a_router_and_the_last_one_ends_it(self):
        before = sorted(threads().values())
        with Backend() as backend:
            endpoint = self.write(backend.url)
            with EnginePublisher(endpoint) as one, EnginePublisher(endpoint) as two:
                self.assertEqual(list(threads().values()).count("tallybus-router"), 1)
                one.status("PUBLISHING", **STREAM)
                two.status("PLAYING", **{**STREAM, "media_session_id": "m2"})
                backend.await_requests(2)
                one.close()
                two.status("STOPPED", **{**STREAM, "media_session_id": "m2"})
                wait_until(lambda: any(r.json["status"] == "STOPPED" for r in backend.requests),
                           "the second publisher's STOPPED")
            self.assertTrue(any(line.startswith("stopped: accepted 3") for line in two.log_lines),
                            two.log_lines)
        # A thread that was waited for may be listed a moment longer.
        wait_until(lambda: not [n for n in threads().values() if n.startswith(("tallybus", "ZMQ"))],
                   lambda: f"the end of all threads: {threads()}, before: {before}")

    def test_what_its_spool_holds_is_delivered_by_the_next_one(self):
        endpoint = self.write(refused_url())
        with EnginePublisher(endpoint) as publisher:
            publisher.status("PUBLISHING", **STREAM)
            wait_until(lambda: publisher.stats().acknowledged >= 1, "the acknowledgement")
        with Backend() as backend, EnginePublisher(self.write(backend.url)):
            first, = backend.await_requests(1)
            self.assertEqual(first.json["status"], "PUBLISHING")

    def test_only_the_listeners_that_the_file_writes_are_open(self):
        before = listening()
        with EnginePublisher(self.write(refused_url())) as publisher:
            self.assertEqual(listening(), before)
            wait_until(lambda: any("ready: engine=inproc://" in line
                                   for line in publisher.log_lines), "the router's log")
            line = next(line for line in publisher.log_lines if line.startswith("ready:"))
            self.assertTrue(line.endswith("open=off clients=off web=off admin=off"), line)
        with EnginePublisher(self.write(refused_url(), listen={"web": "127.0.0.1:0"})):
            self.assertEqual(len(listening() - before), 1)

    def test_the_engines_signals_stay_the_engines(self):
        handled = ("SigIgn", "SigCgt", "SigBlk")
        before = {name: status_line(name) for name in handled}
        engines_own = set(threads())
        with Backend() as backend, EnginePublisher(self.write(
                backend.url, listen={"web": "127.0.0.1:0"})) as publisher:
            publisher.status("PUBLISHING", **STREAM)
            backend.await_requests(1)
            self.assertEqual({name: status_line(name) for name in handled}, before)
            ours = {task: name for task, name in threads().items()
                    if task not in engines_own and not name.startswith("python")}
            self.assertGreaterEqual(len(ours), 4, ours)
            for task, name in ours.items():
                with contextlib.suppress(FileNotFoundError):  # it may have ended
                    blocked = int(status_line("SigBlk", task), 16)
                    for signal in (1, 2, 10, 12, 13, 14, 15, 17):
                        self.assertTrue(blocked >> (signal - 1) & 1,
                                        f"{name} takes signal {signal}")

    def test_a_forked_child_has_no_router_and_disturbs_none(self):
        with Backend() as backend:
            self.run_engine("""
                import os
                own, other = sys.argv[1:]
                with EnginePublisher(own) as parent:
                    assert parent.status("PUBLISHING", media_session_id="parent") == OK
                    child = os.fork()
                    if child == 0:
                        assert parent.status("FAILED", media_session_id="parent") == CLOSED
                        for file in (own, other):
                            try:
                                EnginePublisher(file)
                                sys.exit(3)
                            except PublisherRefused as refused:
                                assert refused.status == UNAVAILABLE, refused
                                assert "was forked from one that had a router" in refused.log
                        parent.close()
                        sys.exit(0)  # by way of all that libraries do at an exit
                    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
                    assert parent.status("STOPPED", media_session_id="parent") == OK
                """, self.write(backend.url), self.write(backend.url, name="other.yaml"))
            self.assertEqual([(r.json["mediaSessionId"], r.json["status"])
                              for r in backend.requests],
                             [("parent", "PUBLISHING"), ("parent", "STOPPED")])

    def test_a_child_that_was_forked_first_may_have_a_router(self):
        with Backend() as backend:
            self.run_engine("""
                import os
                child = os.fork()
                with EnginePublisher(sys.argv[1 if child else 2]) as mine:
                    assert mine.status("PUBLISHING", media_session_id="m") == OK
                if child:
                    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
                """, self.write(backend.url), self.write(backend.url, name="other.yaml"))
            # Each says its stream's end too: it closed while that was live.
            self.assertEqual([r.json["status"] for r in backend.requests].count("PUBLISHING"), 2)

    def test_a_log_callback_that_closes_its_publisher_closes_it_once(self):
        said = self.run_engine("""
            closes = []
            publisher = EnginePublisher(sys.argv[1])
            handle = publisher.handle
            class Closing(list):
                def append(self, line):
                    super().append(line)
                    publisher.lib.tallybus_publisher_close(handle, c.c_uint32(1000))
            publisher.log_lines = Closing()
            publisher.close()
            print("\\n".join(publisher.log_lines))
            """, self.write(refused_url()))
        self.assertIn("stopped: accepted 0", said)

    def test_an_engine_may_unload_the_library_and_load_it_again(self):
        with Backend() as backend:
            self.run_engine("""
                import _ctypes
                for i in range(3):
                    publisher = EnginePublisher(sys.argv[1])
                    assert publisher.status("PUBLISHING", media_session_id=f"m{i}") == OK
                    publisher.close()
                    _ctypes.dlclose(publisher.lib._handle)
                    assert "libtallybus_engine" not in open("/proc/self/maps").read()
                """, self.write(backend.url))
            told = {r.json["mediaSessionId"] for r in backend.requests}
            self.assertEqual(told, {"m0", "m1", "m2"})

    def test_an_engine_that_exits_without_closing_ends_well_and_loses_nothing(self):
        endpoint = self.write(refused_url())
        for i in range(8):  # what would go wrong here is a race
            # exit() of C, as at a return from main: at its own exit Python would first take away
            # the functions that the log is called by.
            said = self.run_engine("""
                import os
                publisher = EnginePublisher(sys.argv[1])
                class Said(list):
                    def append(self, line): os.write(1, line.encode() + b"\\n")
                publisher.log_lines = Said()
                publisher.status("PUBLISHING", media_session_id=sys.argv[2])
                c.CDLL(None).exit(0)
                """, endpoint, f"m{i}")
            self.assertNotIn("stopped:", said)  # nothing is called any more
        with Backend() as backend, EnginePublisher(self.write(backend.url)):
            told = {(f"m{i}", status) for i in range(8) for status in ("PUBLISHING", "FAILED")}
            wait_until(lambda: {(r.json["mediaSessionId"], r.json["status"])
                                for r in backend.requests} == told, "each stream and its end")

    def test_a_child_that_exits_does_not_end_its_parents_router(self):
        with Backend() as backend:
            self.run_engine("""
                import os
                with EnginePublisher(sys.argv[1]) as parent:
                    child = os.fork()
                    if child == 0:
                        c.CDLL(None).exit(0)
                    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
                    assert parent.status("PUBLISHING", media_session_id="m1") == OK
                """, self.write(backend.url))
            self.assertEqual([r.json["status"] for r in backend.requests],
                             ["PUBLISHING", "FAILED"])

    def test_a_protobuf_that_is_there_already_is_refused_by_name(self):
        said = self.run_engine("""
            c.CDLL("libprotobuf.so.32")
            try:
                EnginePublisher(sys.argv[1])
                sys.exit(3)
            except PublisherRefused as refused:
                assert refused.status == UNAVAILABLE
                print(refused.log)
            """, self.write(refused_url()))
        self.assertRegex(said, r"a protobuf is in this process already \(.*/libprotobuf\.so\.32")
        self.assertIn("run tallybusd beside the engine", said)

    def test_a_protobuf_that_comes_later_disturbs_nobody(self):
        with Backend() as backend:
            self.run_engine("""
                publisher = EnginePublisher(sys.argv[1])
                publisher.status("PUBLISHING", media_session_id="m1")
                c.CDLL("libprotobuf.so.32", mode=c.RTLD_GLOBAL)
                publisher.status("STOPPED", media_session_id="m1")
                publisher.close()
                second = EnginePublisher(sys.argv[1])  # its library stayed
                second.close()
                """, self.write(backend.url))
            self.assertEqual([r.json["status"] for r in backend.requests],
                             ["PUBLISHING", "STOPPED"])

    def refusal(self, endpoint):
        with self.assertRaises(PublisherRefused) as refused:
            EnginePublisher(endpoint).close()
        return refused.exception

    def test_a_file_that_is_wrong_is_refused_with_its_line(self):
        path = self.folder / "wrong.yaml"
        path.write_text("node:\n  nmae: n1\n")
        refused = self.refusal(f"embedded:{path}")
        self.assertEqual(refused.status, INVALID)
        self.assertIn('wrong.yaml:2:3: node.nmae: unknown key', refused.log)
        missing = self.refusal(f"embedded:{self.folder}/none.yaml")
        self.assertEqual(missing.status, UNAVAILABLE)
        self.assertIn("none.yaml: cannot be read", missing.log)
        self.assertEqual(self.refusal("embedded:").status, INVALID)

    def test_a_spool_that_tallybusd_has_is_refused(self):
        with Tallybusd(program="tallybusd") as daemon:
            endpoint = self.write(refused_url(), spool={"path": daemon.config["spool"]["path"]})
            refused = self.refusal(endpoint)
            self.assertEqual(refused.status, UNAVAILABLE)
            self.assertIn("spool", refused.log)

    def test_an_engine_library_alone_says_what_is_missing(self):
        shutil.copy(LIB / "libtallybus_engine.so", self.folder / "libtallybus_engine.so")
        said = self.run_engine("""
            import engine_library
            engine_library.LIB = engine_library.Path(sys.argv[1])
            try:
                EnginePublisher(sys.argv[2])
                sys.exit(3)
            except PublisherRefused as refused:
                assert refused.status == UNAVAILABLE
                print(refused.log)
            """, str(self.folder), self.write(refused_url()))
        self.assertIn("libtallybus_router.so", said)
        self.assertIn("install it beside libtallybus_engine.so", said)


if __name__ == "__main__":
    unittest.main()
