"""Tallybus, whole: client channel, metrics, traces and log are on, as they are by default."""

import contextlib
import subprocess

from figure import run_json
from peers.measure import Arm, BenchFailed, limit_of, run_daemon
from tallybus_parts import Tallybusd

LANES = 64
BATCH = {"format": "json-array",
         "batch": {"max_events": 1000, "max_bytes": "1MiB", "max_wait": "5ms"}}


class Tallybus(Arm):
    """`spool`: "memory" or "disk". `batch`: settings of the app for many events a POST, or None."""

    def __init__(self, setup, spool, batch=None):
        self._setup, self.spool, self._batch = setup, spool, batch
        self.name = "Tallybus, " + {"memory": "spool in memory",
                                    "disk": "each event synced to disk"}[spool]
        self._daemon = None
        self._load = None

    @property
    def configuration(self):
        said = (f"max_connections {self._setup.connections}, when_full block; "
                f"bus_load over {LANES} streams; ")
        said += "spool.path memory" if self.spool == "memory" else "spool.sync commit"
        if self._batch:
            said += "; format {format}, batch {batch}".format(**self._batch)
        return said

    def __enter__(self):
        app = {"url": self._setup.nginx.url, "max_connections": self._setup.connections,
               "when_full": "block", **(self._batch or {})}
        if self._setup.nginx.ca_file:
            app["tls"] = {"ca_file": str(self._setup.nginx.ca_file)}
        extra = {"spool": {"path": "memory"}} if self.spool == "memory" else None
        self._daemon = Tallybusd(apps={"defaultApp": app}, extra=extra)
        try:
            self._daemon.start()
        except AssertionError as error:
            with contextlib.suppress(AssertionError):
                self._daemon.close()  # it says once more how the daemon ended
            raise BenchFailed(f"{self.name}: {error}") from error
        return self

    def __exit__(self, *_):
        self._end_load()
        self._daemon.close()

    def run(self, events):
        before = self._delivered()

        def start():
            self._load = subprocess.Popen(
                [self._setup.build / "bench" / "bus_load", self._daemon.engine, str(events),
                 str(LANES), "defaultApp", str(self._setup.size)], stdout=subprocess.DEVNULL)

        try:
            result = run_daemon(
                self._setup, self._daemon.process.pid, events, start,
                requests=None if self._batch else events,
                arrived=lambda: self._delivered() - before >= events)
            if self._load.wait(limit_of(events)) != 0:
                raise BenchFailed(f"{self.name}: bus_load ended with {self._load.returncode}")
        finally:
            self._end_load()
        return result

    def feed(self, pace, seconds):
        said = run_json(self._setup.build / "bench" / "paced_publisher", self._daemon.engine,
                        pace, seconds, LANES, self._setup.size)
        if said["not_ok"]:
            raise BenchFailed(f"{self.name}: {said['not_ok']} events were not taken")

    def _delivered(self):
        return self._daemon.metric("tallybus_events_delivered_total")

    def _end_load(self):
        if self._load and self._load.poll() is None:
            self._load.kill()
            self._load.wait()
