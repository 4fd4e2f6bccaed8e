#!/usr/bin/python3
"""./dev bench [line | durable | backlog | figures | clients | compare]. Ratios of one run, interleaved
over several rounds, medians; a figure of one machine says little about another.

line: what a publish costs its caller, how fast the bus is, and how near the REST transport comes to a
bare libcurl loop. durable: the spool on disk against the one in memory. backlog: a million events wait
for a dead backend. figures: everything that has a goal, beside it. clients: ten thousand WebSocket
clients beside a bare Beast loop's. compare: beside other programs that bring events to a backend.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import backlog  # noqa: E402
import clients  # noqa: E402
import compare  # noqa: E402
import durable  # noqa: E402
import figures  # noqa: E402
import tallybus_parts  # noqa: E402
from nginx_server import NginxServer  # noqa: E402

LANES = 64


def run(*command, env=None):
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True,
                          timeout=300, env={**os.environ, **(env or {})}).stdout


def publish_cost(build, daemon):
    said = json.loads(run(build / "bench" / "publish_bench", "--benchmark_format=json",
                          "--benchmark_repetitions=5", env={"TALLYBUS_ENDPOINT": daemon.engine}))
    runs = [b for b in said["benchmarks"] if b["run_type"] == "iteration"]
    return {"ns": statistics.median(1e9 / r["items_per_second"] for r in runs),
            "allocations": sum(r["allocations"] for r in runs),
            "not_ok": sum(r["not_ok"] for r in runs)}


def bus_rate(build, daemon, events):
    return float(run(build / "bench" / "bus_load", daemon.engine, events, LANES))


def rest_rate(build, daemon, events):
    """Events a second from the first publish to the last answer."""
    def delivered():
        return daemon.metric("tallybus_events_delivered_total")
    want = delivered() + events
    began = time.monotonic()
    bus_rate(build, daemon, events)
    tallybus_parts.wait_until(lambda: delivered() >= want, "everything is delivered", 120)
    return events / (time.monotonic() - began)


def floor_rate(build, url, events):
    return float(run(build / "bench" / "curl_floor", url, events, 16).split()[0])


def line(build, options):
    with tempfile.TemporaryDirectory(prefix="tallybus-bench-") as folder, \
            NginxServer(Path(folder)) as nginx, \
            tallybus_parts.Tallybusd(apps={"defaultApp": {}}) as bus_only, \
            tallybus_parts.Tallybusd(apps={"defaultApp": {
                "url": nginx.url, "max_connections": 16, "when_full": "block"}}) as daemon:
        cost = publish_cost(build, bus_only)
        rounds = [(bus_rate(build, bus_only, 500_000), rest_rate(build, daemon, 60_000),
                   floor_rate(build, nginx.url + "/StreamStatusEvent", 60_000))
                  for _ in range(options.rounds)]
    bus, rest, floor = (statistics.median(column) for column in zip(*rounds))
    ratio = statistics.median(r / f for _, r, f in rounds)
    print(f"tallybus_publish_stream_status, bursts of 100: {cost['ns']:.0f} ns, "
          f"{cost['allocations']:.0f} allocations, {cost['not_ok']:.0f} calls not OK")
    print(f"engine to router, acknowledged by the memory spool: {bus:,.0f} events/s")
    print(f"bus to REST, one event a POST, 16 connections: {rest:,.0f} events/s")
    print(f"bare libcurl multi loop, 16 handles, same nginx: {floor:,.0f} POST/s")
    print(f"bus to REST / bare libcurl: {ratio:.2f}   (median of {options.rounds} rounds)")


MODES = {"line": line, "durable": durable.main, "backlog": backlog.main, "figures": figures.main,
         "clients": clients.main, "compare": compare.main}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=MODES, default="line")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, help="that wait (backlog: 1000000), or of a round "
                        "of one event a POST (compare: 60000)")
    parser.add_argument("--seconds", type=int, default=10, help="of one measurement (figures)")
    parser.add_argument("--only", nargs="+", help="parts of figures, or senders of compare with one "
                        "of these in their names; the page stays as it is")
    alone = parser.add_argument_group("compare")
    alone.add_argument("--size", type=int, default=390, help="bytes of a body, from 100")
    alone.add_argument("--connections", type=int, default=16)
    alone.add_argument("--https", action="store_true", help="those that can trust a certificate")
    alone.add_argument("--page", type=Path, help="instead of docs/performance.md")
    options = parser.parse_args()
    options.events = options.events or {"compare": 60_000}.get(options.what, 1_000_000)
    build = options.build.resolve()
    tallybus_parts.BIN = build / "bin"
    failed = MODES[options.what](build, options)
    print(f"on {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    return failed or 0


if __name__ == "__main__":
    sys.exit(main())
