"""How long an event is on its way: to the backend, with the spool in memory and synced, and to a
client. In the same rounds a bare libcurl request, and the disk's own sync."""

import contextlib
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from figure import StampServer, at_most, medians, run_json
from tallybus_parts import Tallybusd, wait_until

RATE = 5_000
LANES = 64
SYNC_BYTES = 8 << 10
SYNC_FILE = 4 << 20  # then again from the start, as SQLite's log


def percentiles(ns):
    ns = sorted(ns)
    at = {"p50": 500, "p99": 990, "p999": 999}
    return {"count": len(ns), **{p: ns[min(len(ns) - 1, len(ns) * share // 1000)]
                                 for p, share in at.items()}}


def sync_times(folder, count):
    """fdatasync after 8 KiB, in nanoseconds, on the disk that has the spool."""
    block = os.urandom(SYNC_BYTES)
    times = []
    with open(Path(folder) / "synced", "wb", buffering=0) as file:
        for i in range(count):
            os.pwrite(file.fileno(), block, i * SYNC_BYTES % SYNC_FILE)
            began = time.perf_counter_ns()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter_ns() - began)
    return percentiles(times)


class Line:
    def __init__(self, build, options, server):
        self.bench = build / "bench"
        self.seconds = options.seconds
        self.server = server

    def publish(self, daemon):
        said = run_json(self.bench / "paced_publisher", daemon.engine, RATE, self.seconds, LANES)
        assert said["not_ok"] == 0 and said["published"] == RATE * self.seconds, said

    def to_backend(self, daemon):
        """Age of events when their requests had been read."""
        return self.server.ages(lambda: self.publish(daemon), RATE * self.seconds)

    def to_client(self, daemon):
        wait_until(lambda: daemon.metric("tallybus_client_subscriptions") == 0, "nobody listens")
        with subprocess.Popen([self.bench / "stamp_reader", daemon.clients,
                               str(RATE * self.seconds)], stdout=subprocess.PIPE) as reader:
            wait_until(lambda: daemon.metric("tallybus_client_subscriptions") == 1, "it listens")
            self.publish(daemon)
            said = reader.communicate(timeout=60)[0]
        return json.loads(said)

    def round_trip(self):
        return run_json(self.bench / "curl_round_trip", self.server.url, 1000 * self.seconds)


def measure(build, options):
    with tempfile.TemporaryDirectory(prefix="tallybus-bench-") as folder, \
            StampServer(build) as server, contextlib.ExitStack() as daemons:
        apps = {"defaultApp": {"url": server.url}}
        memory = daemons.enter_context(Tallybusd(apps=apps, extra={"spool": {"path": "memory"}}))
        synced = daemons.enter_context(Tallybusd(apps=apps, work_dir=Path(folder)))
        line = Line(build, options, server)
        return medians([{"curl": line.round_trip(), "memory": line.to_backend(memory),
                         "sync": sync_times(folder, 500 * options.seconds),
                         "synced": line.to_backend(synced),
                         "client": line.to_client(memory), "client_synced": line.to_client(synced)}
                        for _ in range(options.rounds)])


def latency(build, options):
    r = measure(build, options)
    us = {key: {p: r[key][p] / 1000 for p in ("p50", "p99")} for key in r}
    curl, sync, memory = us["curl"], us["sync"], us["memory"]
    beside_curl = f"round trip p50 {curl['p50']:.0f} µs, p99 {curl['p99']:.0f} µs"
    beside_sync = f"fdatasync p50 {sync['p50']:.0f} µs, p99 {sync['p99']:.0f} µs"
    to_backend = "publish → request read, 5,000/s, spool"
    yield at_most(f"{to_backend} in memory, p50", memory["p50"], 3 * curl["p50"], "µs",
                  goal="3 × a bare libcurl round trip", beside=beside_curl)
    yield at_most(f"{to_backend} in memory, p99", memory["p99"], 300, "µs")
    yield at_most(f"{to_backend} synced, p50", us["synced"]["p50"], memory["p50"] + 2 * sync["p50"],
                  "µs", goal="memory + 2 × fdatasync", beside=beside_sync)
    yield at_most(f"{to_backend} synced, p99", us["synced"]["p99"], 1000 + 2 * sync["p99"], "µs",
                  goal="1 ms + 2 × fdatasync p99", beside=beside_sync)
    for key, spool in (("client", "in memory"), ("client_synced", "synced")):
        to_client = f"publish → XPUB subscriber, 5,000/s, spool {spool}"
        missing = RATE * options.seconds - r[key]["count"]
        yield at_most(f"{to_client}, p50", us[key]["p50"], 150, "µs")
        yield at_most(f"{to_client}, p99", us[key]["p99"], 1000, "µs")
        yield at_most(f"{to_client}, events that did not come", missing, 0, "")
