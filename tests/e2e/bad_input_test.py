"""Wrong configuration, malformed messages on both buses, and answers that no backend should give:
one clear line, counted by reason, and the next good event arrives."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

import zmq

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from tallybus_parts import (BIN, Backend, Client, OpenBus, Tallybusd, fail_config,  # noqa: E402
                            stream_status, wait_until)

APP = "defaultApp"
EVENTS = b"\x05"
HELLO = b"\x01"
SANITIZED = bool(os.environ.get("TALLYBUS_SANITIZED"))


def tallybus(daemon, *words):
    return subprocess.run([BIN / "tallybus", *words, "--admin", f"unix:{daemon.admin}"],
                          capture_output=True, text=True, timeout=60)


def rss_kib(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


class ConfigurationTest(unittest.TestCase):
    def run_daemon(self, text, *args):
        """Exit status and the lines on standard error for a configuration that must be refused."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tallybus.yaml"
            path.write_text(text)
            done = subprocess.run([BIN / "tallybusd", "--config", path, *args], timeout=60,
                                  capture_output=True, text=True,
                                  env={**os.environ, "STATE_DIRECTORY": folder})
            return done.returncode, done.stderr.replace(folder + "/", "").splitlines()

    def test_a_mistake_is_one_line_with_file_line_and_column_and_exit_status_1(self):
        cases = {
            "apps:\n  a:\n    urll: http://x\n": r"tallybus.yaml:3:5: .*urll.*\"url\"",
            "apps:\n  a: { timeout: 10 }\n": r"tallybus.yaml:2:17: .*10s",
            "listen: [1]\n": r"tallybus.yaml:1:9: .*listen",
            "apps:\n  a: { url: 'ftp://x' }\n": r"tallybus.yaml:2:13: .*http",
            "apps: {\n": r"tallybus.yaml:\d+:\d+: ",
            "listen: { open: 'tcp://0.0.0.0:1' }\n": r"tallybus.yaml:1:17: .*not in this version",
            "apps:\n  a:\n    url: http://h\n    signing: [{ key: 'v1,whsec_x' }]\n":
                r":4:14: apps.a.signing: signing\[0\]: has a version in front",
            "apps:\n  a:\n    url: http://h\n    signing: [{ key: whsec_AAAA }]\n":
                r":4:14: apps.a.signing: signing\[0\]: holds 3 bytes",
            "apps:\n  a:\n    url: http://h\n    password: hunter2\n":
                r":4:15: apps.a.password: password: needs a username",
            "apps:\n  a:\n    url: http://${NOT_SET_ANYWHERE}\n": r":3:10: .*NOT_SET_ANYWHERE",
        }
        for text, wanted in cases.items():
            for args in (("--check",), ()):
                with self.subTest(text=text, args=args):
                    code, lines = self.run_daemon(text, *args)
                    self.assertEqual(code, 1)
                    self.assertEqual(len(lines), 1, lines)
                    self.assertRegex(lines[0], wanted)

    def test_what_a_later_version_brings_is_refused_and_not_ignored(self):
        for text in ("apps: { a: { hold: x } }", "log: { format: json }",
                     "routes: [{ name: r, endpoints: [http://h/], tls: { pin: x } }]"):
            with self.subTest(text=text):
                code, lines = self.run_daemon(text, "--check")
                self.assertEqual(code, 1)
                self.assertRegex(lines[0], "not in this version yet")

    def test_a_spool_that_cannot_be_there_is_one_line_that_names_key_path_and_mend(self):
        listen = "listen: { engine: off, open: off, clients: off, web: off, admin: off }\n"
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "file").touch()
            (Path(folder) / "open").mkdir()
            (Path(folder) / "open").chmod(0o777)
            (Path(folder) / "kept" / "spool.lock").mkdir(parents=True)
            for name, wrong in (("file", "is no directory; name another directory"),
                                ("file/x", "Not a directory; name another directory"),
                                ("open", "is writable for everyone; name one of its own"),
                                ("kept", "spool.lock: Is a directory")):
                with self.subTest(name=name):
                    path = f"{folder}/{name}"
                    code, lines = self.run_daemon(listen + f"spool: {{ path: {path} }}")
                    self.assertEqual((code, len(lines)), (1, 1), lines)
                    self.assertTrue(lines[0].startswith(f"tallybusd: spool.path: {path}"), lines)
                    self.assertIn(wrong, lines[0])
            # A system's folder, in which not even root makes one.
            code, lines = self.run_daemon(listen + "spool: { path: /proc/tallybus }")
            self.assertEqual((code, lines), (1, [
                "tallybusd: spool.path: /proc/tallybus: No such file or directory; make it, or "
                "name another directory"]))

    def test_a_port_in_use_is_one_line_that_names_key_and_address(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            for key in ("open", "clients", "web"):
                listen = {k: "off" for k in ("engine", "open", "clients", "web", "admin")}
                listen[key] = f"{'' if key == 'web' else 'tcp://'}127.0.0.1:{port}"
                text = "listen: { " + ", ".join(f'{k}: "{v}"' for k, v in listen.items()) + " }"
                with self.subTest(key=key):
                    code, lines = self.run_daemon(text)
                    self.assertEqual(code, 1)
                    self.assertEqual(len(lines), 1, lines)
                    self.assertRegex(lines[0], rf"listen\.{key}.*127\.0\.0\.1:{port}.*in use")

    def test_a_second_daemon_does_not_steal_a_live_engine_socket(self):
        with Tallybusd(apps={}) as daemon:
            second = Tallybusd(apps={}, engine=daemon.engine, expect_start=False)
            self.addCleanup(second.close)
            second.start()
            self.assertEqual(second.process.wait(60), 1)
            self.assertRegex(second.log(), "another tallybusd listens on ")
            second.process = None

    def test_an_unknown_option_is_refused(self):
        done = subprocess.run([BIN / "tallybusd", "--confg", "x"], timeout=60, capture_output=True,
                              text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("confg", done.stderr)

    def test_a_reload_with_a_bad_file_keeps_what_runs_and_a_good_one_is_taken(self):
        with Backend() as first, Backend() as second, \
                Tallybusd(apps={APP: {"url": first.url}}) as daemon, OpenBus(daemon) as bus:
            good = daemon.config_path.read_text()
            daemon.config_path.write_text("apps: { x: { urll: 1 } }")
            daemon.process.send_signal(1)
            daemon.await_log("reload refused")
            daemon.await_log("alert ReloadFailed config: ")
            bus.send(stream_status())
            first.await_requests(1)
            daemon.config_path.write_text(good.replace(first.url, second.url))
            daemon.process.send_signal(1)
            daemon.await_log("reloaded")
            daemon.await_log("alert resolved: ReloadFailed")
            bus.send(stream_status())
            second.await_requests(1)


class UnreadLogTest(unittest.TestCase):
    def test_a_log_that_nobody_reads_stops_neither_events_nor_the_end(self):
        with Backend() as backend, tempfile.TemporaryDirectory() as folder:
            silent = Tallybusd(apps={APP: {"url": backend.url}}, work_dir=folder,
                               expect_start=False)
            silent.write_config()
            read_end, write_end = os.pipe()
            silent.process = subprocess.Popen(
                [BIN / "tallybusd", "--config", silent.config_path], stderr=write_end,
                stdout=subprocess.DEVNULL)
            said = b""
            while b"ready: " not in said:
                said += os.read(read_end, 4096)
            silent.open = re.search(rb"open=(\S+)", said)[1].decode()
            os.set_blocking(write_end, False)
            with self.assertRaises(BlockingIOError):
                while True:
                    os.write(write_end, b"x" * 4096)
            with OpenBus(silent) as bus:
                for _ in range(20):
                    bus.send_frames([b"M" * 65, b"malformed: a line in the log"])
                    bus.send(stream_status())
                backend.await_requests(20)
            silent.process.terminate()
            self.assertEqual(silent.process.wait(60), 0)
            os.close(write_end)
            os.close(read_end)


class MalformedMessagesTest(unittest.TestCase):
    def test_the_open_bus_counts_each_malformed_message_by_reason_and_lives_on(self):
        deep = b'{"a":' * 10000 + b"1" + b"}" * 10000
        cases = [
            ([b"StreamStatusEvent"], "frames"),
            ([b"StreamStatusEvent", b"{}", b"{}"], "frames"),
            ([b"StreamStatusEvent", b"\xff\xff\xff\xff"], "protobuf"),
            ([b"StreamStatusEvent", b'{"name":"\xff\xfe"}'], "utf8"),
            ([b"StreamStatusEvent", b"{not json"], "json"),
            ([b"StreamStatusEvent", b'{"a":1}]'], "json"),
            ([b"StreamStatusEvent", b"[1]"], "protobuf"),
            ([b"StreamStatusEvent", b'{"sdp":"' + b"x" * (10 << 20) + b'"}'], "too_large"),
            ([b"StreamStatusEvent", deep], "too_deep"),
            ([b"Stream\r\nX-Evil: 1", b"{}"], "method"),
            ([b"../../admin", b"{}"], "method"),
            ([b"", b"{}"], "method"),
            ([b"M" * 65, b"{}"], "method"),
        ]
        with Backend() as backend, Tallybusd(apps={APP: {"url": backend.url}}) as daemon, \
                OpenBus(daemon) as bus:
            for number, (frames, reason) in enumerate(cases, 1):
                with self.subTest(reason=reason, first=frames[-1][:20]):
                    before = daemon.metric("tallybus_malformed_total", bus="open", reason=reason)
                    bus.send_frames(frames)
                    wait_until(lambda: daemon.metric("tallybus_malformed_total", bus="open",
                                                     reason=reason) == before + 1, reason)
                    bus.send(stream_status(bitrate=number))
                    backend.await_requests(number)
            self.assertEqual([r.json["bitrate"] for r in backend.requests],
                             list(range(1, len(cases) + 1)))
            self.assertIsNone(daemon.process.poll())
            self.assertNotIn("x" * 100, daemon.log())

    def test_the_engine_bus_counts_each_malformed_message_by_reason_and_lives_on(self):
        cases = [([b"\x05"], "frames"), ([b"\x05", b"", b""], "frames"), ([b"\xfa", b""], "kind"),
                 ([b"", b""], "kind"), ([b"HELLO", b""], "kind"), ([HELLO, b"\xff"], "protobuf"),
                 ([EVENTS, b"\x0a" * 1000], "protobuf")]
        with Tallybusd(apps={}) as daemon, zmq.Context() as context, \
                context.socket(zmq.DEALER) as dealer:
            dealer.setsockopt(zmq.LINGER, 0)
            dealer.connect(daemon.engine)
            for frames, reason in cases:
                with self.subTest(reason=reason, frames=frames):
                    before = daemon.metric("tallybus_malformed_total", bus="engine", reason=reason)
                    dealer.send_multipart(frames)
                    wait_until(lambda: daemon.metric("tallybus_malformed_total", bus="engine",
                                                     reason=reason) == before + 1, reason)
            # EVENTS without a HELLO: the answer asks for one.
            dealer.send_multipart([EVENTS, b"\x09" + b"\x01" * 8])
            self.assertTrue(dealer.poll(60000))
            kind, _ = dealer.recv_multipart()
            self.assertEqual(kind, b"\x06")

    def test_a_record_that_is_rejected_is_a_dead_letter_that_cannot_be_sent_again(self):
        epoch = b"\x01" * 8
        with Tallybusd(apps={}) as daemon, zmq.Context() as context, \
                context.socket(zmq.DEALER) as dealer:
            dealer.setsockopt(zmq.LINGER, 0)
            dealer.connect(daemon.engine)
            dealer.send_multipart([HELLO, b"\x08\x01\x10\x01\x21" + epoch])
            dealer.send_multipart([EVENTS, b"\x09" + epoch + b"\x10\x01\x1a\x02\xff\xff"])
            wait_until(lambda: "recordBase64" in tallybus(daemon, "spool", "export").stdout,
                       "the dead letter")
            listed = tallybus(daemon, "spool", "ls", "--state=dead").stdout
            self.assertIn("the bus rejected it", listed)
            id_ = "01" * 8 + "-1"
            self.assertIn('"recordBase64":"***"', tallybus(daemon, "spool", "show", id_).stdout)
            self.assertIn('"recordBase64":"//8="',
                          tallybus(daemon, "spool", "show", id_, "--reveal").stdout)
            retried = tallybus(daemon, "spool", "retry", "--all")
            self.assertEqual(retried.returncode, 1)
            self.assertIn("1 record that the bus refused, of which nothing can be sent",
                          retried.stderr)
            self.assertIn("1 dead letter dropped",
                          tallybus(daemon, "spool", "drop", "--id", id_).stdout)

    def test_a_hello_of_no_common_version_is_refused_with_both_ranges(self):
        with Tallybusd(apps={}) as daemon, zmq.Context() as context, \
                context.socket(zmq.DEALER) as dealer:
            dealer.setsockopt(zmq.LINGER, 0)
            dealer.connect(daemon.engine)
            dealer.send_multipart([HELLO, b"\x08\x07\x10\x09"])  # protocol 7 to 9
            self.assertTrue(dealer.poll(60000))
            kind, refusal = dealer.recv_multipart()
            self.assertEqual(kind, b"\x03")
            self.assertIn(b"7 to 9", refusal)
            wait_until(lambda: '"refused":1' in daemon.get("/healthz")[1], "health tells it")


class RawBackend:
    """Speaks to each connection by `talk(connection, head)` once it has read a request's head."""

    def __init__(self, talk):
        self._talk = talk
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/hook"
        self.requests = 0
        self._open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            head = connection.recv(65536)
            self.requests += 1
            self._talk(connection, head)
        except OSError:
            pass  # the daemon hung up, as it may

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()
        for connection in self._open:
            connection.close()


def endless(connection, _):
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")


def ten_megabytes(connection, _):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n")
    for _ in range(640):
        connection.sendall(b"x" * 16384)


def half_an_answer(connection, _):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    connection.close()


def no_http(connection, _):
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    connection.close()


def endless_headers(connection, _):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-More: " + b"y" * 8000 + b"\r\n")


class AnswersTest(unittest.TestCase):
    def test_an_answer_that_no_backend_should_give_is_a_failed_attempt(self):
        for talk in (ten_megabytes, endless, half_an_answer, no_http, endless_headers,
                     lambda connection, _: connection.close()):
            apps = {APP: {"retry": "none", "timeout": "2s", "rest_client_config": fail_config()}}
            with self.subTest(talk=getattr(talk, "__name__", "")), RawBackend(talk) as backend:
                apps[APP]["url"] = backend.url
                with Tallybusd(apps=apps) as daemon, Client(daemon) as client, \
                        OpenBus(daemon) as bus:
                    before = rss_kib(daemon.process.pid)
                    bus.send(stream_status())
                    _, error = client.await_messages(2)
                    self.assertEqual(error.name, "ErrorEvent")
                    self.assertTrue(error.json["final"])
                    self.assertEqual(backend.requests, 1)
                    if not SANITIZED:  # their allocators keep what is freed
                        self.assertLess(rss_kib(daemon.process.pid) - before, 8 << 10)

    def test_a_backend_that_never_reads_costs_bounded_memory(self):
        never_read = threading.Event()
        with RawBackend(lambda connection, head: never_read.wait(60)) as backend, Tallybusd(
                apps={APP: {"url": backend.url, "retry": "none", "timeout": "1s",
                            "max_connections": 4}},
                extra={"spool": {"max_size": "8MiB"}}) as daemon, OpenBus(daemon) as bus:
            for number in range(2000):
                bus.send(stream_status(name=f"n{number}", sdp="x" * 16000))
            wait_until(lambda: daemon.metric("tallybus_events_accepted_total") +
                       daemon.metric("tallybus_open_bus_dropped_total") == 2000, "all looked at")
            wait_until(lambda: daemon.metric("tallybus_events_given_up_total") >= 4, "given up")
            self.assertLessEqual(daemon.metric("tallybus_spool_bytes"), 8 << 20)
            if not SANITIZED:
                self.assertLess(rss_kib(daemon.process.pid), 96 << 10)
            never_read.set()


if __name__ == "__main__":
    unittest.main()
