"""./dev bench durable: the spool on disk, every event committed and synced before it is acknowledged,
against the spool in memory; one event a POST, the same nginx, interleaved rounds.
"""

import contextlib
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from nginx_server import NginxServer
from tallybus_parts import Tallybusd, wait_until

LANES = 64
EVENTS = 60_000


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(build, daemon):
    """(events a second from the first publish to the last answer, CPU microseconds an event)."""
    def delivered():
        return daemon.metric("tallybus_events_delivered_total")
    want = delivered() + EVENTS
    cpu, began = cpu_seconds(daemon.process.pid), time.monotonic()
    subprocess.run([build / "bench" / "bus_load", daemon.engine, str(EVENTS), str(LANES)],
                   check=True, stdout=subprocess.DEVNULL, timeout=120)
    wait_until(lambda: delivered() >= want, "everything is delivered", 120)
    took = time.monotonic() - began
    return EVENTS / took, (cpu_seconds(daemon.process.pid) - cpu) * 1e6 / EVENTS


def main(build, options):
    with tempfile.TemporaryDirectory(prefix="tallybus-bench-") as folder, \
            NginxServer(Path(folder)) as nginx, contextlib.ExitStack() as daemons:
        apps = {"defaultApp": {"url": nginx.url, "max_connections": 16, "when_full": "block"}}
        arms = {name: daemons.enter_context(Tallybusd(apps=apps, **more)) for name, more in {
            "in memory": {"extra": {"spool": {"path": "memory"}}},
            "on disk": {},
            "on disk, each sync 2 ms longer": {
                "program": "tallybusd_faults",
                "environment": {"TALLYBUS_FAULT_VFS": "slow_sync:2ms"}},
        }.items()}
        rounds = [{name: measure(build, daemon) for name, daemon in arms.items()}
                  for _ in range(options.rounds)]
    for name in arms:
        rate, cpu = (statistics.median(r[name][i] for r in rounds) for i in (0, 1))
        ratio = statistics.median(r[name][0] / r["in memory"][0] for r in rounds)
        print(f"spool {name}: {rate:,.0f} events/s, {cpu:.1f} us CPU an event, "
              f"{ratio:.2f} of the one in memory")
    print(f"(medians of {options.rounds} interleaved rounds)")
