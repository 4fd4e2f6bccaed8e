"""./dev bench backlog: a backend is dead and a million events wait for it. What they cost in memory,
how soon a killed router is back with them, how fast they drain once the backend is there while new
events flow, and whether the other apps' routes notice.
"""

import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from nginx_server import NginxServer, free_port
from tallybus_parts import Tallybusd, wait_until

LANES = 64
NORMAL = 60_000
ROUNDS = 3


def anonymous_mb(daemon):
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(next(l for l in status.splitlines() if l.startswith("RssAnon")).split()[1]) / 1024


class Backlog:
    def __init__(self, build, daemon):
        self.load = build / "bench" / "bus_load"
        self.daemon = daemon

    def publish(self, app, events):
        return subprocess.Popen([self.load, self.daemon.engine, str(events), str(LANES), app],
                                stdout=subprocess.DEVNULL)

    def delivered(self, app):
        return self.daemon.metric("tallybus_events_delivered_total", route=f"{app}/backend")

    def rate(self, app, events):
        """Events a second from the first publish to the last answer."""
        want = self.delivered(app) + events
        began = time.monotonic()
        with self.publish(app, events) as load:
            wait_until(lambda: self.delivered(app) >= want, "everything is delivered", 300)
            took = time.monotonic() - began
        assert load.returncode == 0
        return events / took

    def fill(self, app, events):
        with self.publish(app, events) as load:
            assert load.wait(600) == 0
        wait_until(lambda: self.waiting(app) > 0.99 * events, f"{events} events wait")

    def waiting(self, app):
        return self.daemon.metric("tallybus_route_waiting_events", route=f"{app}/backend")

    def drain(self, app, feed):
        """Events a second that leave for `app` while `feed` new ones are published to it."""
        before, began = self.delivered(app), time.monotonic()
        with self.publish(app, feed):
            wait_until(lambda: self.waiting(app) == 0, "the backlog has drained", 600)
            return (self.delivered(app) - before) / (time.monotonic() - began)


class Rates:
    """Of a live app's route, and of one like it in a daemon that has no backlog, in turn."""

    def __init__(self, line, control):
        self.line, self.control = line, control

    def take(self):
        rounds = [(self.line.rate("live", NORMAL), self.control.rate("live", NORMAL))
                  for _ in range(ROUNDS)]
        return {"rate": statistics.median(r for r, _ in rounds),
                "control": statistics.median(c for _, c in rounds),
                "ratio": statistics.median(r / c for r, c in rounds)}


def measure(build, events):
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="tallybus-bench-") as folder:
        folder = Path(folder)
        for name in ("live", "dead", "spooling"):
            (folder / name).mkdir()
        dead_backend = NginxServer(folder / "dead", port)
        with NginxServer(folder / "live") as live:
            apps = {"live": {"url": live.url, "max_connections": 16}}
            dead = {"url": dead_backend.url, "max_connections": 16,
                    "rest_client_config": {"StreamStatusEvent": {"restOnError": "FAIL"}}}
            with Tallybusd(apps=apps) as control, Tallybusd(
                    apps={**apps, "dead": dead}, work_dir=folder / "spooling") as daemon:
                return scenario(Backlog(build, daemon), Backlog(build, control), dead_backend,
                                events)


def scenario(line, control, dead_backend, events):
    rates = Rates(line, control)
    before = rates.take()
    memory = anonymous_mb(line.daemon)
    line.fill("dead", events)
    time.sleep(15)  # each has had its ErrorEvent "waiting" by now
    grown = anonymous_mb(line.daemon) - memory
    beside = rates.take()
    line.daemon.kill()
    began = time.monotonic()
    line.daemon.start()
    ready = time.monotonic() - began
    after_restart = anonymous_mb(line.daemon)
    with dead_backend:
        subprocess.run([line.load.parent.parent / "bin" / "tallybus", "endpoint", "resume",
                        "dead/backend", "--admin", f"unix:{line.daemon.admin}"], check=True,
                       capture_output=True)
        drained = line.drain("dead", events // 10)
    after = rates.take()
    return {"before": before, "grown": grown, "beside": beside, "ready": ready,
            "after_restart": after_restart, "drained": drained, "after": after}


def main(build, options):
    events = options.events
    r = measure(build, events)
    normal = statistics.mean((r["beside"]["control"], r["after"]["control"]))
    print(f"{events:,} events wait for a dead backend, restOnError FAIL, {LANES} lanes")
    print(f"anonymous memory: {r['grown']:+.1f} MB while they wait; {r['after_restart']:.1f} MB after "
          "a kill and restart")
    print(f"restart with them, exec to ready: {r['ready']:.2f} s")
    print("another app's route, against one in a daemon without them: " + ", ".join(
        f"{r[when]['ratio']:.2f} {words} ({r[when]['rate']:,.0f} events/s)" for when, words in
        (("before", "before"), ("beside", "beside them"), ("after", "afterwards"))))
    print(f"drain, with new events between: {r['drained']:,.0f} events/s "
          f"({r['drained'] / normal:.2f} of the normal rate)")
