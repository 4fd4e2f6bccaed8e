"""What the router costs that is idle, has many sessions or many live streams; and what a dead or a
slow backend takes from it."""

import statistics
import subprocess
import time

from backlog import anonymous_mb
from durable import cpu_seconds
from figure import StampServer, at_least, at_most, number
import engine_library
from peers.tallybus_arms import BATCH
from tallybus_parts import Tallybusd, refused_url, wait_until

SESSIONS = 10_000
STREAMS = 100_000
FEW_STREAMS = 10
RATE = 5_000
BATCH_RATE = 20_000
APPS = 100
LANES = 64


def delivered(daemon, **labels):
    return daemon.metric("tallybus_events_delivered_total", **labels)


def settled_memory(daemon):
    time.sleep(2)
    return anonymous_mb(daemon)


def idle_daemon(build, options):
    engine_library.LIB = build / "lib"
    with StampServer(build) as server, Tallybusd(
            apps={"defaultApp": {"url": server.url}}) as daemon:
        idle = settled_memory(daemon)
        yield at_most("idle daemon: anonymous memory", idle, 8, "MB")
        with engine_library.EnginePublisher(daemon.engine) as engine:
            for i in range(SESSIONS):
                session = f"/192.168.1.102:{i}/192.168.1.101:8443"
                while engine.session_open(session) != engine_library.OK:
                    time.sleep(0.001)
            wait_until(lambda: daemon.metric("tallybus_sessions") >= SESSIONS, "the sessions", 60)
            yield at_most(f"{SESSIONS:,} sessions: anonymous memory", settled_memory(daemon) - idle,
                          10, "MB more")


class Streams:
    """A daemon, and an engine with so many live streams in it that publishes more of them: one
    event a POST, or with `batch` many."""

    def __init__(self, build, options, server, count, batch):
        self.count = count
        self.rate = BATCH_RATE if batch else RATE
        self.events = self.rate * options.seconds
        self.daemon = Tallybusd(
            apps={"defaultApp": {"url": server.url, **(BATCH if batch else {})}})
        self._command = [build / "bench" / "paced_publisher", None, self.rate, options.seconds,
                         count, 0, STREAMS]

    def __enter__(self):
        self.daemon.start()
        self.before = settled_memory(self.daemon)
        return self

    def __exit__(self, *_):
        self.daemon.kill()  # else it would end them all, one by one
        self.daemon.close()

    def measure(self):
        """(memory while all of them live, CPU microseconds an event of theirs)."""
        began = delivered(self.daemon)
        self._command[1] = self.daemon.engine
        with subprocess.Popen([str(word) for word in self._command], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as engine:
            try:
                assert engine.stdout.readline() == "filled\n"
                return self._while_they_live(engine, began + STREAMS)
            finally:
                engine.kill()  # no goodbye: they would end

    def _while_they_live(self, engine, filled):
        wait_until(lambda: delivered(self.daemon) >= filled, "they are told of", 120)
        grown = settled_memory(self.daemon) - self.before
        cpu = cpu_seconds(self.daemon.process.pid)
        engine.stdin.write("go\n")
        engine.stdin.flush()
        wait_until(lambda: delivered(self.daemon) >= filled + self.events, "their events", 60)
        return grown, (cpu_seconds(self.daemon.process.pid) - cpu) * 1e6 / self.events


def many_and_few(build, options, batch):
    """(memory of many streams, CPU µs an event of theirs, the same two of few), a round each."""
    with StampServer(build) as server:
        for _ in range(options.rounds):
            with Streams(build, options, server, STREAMS, batch) as many:
                of_many = many.measure()
            with Streams(build, options, server, FEW_STREAMS, batch) as few:
                yield (*of_many, *few.measure())


def live_streams(build, options):
    for batch, bound, how in ((False, 1.2, "one a POST"), (True, 1.6, "in batches")):
        rounds = list(many_and_few(build, options, batch))
        grown, many, control, few = (statistics.median(column) for column in zip(*rounds))
        if not batch:
            yield at_most(f"{STREAMS:,} live streams: anonymous memory", grown, 80, "MB more",
                          beside=f"as many events of {FEW_STREAMS} streams: {control:.0f} MB more")
        ratio = statistics.median(m / f for _, m, _, f in rounds)
        pace = f"{BATCH_RATE if batch else RATE:,}/s"
        yield at_most(f"{STREAMS:,} live streams: CPU an event, {how}, {pace}", ratio, bound,
                      f"× that of {FEW_STREAMS}",
                      beside=f"{number(many)} µs and {number(few)} µs")


class ManyApps:
    """A daemon with 100 apps of which one may be dead."""

    def __init__(self, build, url, first_url):
        apps = {f"app-{i}": {"url": url} for i in range(APPS)}
        apps["app-0"] = {"url": first_url}
        self.load = build / "bench" / "bus_load"
        self.daemon = Tallybusd(apps=apps)

    def others_rate(self, events):
        """Events a second of the other 99, from the first publish to the last answer."""
        def of_others():
            return delivered(self.daemon) - delivered(self.daemon, route="app-0/backend")
        want = of_others() + events - events // APPS
        began = time.monotonic()
        with subprocess.Popen([self.load, self.daemon.engine, str(events), str(LANES), "app", "0",
                               str(APPS)], stdout=subprocess.DEVNULL) as load:
            wait_until(lambda: of_others() >= want, "the others have everything", 120)
            took = time.monotonic() - began
        assert load.returncode == 0
        return (events - events // APPS) / took


def one_dead(build, options):
    with StampServer(build) as server, StampServer(build, "hang") as hung:
        arms = {"alive": server.url, "refuses": refused_url(), "hangs": hung.url}
        arms = {name: ManyApps(build, server.url, url) for name, url in arms.items()}
        try:
            for arm in arms.values():
                arm.daemon.start()
            names = list(arms)
            # Each is first in turn: on a machine that others use, neighbours in time are alike.
            rounds = [{name: arms[name].others_rate(10_000 * options.seconds)
                       for name in names[i % 3:] + names[:i % 3]} for i in range(options.rounds)]
        finally:
            for arm in arms.values():
                arm.daemon.close()
    for name in ("refuses", "hangs"):
        ratio = statistics.median(r[name] / r["alive"] for r in rounds)
        rate = statistics.median(r[name] for r in rounds)
        yield at_least(f"one of {APPS} endpoints {name}: the rate of the other {APPS - 1}", ratio,
                       0.95, "of that with all alive", beside=f"{rate:,.0f} events/s")


def slow_backend(build, options):
    latency_ms, connections, events = 20, 128, 100_000
    possible = connections * 1000 / latency_ms
    with StampServer(build, latency_ms) as server, Tallybusd(
            apps={"defaultApp": {"url": server.url}}) as daemon:
        command = [build / "bench" / "bus_load", daemon.engine, str(events), "2000"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL):
            samples = [(time.monotonic(), delivered(daemon))]
            while samples[-1][1] < events and samples[-1][0] - samples[0][0] < 15:
                time.sleep(0.25)
                samples.append((time.monotonic(), delivered(daemon)))
            wait_until(lambda: delivered(daemon) >= events, "all are delivered", 60)
        most = server.stats()["open"]
    rates = [(t2 - samples[0][0], (n2 - n1) / (t2 - t1))
             for (t1, n1), (t2, n2) in zip(samples, samples[4:])]  # over a second each
    best = max(rate for at, rate in rates if at <= 10)
    grown = next((at for at, rate in rates if rate >= 0.9 * possible), None)
    yield at_least(f"backend with {latency_ms} ms latency: rate within 10 s", best, 0.9 * possible,
                   "events/s", goal=f"90 % of {connections} connections' {possible:,.0f}/s",
                   beside=(f"after {grown:.1f} s" if grown else "not reached in 15 s") +
                   f", at most {most} requests open")
