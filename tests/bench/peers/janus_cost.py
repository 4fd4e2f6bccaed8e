"""What an event costs Janus: in the call of a handler's incoming_event, for which Janus's one event
thread waits, and in the threads that the handler keeps in Janus's process.

Both handlers in one Janus give the calls, event by event in turn; each alone in a Janus gives its
threads. sampleevh groups, which is the cheaper for it.
"""

import contextlib
import json
import statistics
import time

from peers.janus_load import (HANDLER_THREADS, LoadedJanus, SAMPLE, library_folder,
                              sample_settings)
from peers.measure import BenchFailed, await_quiet, thread_cpu_seconds
from tallybus_parts import Tallybusd, wait_until

PACED_SECONDS = 4
MOST_AT_ONCE = 20_000  # that the handler's queue and the bus's ring hold, whoever gets no CPU
LIBRARY = "libjanus_tallybusevh.so"
NAMES = {"tallybusevh": "Tallybus's handler", "sampleevh": "Janus sampleevh, grouping"}


class HandlerCost:
    """Rounds of both; `table()` gives the medians."""

    def __init__(self, setup, rate=0):
        """`rate`: events a second; 0: as fast as they go."""
        self._setup, self._rate = setup, rate
        self.pace = f", {rate} events/s" if rate else ", all at once"
        self.name = f"handlers{self.pace}"
        self._calls = {name: [] for name in NAMES}
        self._threads = {name: [] for name in NAMES}

    def run(self, events):
        events = min(events, PACED_SECONDS * self._rate or MOST_AT_ONCE)
        calls, _ = self._round(list(NAMES), events)
        for name in NAMES:
            self._calls[name].append(calls[name])
            _, threads = self._round([name], events)
            self._threads[name].append(threads)

    def table(self):
        """[(name, median ns, 99th percentile ns, mean CPU ns, its threads' CPU us)]"""
        def of(name, what):
            return statistics.median(call[what] for call in self._calls[name])
        return [(words + self.pace, of(name, "median_ns"), of(name, "p99_ns"), of(name, "mean_cpu_ns"),
                 statistics.median(self._threads[name])) for name, words in NAMES.items()]

    def ratio(self, what):
        """Of what our call takes to what sampleevh's does, in one Janus: of the rounds' medians,
        since a round's own difference of clocks may be nothing."""
        ours, theirs = (statistics.median(call[what] for call in self._calls[name])
                        for name in NAMES)
        return max(ours, 0) / max(theirs, 1)

    def _round(self, names, events):
        """({handler: what its calls took}, CPU us an event of the handlers' threads)"""
        libraries = {"tallybusevh": self._setup.build / "lib" / LIBRARY,
                     "sampleevh": library_folder() / "events" / SAMPLE}
        with contextlib.ExitStack() as stack:
            router = stack.enter_context(Tallybusd(
                apps={"defaultApp": {"url": "off"}}, extra={"spool": {"path": "memory"}}))
            files = {"janus.eventhandler.tallybusevh.jcfg":
                     f'general: {{\n  enabled = true\n  endpoint = "{router.engine}"\n}}\n',
                     **sample_settings(self._setup.url, True)}
            with LoadedJanus(self._setup, "janus-cost-" + "-".join(names),
                             {name: libraries[name] for name in names}, files) as janus:
                before = thread_cpu_seconds(janus.pid, HANDLER_THREADS)
                janus.load(events, self._rate)
                if self._rate:
                    time.sleep(events / self._rate)  # to ask Janus meanwhile would cost it
                janus.await_done(events)
                if "tallybusevh" in names:
                    self._await_router(router, events)
                if "sampleevh" in names:
                    await_quiet(self._setup)
                threads = thread_cpu_seconds(janus.pid, HANDLER_THREADS) - before
            return {name: self._read(janus.result_path(name), events) for name in names}, \
                threads * 1e6 / events

    @staticmethod
    def _await_router(router, events):
        def accepted():
            return router.metric("tallybus_events_accepted_total")
        wait_until(lambda: accepted() >= events, f"the router has {events} events of Janus", 60)

    @staticmethod
    def _read(path, events):
        calls = json.loads(path.read_text())
        if calls["calls"] < events:
            raise BenchFailed(f"{path.name}: {calls['calls']} calls, not {events}")
        return calls
