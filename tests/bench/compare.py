"""./dev bench compare: Tallybus beside other programs that bring events to an HTTP backend, against
one nginx worker in one run, interleaved rounds, medians.

One event a POST, many events a POST, how long an event is on its way by each sender, and what it
costs Janus. Nobody is held back: what of a peer's settings is best is found out first, on this
machine. nginx counts for all. Each sender runs alone, started anew for each round and warmed up. The
result goes into docs/performance.md.
"""

import dataclasses
import statistics
import sys
import tempfile
from pathlib import Path

import page
from goals import BATCHED, SINGLE
from nginx_server import NginxServer
from peers.janus_cost import HandlerCost
from peers.janus_load import SampleHandler
from peers.latency import latency_bench
from peers.measure import BenchFailed, Setup, await_quiet
from peers.posters import CurlFloor, Wrk
from peers.sqlite_arm import SqliteFloor
from peers.syslog_ng import SyslogNg
from peers.tallybus_arms import BATCH, Tallybus

SIZES = (100, 120_000)  # of a body: what an event needs, and what the command line of a feeder holds
MOST_BYTES = 200_000_000  # of bodies in one round of one arm
LEAST_JANUS_BYTES = 360
JANUS_RATE = 500  # events a second, beside all at once


@dataclasses.dataclass
class Entry:
    """One row of a table: an arm, and how many events it is given for each of --events."""
    arm: object
    scale: float = 1.0
    results: list = dataclasses.field(default_factory=list)

    @property
    def name(self):
        return self.arm.name

    def median(self, what):
        return statistics.median(getattr(r, what) for r in self.results)

    def ratio(self, other, what):
        """The median of the rounds' ratios: both of a round saw the same machine."""
        pairs = zip(self.results, other.results)
        return statistics.median(getattr(a, what) / max(getattr(b, what), 1e-9) for a, b in pairs)


@dataclasses.dataclass
class Group:
    title: str
    entries: list
    ours: Entry = None  # what the others are told as ratios of
    latencies: list = dataclasses.field(default_factory=list)


class Comparison:
    def __init__(self, setup, options, latency):
        self._setup, self._options, self.latency = setup, options, latency
        self.tried = []
        self.failed = {}  # what a sender of a table failed with, by (title, name)

    def events(self, scale):
        return max(2000, int(min(self._options.events * scale, MOST_BYTES / self._setup.size)))

    def run_all(self):
        groups = [g for g in (self._single(), self._batched()) if g.entries]
        costs = []
        if self._wanted("Janus") and self._has_janus():
            costs = [HandlerCost(self._setup), HandlerCost(self._setup, rate=JANUS_RATE)]
        for number in range(self._options.rounds):
            for group in groups:
                group.entries = self._round(number, group.title, group.entries, lambda entry:
                    entry.results.append(self._measure(entry.arm, entry.scale)))
                group.latencies = self._round(number, f"{group.title}, latency", group.latencies,
                                              self.latency.measure)
            costs = self._round(number, "What an event costs Janus", costs,
                                lambda cost: cost.run(self.events(1)))
            print(f"round {number + 1} of {self._options.rounds}", file=sys.stderr, flush=True)
        return [g for g in groups if g.entries], costs

    def _round(self, number, title, rows, measure):
        """Those that did not fail. Each round begins with another one, so that nobody is always behind
        the same; and whatever one fails with costs the others nothing."""
        turn = number % max(1, len(rows))
        for row in rows[turn:] + rows[:turn]:
            try:
                measure(row)
            except Exception as error:
                self.failed[title, row.name] = str(error)
                print(f"{title}: {row.name}: {error}", file=sys.stderr, flush=True)
        return [row for row in rows if (title, row.name) not in self.failed]

    def _measure(self, arm, scale, warm=0.1):
        await_quiet(self._setup)
        with arm:
            if warm:
                arm.run(self.events(scale * warm))
                await_quiet(self._setup)
            return arm.run(self.events(scale))

    def _wanted(self, name):
        wanted = self._options.only or [""]
        return any(word.lower() in name.lower() for word in wanted)

    def _has_janus(self):
        """sampleevh cannot be told of a certificate, and Janus has no events of less."""
        return not self._options.https and self._setup.size >= LEAST_JANUS_BYTES

    def _group(self, title, ours, entries):
        entries = [e for e in entries if self._wanted(e.name)]
        return Group(title, entries, ours, self.latency.rows([e.arm for e in entries], ours.arm))

    def _single(self):
        setup = self._setup
        ours = Entry(Tallybus(setup, "memory"))
        entries = [ours, Entry(Tallybus(setup, "disk"))]
        if self._wanted(CurlFloor.name):
            entries.append(Entry(self._best(CurlFloor, CurlFloor.OPTIONS, 0.5)))
        if self._wanted(SyslogNg.name):
            entries.append(Entry(self._best(SyslogNg, SyslogNg.options(setup), 0.5)))
        if self._wanted(Wrk.name) and not self._options.https:
            entries.append(Entry(self._best(Wrk, Wrk.OPTIONS, 0.5)))
        if self._wanted(SampleHandler.name) and self._has_janus():
            entries.append(Entry(SampleHandler(setup, grouping=False), scale=0.25))
        return self._group(SINGLE, ours, entries)

    def _batched(self):
        setup = self._setup
        ours = Entry(Tallybus(setup, "memory", BATCH), scale=10)
        entries = [ours, Entry(Tallybus(setup, "disk", BATCH), scale=10)]
        if self._wanted(SyslogNg.name):
            entries.append(Entry(self._best(SyslogNg, SyslogNg.batch_options(setup), 10,
                                            batch_lines=1000), scale=10))
        if self._wanted(SampleHandler.name) and self._has_janus():
            entries.append(Entry(SampleHandler(setup, grouping=True), scale=3))
        if self._wanted(SqliteFloor.name):
            entries.append(Entry(self._best(SqliteFloor, SqliteFloor.OPTIONS, 5), scale=5))
        return self._group(BATCHED, ours, entries)

    def _best(self, kind, options, scale, **best):
        """An arm with the best settings, found one after the other: the fastest of each, by the
        better of two short runs. One that it cannot do is the slowest."""
        for key, values in options:
            rates = {}
            for value in values:
                arm = kind(self._setup, **{**best, key: value})
                rates[value] = max(self._try(arm, scale) for _ in range(2))
            best[key] = max(rates, key=rates.get)
            told = ", ".join(f"{value}: {rate:,.0f}" for value, rate in rates.items())
            self.tried.append(f"{kind.name}, {key} ({told})")
            print(f"tried {self.tried[-1]}", file=sys.stderr, flush=True)
        return kind(self._setup, **best)


    def _try(self, arm, scale):
        try:
            return self._measure(arm, scale, warm=0).rate
        except Exception as error:
            print(f"{arm.name}: {arm.configuration}: {error}", file=sys.stderr, flush=True)
            return 0


def main(build, options):
    if not SIZES[0] <= options.size <= SIZES[1]:
        print(f"bench compare: --size {options.size}: {SIZES[0]} to {SIZES[1]} bytes")
        return 2
    load = page.load_average()
    with tempfile.TemporaryDirectory(prefix="tallybus-bench-") as folder:
        folder = Path(folder)
        with NginxServer(folder, tls=options.https) as nginx:
            setup = Setup(build, folder, nginx, options.size, options.connections)
            with latency_bench(setup) as latency:
                comparison = Comparison(setup, options, latency)
                try:
                    groups, costs = comparison.run_all()
                except BenchFailed as error:  # a peer is not installed
                    print(f"bench compare: {error}", file=sys.stderr)
                    return 1
        if not groups and not costs:
            print("bench compare: nothing was measured: no sender is called " +
                  " or ".join(options.only or []))
            return 1
        text = page.text(groups, costs, comparison, options, folder, load)
    print(text)
    for (title, name), error in comparison.failed.items():
        print(f"failed: {title}: {name}: {error}")
    if comparison.failed or options.only:
        print("not the whole comparison: docs/performance.md is left as it is")
        return 1 if comparison.failed else 0
    page.write(options.page, page.name_of(options), text)
    return 0
