"""./dev bench durable, and a part of ./dev bench figures: the spool on disk, each event committed
and synced before it is acknowledged, against the spool in memory; one event a POST, the same nginx,
interleaved rounds."""

import contextlib
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from figure import TOLD, Row, at_least
from nginx_server import NginxServer
from tallybus_parts import Tallybusd, wait_until

LANES = 64
EVENTS = 60_000
MOST_BYTES = 192 << 20  # of a round
USUAL = 390
GOALS = {USUAL: 0.85, 1024: 0.85, 4096: 0.65, 65536: None}  # by bytes of a body
GOAL_OF_SLOW_SYNC = 0.75
MEMORY, DISK, SLOW = "in memory", "on disk", "on disk, each sync 2 ms longer"
ARMS = {MEMORY: {"extra": {"spool": {"path": "memory"}}},
        DISK: {},
        SLOW: {"program": "tallybusd_faults",
               "environment": {"TALLYBUS_FAULT_VFS": "slow_sync:2ms"}}}


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(build, daemon, size):
    """(events a second from the first publish to the last answer, CPU microseconds an event)."""
    def delivered():
        return daemon.metric("tallybus_events_delivered_total")
    events = min(EVENTS, MOST_BYTES // size)
    want = delivered() + events
    cpu, began = cpu_seconds(daemon.process.pid), time.monotonic()
    subprocess.run([str(word) for word in (build / "bench" / "bus_load", daemon.engine, events,
                                           LANES, "defaultApp", size)],
                   check=True, stdout=subprocess.DEVNULL, timeout=120)
    wait_until(lambda: delivered() >= want, "everything is delivered", 120)
    took = time.monotonic() - began
    return events / took, (cpu_seconds(daemon.process.pid) - cpu) * 1e6 / events


def rounds_of(build, rounds, arms, sizes):
    """Of each size a list of rounds: arm to what measure() says."""
    with tempfile.TemporaryDirectory(prefix="tallybus-bench-") as folder, \
            NginxServer(Path(folder)) as nginx, contextlib.ExitStack() as daemons:
        apps = {"defaultApp": {"url": nginx.url, "max_connections": 16, "when_full": "block"}}
        started = {name: daemons.enter_context(Tallybusd(apps=apps, **ARMS[name]))
                   for name in arms}
        return {size: [{name: measure(build, daemon, size) for name, daemon in started.items()}
                       for _ in range(rounds)] for size in sizes}


def of_memory(rounds, name):
    return statistics.median(r[name][0] / r[MEMORY][0] for r in rounds)


def synced(build, options):
    """The rows of ./dev bench figures; of large bodies as well, with an sdp of their size."""
    found = rounds_of(build, options.rounds, (MEMORY, DISK), GOALS)
    for size, rounds in found.items():
        rates = {name: statistics.median(r[name][0] for r in rounds) for name in (MEMORY, DISK)}
        said = [f"{rates[name]:,.0f} events/s, {rates[name] * size / 1e6:,.0f} MB/s, {name}"
                for name in (DISK, MEMORY)]
        yield goal_row(f"one event of {size:,} bytes a POST, synced: rate",
                       of_memory(rounds, DISK), GOALS[size], "; ".join(said))
    slow = rounds_of(build, options.rounds, (MEMORY, SLOW), (USUAL,))[USUAL]
    yield goal_row("the same of 390 bytes, each sync 2 ms longer: rate", of_memory(slow, SLOW),
                   GOAL_OF_SLOW_SYNC, "")


def goal_row(name, ratio, goal, beside):
    unit = "of that with the spool in memory"
    if goal is None:
        return Row(name, TOLD, f"{ratio:.2f} {unit} ({beside})", None, True)
    return at_least(name, ratio, goal, unit, beside=beside)


def main(build, options):
    rounds = rounds_of(build, options.rounds, ARMS, (USUAL,))[USUAL]
    for name in ARMS:
        rate, cpu = (statistics.median(r[name][i] for r in rounds) for i in (0, 1))
        print(f"spool {name}: {rate:,.0f} events/s, {cpu:.1f} us CPU an event, "
              f"{of_memory(rounds, name):.2f} of the one in memory")
    print(f"(medians of {options.rounds} interleaved rounds)")
