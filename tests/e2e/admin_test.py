"""The admin door: curl and the command line against a real tallybusd, and against what stands there
in its place."""

import fcntl
import json
import os
import pty
import re
import shutil
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from tallybus_parts import BIN, Tallybusd, wait_until  # noqa: E402

OFF = {key: "off" for key in ("open", "clients", "web")}


def run(*words, **options):
    return subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=60,
                          **options)


def status(path, *words, **options):
    """`tallybus status` at the socket `path`."""
    return run(BIN / "tallybus", "status", "--admin", f"unix:{path}", *words, **options)


def curl(path, target="/api/v1/status", *words):
    """(status, body) of a request by curl."""
    done = run("curl", "-sS", "--max-time", "60", "-w", "\n%{http_code}", *words, "--unix-socket",
               path, "http://localhost" + target)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    body, _, code = done.stdout.rpartition("\n")
    return int(code), body


class Peer:
    """A socket at `path` that reads a little of each connection and says `words`."""

    def __init__(self, path, words, keep_open=False):
        self._words, self._keep_open, self._open = words, keep_open, []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
                connection.recv(4096)
                connection.sendall(self._words)
            except OSError:
                return
            self._open.append(connection)
            if not self._keep_open:
                connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()
        for connection in self._open:
            connection.close()


class StatusTest(unittest.TestCase):
    def test_the_status_is_a_table_or_the_daemons_own_json(self):
        with Tallybusd(apps={}) as daemon:
            self.assertIn(f" admin=unix:{daemon.admin}", daemon.log())
            code, body = curl(daemon.admin)
            said = json.loads(body)
            self.assertEqual(code, 200)
            self.assertEqual((said["status"], said["node"]), ("ok", "test-node"))
            self.assertEqual(said["pid"], daemon.process.pid)
            self.assertRegex(said["version"], r"^\d+\.\d+\.\d+$")
            wait_until(lambda: json.loads(curl(daemon.admin)[1])["uptime_seconds"] >= 1,
                       "time passes")

            as_json = status(daemon.admin, "--json")
            self.assertEqual(as_json.returncode, 0, as_json.stderr)
            self.assertEqual(json.loads(as_json.stdout).keys(), said.keys())
            self.assertEqual(as_json.stdout.count("\n"), 1)

            table = status(daemon.admin)
            self.assertEqual(table.returncode, 0, table.stderr)
            rows = dict(re.split(r" {2,}", line) for line in table.stdout.splitlines())
            self.assertEqual(rows["status"], "ok")
            self.assertEqual(rows["pid"], str(daemon.process.pid))
            self.assertEqual(rows["spool.max_bytes"], str(said["spool"]["max_bytes"]))
            self.assertEqual(daemon.metric("tallybus_admin_refused_total"), 0)
            wait_until(lambda: daemon.metric("tallybus_admin_requests_total") >= 4,
                       "all are counted")

    def test_the_web_port_does_not_open_the_admin_door_nor_the_other_way_round(self):
        with Tallybusd(apps={}) as daemon:
            self.assertEqual(daemon.get("/api/v1/status")[0], 404)
            self.assertNotIn("pid", json.loads(daemon.get("/healthz")[1]))
            self.assertEqual(curl(daemon.admin, "/metrics")[0], 404)
            code, body = curl(daemon.admin, "/api/v1/status", "-X", "POST", "-d", "{}")
            self.assertEqual((code, body), (405, "only GET is served here\n"))

    def test_a_table_is_cut_to_the_terminal_and_to_nothing_else(self):
        long_name = "n" * 200
        with Tallybusd(apps={}, extra={"node": {"name": long_name}}) as daemon:
            self.assertIn(long_name, status(daemon.admin).stdout)
            ours, theirs = pty.openpty()
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
            shown = subprocess.run([BIN / "tallybus", "status", "--admin", f"unix:{daemon.admin}"],
                                   stdout=theirs, timeout=60)
            os.close(theirs)
            text = b""
            try:
                while chunk := os.read(ours, 65536):
                    text += chunk
            except OSError:
                pass  # the end of a terminal
            os.close(ours)
            self.assertEqual(shown.returncode, 0)
            lines = text.decode().split("\r\n")
            self.assertTrue(any("nnn…" in line for line in lines), lines)
            self.assertLessEqual(max(map(len, lines)), 60)

    def test_a_daemon_that_is_not_ok_is_shown_and_is_exit_status_1(self):
        with tempfile.TemporaryDirectory() as folder:
            said = b'{"status":"spool full","node":"\\u001b[31m x"}'
            answer = (b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
                      b"Content-Length: %d\r\n\r\n%s" % (len(said), said))
            with Peer(Path(folder) / "a.sock", answer):
                done = status(Path(folder) / "a.sock")
                self.assertEqual(done.returncode, 1)
                self.assertEqual(done.stdout, "status  spool full\nnode    \\x1b[31m x\n")
                self.assertEqual(done.stderr, "")
                as_json = status(Path(folder) / "a.sock", "--json")
                self.assertEqual((as_json.returncode, as_json.stdout), (1, said.decode() + "\n"))

    def test_it_looks_where_a_daemon_of_the_same_environment_listens(self):
        with tempfile.TemporaryDirectory(prefix="tallybus-") as folder:
            environment = {**os.environ, "RUNTIME_DIRECTORY": folder, "STATE_DIRECTORY": folder}
            settings = [f"--set=listen.{key}=off" for key in OFF]
            daemon = subprocess.Popen([BIN / "tallybusd", *settings], env=environment,
                                      stderr=subprocess.PIPE, text=True)
            try:
                wait_until(lambda: "ready: " in daemon.stderr.readline(), "it is ready")
                done = run(BIN / "tallybus", "status", env=environment)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(f"pid                {daemon.pid}\n", done.stdout)
            finally:
                daemon.terminate()
                daemon.communicate(timeout=60)


class SocketTest(unittest.TestCase):
    def daemon(self, admin, **listen):
        """A daemon that may not start: (exit status, lines on standard error)."""
        with tempfile.TemporaryDirectory(prefix="tallybus-") as folder:
            path = Path(folder) / "t.yaml"
            path.write_text(json.dumps({"listen": {"engine": "off", **OFF, "admin": admin,
                                                   **listen}, "spool": {"path": folder}}))
            done = run(BIN / "tallybusd", "--config", path)
            return done.returncode, done.stderr.replace(folder + "/", "").splitlines()

    def test_only_its_owner_may_use_it_and_it_goes_with_the_daemon(self):
        with Tallybusd(apps={}) as daemon:
            mode = os.stat(daemon.admin).st_mode
            self.assertTrue(stat.S_ISSOCK(mode))
            self.assertEqual(stat.S_IMODE(mode), 0o600)
            daemon.stop()
            self.assertFalse(os.path.exists(daemon.admin))

    def test_a_killed_daemons_socket_is_replaced(self):
        with Tallybusd(apps={}) as daemon:
            daemon.kill()
            self.assertTrue(os.path.exists(daemon.admin))
            done = status(daemon.admin)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stderr, f"tallybus status: no tallybusd answers at {daemon.admin}"
                             ": is it running? name another with --admin\n")
            daemon.start()
            self.assertEqual(status(daemon.admin).returncode, 0)

    def test_a_second_daemon_says_so_in_one_line_and_the_first_goes_on(self):
        with Tallybusd(apps={}) as first:
            code, lines = self.daemon(f"unix:{first.admin}")
            self.assertEqual(code, 1)
            self.assertEqual(lines, [f"tallybusd: listen.admin: cannot listen on unix:{first.admin}"
                                     ": another process listens there; stop it, or give this one "
                                     "another listen.admin"])
            self.assertEqual(json.loads(curl(first.admin)[1])["pid"], first.process.pid)

    def test_what_cannot_be_listened_on_is_one_line_with_the_key(self):
        with tempfile.TemporaryDirectory(prefix="tallybus-") as folder:
            precious = Path(folder) / "precious"
            precious.write_text("x")
            cases = {
                "127.0.0.1:5583": r"t.yaml:1:\d+: listen\.admin: must be unix:/path or off",
                "http://127.0.0.1:1": r"listen\.admin: must be unix:/path or off",
                "unix:admin.sock": r"listen\.admin: needs an absolute path",
                "unix:/" + "x" * 107: r"listen\.admin: .*at most 107 bytes; this one has 108",
                f"unix:{folder}/none/a.sock": r"listen\.admin: .*No such file or directory",
                f"unix:{precious}": r"listen\.admin: .*no socket is there",
            }
            for admin, wanted in cases.items():
                with self.subTest(admin=admin):
                    code, lines = self.daemon(admin)
                    self.assertEqual(code, 1)
                    self.assertEqual(len(lines), 1, lines)
                    self.assertRegex(lines[0], wanted)
            self.assertEqual(precious.read_text(), "x")

    def test_off_is_off(self):
        with Tallybusd(apps={}, extra={"listen": {"admin": "off"}}) as daemon:
            self.assertRegex(daemon.log(), r" admin=off\n")
            self.assertFalse(os.path.exists(daemon.admin))
            self.assertEqual(status(daemon.admin).returncode, 1)

    def test_a_daemon_stops_at_once_with_connections_open_and_questions_unanswered(self):
        with Tallybusd(apps={}) as daemon:
            connections = []
            # Whole requests, which are answered; a half one; one that never reads its answers.
            for words in (b"GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n",
                          b"GET /api/v1/status HTTP/1.1\r\nHost:",
                          b"GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n" * 100):
                connection = socket.socket(socket.AF_UNIX)
                self.addCleanup(connection.close)
                connection.settimeout(60)
                connection.connect(daemon.admin)
                connection.sendall(words)
                connections.append(connection)
            self.assertIn(b"200 OK", connections[0].recv(4096))
            daemon.stop(seconds=9)  # less than the ten seconds of any timeout
            self.assertEqual(connections[1].recv(4096), b"")

    def test_garbage_on_the_socket_is_counted_and_the_next_question_answered(self):
        with Tallybusd(apps={}) as daemon:
            cases = {b"\x16\x03\x01\x02\x00 no request\r\n\r\n": "malformed",
                     b"GET / HTTP/1.1\r\nX: " + b"a" * 9000 + b"\r\n\r\n": "headers",
                     b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n": "body"}
            for words, reason in cases.items():
                with self.subTest(reason=reason), socket.socket(socket.AF_UNIX) as connection:
                    connection.settimeout(60)
                    connection.connect(daemon.admin)
                    connection.sendall(words)
                    self.assertRegex(connection.recv(4096), rb"^HTTP/1\.1 4\d\d ")
                    daemon.await_metric(1, "tallybus_admin_refused_total", reason=reason)
            self.assertEqual(status(daemon.admin).returncode, 0)


class NobodyThereTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tallybus-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.path = self.folder / "a.sock"

    def refused(self, *words, **options):
        done = status(self.path, *words, **options)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        return done.stderr

    def test_nobody_there_is_one_line_that_says_what_to_do(self):
        self.assertEqual(self.refused(), f"tallybus status: no tallybusd answers at {self.path}: "
                         "is it running? name another with --admin\n")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{probe.getsockname()[1]}"
            done = run(BIN / "tallybus", "status", "--admin", url)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"no tallybusd answers at {url}: is it running?", done.stderr)

    def test_an_address_that_is_none_is_exit_status_2(self):
        for address in ("nowhere", "unix:a.sock", "unix:/" + "x" * 107, "http://h:1/path"):
            with self.subTest(address=address):
                done = run(BIN / "tallybus", "status", "--admin", address)
                self.assertEqual(done.returncode, 2)
                self.assertRegex(done.stderr, r"^tallybus status: --admin: .*\n$")
        self.assertEqual(run(BIN / "tallybus", "status", "x").returncode, 2)
        self.assertEqual(status(self.path, "--timeout", "0s").returncode, 2)

    def test_another_program_in_its_place_is_told_as_such(self):
        for words in (b"SSH-2.0-OpenSSH_9.2\r\n", b"\x00\xff" * 100,
                      b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                      b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                      b"Content-Length: 3\r\n\r\n[1]",
                      b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                      b"Content-Length: 3\r\n\r\n{\"a"):
            with self.subTest(words=words), Peer(self.path, words):
                self.assertIn("is no tallybusd", self.refused())
            self.path.unlink()

    def test_a_peer_that_hangs_up_or_hangs_is_told_as_such(self):
        with Peer(self.path, b""):
            self.assertIn("went away before its answer was complete", self.refused())
        self.path.unlink()
        with Peer(self.path, b"HTTP/1.1 200 OK\r\n", keep_open=True):
            self.assertIn("within 300ms: tallybusd is busy or stuck",
                          self.refused("--timeout", "300ms"))

    def test_a_stopped_process_does_not_hang_the_command(self):
        with Tallybusd(apps={}) as daemon:
            self.path = daemon.admin
            daemon.pause()
            self.assertIn("no answer from", self.refused("--timeout", "300ms"))
            daemon.go_on()
            self.assertEqual(status(self.path).returncode, 0)

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_whoever_may_not_is_told_who_may(self):
        with Tallybusd(apps={}) as daemon:
            # Where anybody may run it; the checkout may be closed to others.
            tool = Path(tempfile.mkdtemp(prefix="tallybus-", dir="/tmp"))
            self.addCleanup(shutil.rmtree, tool)
            tool.chmod(0o755)
            shutil.copy(BIN / "tallybus", tool)
            words = [tool / "tallybus", "status", "--admin", f"unix:{daemon.admin}"]
            self.assertIn(f"{daemon.work_dir} lets only root through", run(*words, user=65534).stderr)
            daemon.work_dir.chmod(0o755)
            done = run(*words, user=65534)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stderr, f"tallybus status: permission denied at {daemon.admin}: "
                             "only root may use it; run this as root\n")


if __name__ == "__main__":
    unittest.main()
