"""./dev bench durable: the spool on disk, every event committed and synced before it is acknowledged,
against the spool in memory; one event a POST, the same nginx, interleaved rounds.
"""

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
            NginxServer(Path(folder)) as nginx:
        apps = {"defaultApp": {"url": nginx.url, "max_connections": 16, "when_full": "block"}}
        with Tallybusd(apps=apps, extra={"spool": {"path": "memory"}}) as memory, \
                Tallybusd(apps=apps) as disk:
            rounds = [(measure(build, memory), measure(build, disk))
                      for _ in range(options.rounds)]
    for name, of in (("memory", 0), ("on disk", 1)):
        rate, cpu = (statistics.median(r[of][i] for r in rounds) for i in (0, 1))
        print(f"spool {name}: {rate:,.0f} events/s, {cpu:.1f} us CPU an event")
    ratio = statistics.median(d[0] / m[0] for m, d in rounds)
    print(f"on disk / memory: {ratio:.2f}   (median of {options.rounds} rounds)")
