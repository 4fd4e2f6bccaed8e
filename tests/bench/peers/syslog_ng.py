"""syslog-ng's http() destination: the general log router of Debian, which POSTs what it is given.

What of its settings is fastest is found out in the run: see `options`. Its queue is in memory, and
flow control keeps it from losing what it cannot send yet.
"""

import socket
import subprocess
import threading
import time

from nginx_server import free_port
from peers.measure import Arm, BenchFailed, limit_of, require, run_daemon, version

CONFIG = """\
@version: {config_version}
options {{ use-dns(no); keep-hostname(yes); stats-freq(0); stats-level(0); }};
source feed {{ {source} }};
destination backend {{
  http(url("{url}") method("POST") body("$MSG")
    headers("Content-Type: application/json;charset=UTF-8")
    workers({workers}) log-fifo-size({fifo}) timeout(10){tls}{batch});
}};
log {{ source(feed); destination(backend); flags(flow-control); }};
"""
COMMON = "flags(no-parse) log-msg-size(262144) log-fetch-limit({fetch}) log-iw-size({window})"
SOURCES = {
    "file": f'file("{{path}}" follow-freq(0.01) {COMMON});',
    "pipe": f'pipe("{{path}}" {COMMON});',
    "unix-stream": f'unix-stream("{{path}}" max-connections(1) {COMMON});',
    "tcp": f'network(transport("tcp") ip("127.0.0.1") port({{port}}) max-connections(1) {COMMON});',
}


class SyslogNg(Arm):
    """batch_lines: how many events a POST, 0 for one. window: how many it holds, all that a rate
    needs or little memory."""
    name = "syslog-ng http()"
    # The options are tried one after the other, each with the best of those before it; workers once
    # more with what was found.
    @staticmethod
    def options(setup):
        workers = ("workers", sorted({*SyslogNg._workers(setup, 32), setup.connections}))
        return [workers, ("feed", sorted(SOURCES)), ("window", [2000, 20_000]), workers]

    @staticmethod
    def batch_options(setup):
        return [("workers", SyslogNg._workers(setup, 4)), ("feed", sorted(SOURCES)),
                ("batch_lines", [100, 300, 1000, 5000]), ("batch_kib", [64, 256, 1024]),
                ("window", [2000, 20_000]), ("workers", SyslogNg._workers(setup, 8))]

    @staticmethod
    def _workers(setup, most):
        """A worker has one connection: not more of them than the others have."""
        return [n for n in (1, 2, 4, 8, 16, 32) if n <= min(most, setup.connections)]

    def __init__(self, setup, feed="pipe", workers=4, batch_lines=0, batch_kib=1024,
                 window=20_000):
        self._setup, self._feed, self._workers, self._window = setup, feed, workers, window
        self._batch_lines, self._batch_kib = batch_lines, batch_kib
        self._program, self._ctl = require("syslog-ng"), require("syslog-ng-ctl")
        self._folder = setup.new_folder(f"syslog-ng-{feed}-{workers}-{batch_lines}-{batch_kib}")
        self._port = free_port()
        self._process = self._connection = None
        said = f"batch-lines({batch_lines}) batch-bytes({batch_kib} KiB), " if batch_lines else ""
        self.configuration = (f"syslog-ng {version(self._program, '--version')}, "
                              f"workers({workers}), {said}fed by {feed} with no-parse, "
                              f"flow control, log-iw-size({window}), queue in memory")

    def __enter__(self):
        input_path = self._folder / "input"
        input_path.unlink(missing_ok=True)
        if self._feed == "file":
            input_path.touch()
        config = self._folder / "syslog-ng.conf"
        config.write_text(self._config(input_path))
        with open(self._folder / "log", "wb") as log:
            self._process = subprocess.Popen(
                [self._program, "-F", "--no-caps", "-f", config, "-R", self._folder / "persist",
                 "-c", self._folder / "ctl", "-p", self._folder / "pid"],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise BenchFailed("syslog-ng did not start: " +
                                  (self._folder / "log").read_text()[-2000:])
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        if self._connection:
            self._connection.close()
            self._connection = None
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _config(self, input_path):
        fetch = max(self._batch_lines, 1000)
        source = SOURCES[self._feed].format(path=input_path, port=self._port, fetch=fetch,
                                            window=self._window)
        batch = tls = ""
        if self._batch_lines:
            batch = (f'\n    batch-lines({self._batch_lines}) batch-timeout(5) '
                     f'batch-bytes({self._batch_kib * 1024})\n    delimiter(",") '
                     f'body-prefix("[") body-suffix("]")')
        if self._setup.nginx.ca_file:
            tls = f'\n    tls(ca-file("{self._setup.nginx.ca_file}") peer-verify(yes))'
        return CONFIG.format(
            config_version=".".join(version(self._program, "--version").split(".")[:2]),
            source=source, url=self._setup.url, workers=self._workers, fifo=2 * self._window,
            batch=batch, tls=tls)

    def _is_ready(self):
        """Its control socket answers, and its source can be written to."""
        if self._statistics() is None:
            return False
        path = str(self._folder / "input")
        try:
            if self._feed == "unix-stream":
                self._connection = socket.socket(socket.AF_UNIX)
                self._connection.connect(path)
            elif self._feed == "tcp":
                self._connection = socket.create_connection(("127.0.0.1", self._port))
            elif self._feed == "pipe":
                self._connection = open(path, "wb", buffering=0)
        except OSError:
            return False
        return True

    def _statistics(self):
        """{counter: value} of the destination, or None where nobody answers."""
        said = subprocess.run([self._ctl, "stats", "-c", self._folder / "ctl"], text=True,
                              capture_output=True, timeout=10, check=False)
        rows = [line.split(";") for line in said.stdout.splitlines()]
        if said.returncode != 0 or not rows:
            return None
        return {row[4]: int(row[5]) for row in rows if len(row) == 6 and row[0] == "dst.http"}

    def run(self, events):
        before = self._statistics()
        lines = self._setup.body.encode() + b"\n"
        feeder = None

        def start():
            nonlocal feeder
            if self._feed == "file":
                with open(self._folder / "input", "ab") as file:
                    for _ in range(events // 1000):
                        file.write(lines * 1000)
                    file.write(lines * (events % 1000))
            else:
                feeder = threading.Thread(target=self._write, args=(lines, events), daemon=True)
                feeder.start()

        def arrived():
            now = self._statistics()
            if now.get("dropped", 0) > before.get("dropped", 0):
                raise BenchFailed(f"syslog-ng has dropped events: {now}")
            return now.get("written", 0) - before.get("written", 0) >= events

        result = run_daemon(self._setup, self._process.pid, events, start,
                            requests=None if self._batch_lines else events, arrived=arrived)
        if feeder:
            feeder.join(limit_of(events))
        return result

    def sending_to(self, setup):
        """A file is only looked at each 10 ms."""
        other = super().sending_to(setup)
        if other._feed == "file":
            other._feed = "pipe"
        return other

    def feed(self, pace, seconds):
        command = [self._setup.build / "bench" / "paced_lines", pace * seconds, pace,
                   *self._setup.stamped_body]
        subprocess.run([str(c) for c in command], stdout=self._connection, check=True,
                       timeout=limit_of(pace * seconds))

    def _write(self, line, events):
        connection = self._connection
        for _ in range(events // 100):
            self._send(connection, line * 100)
        self._send(connection, line * (events % 100))

    @staticmethod
    def _send(connection, data):
        if send := getattr(connection, "sendall", None):
            send(data)
            return
        view = memoryview(data)
        while view:
            view = view[connection.write(view):]
