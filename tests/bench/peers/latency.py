"""How long an event is on its way through a sender: from when it is given to it until the backend has
read its request whole, at a pace that the sender keeps up with."""

import contextlib
import dataclasses
import os
import statistics

from figure import StampServer
from nginx_server import NginxServer

WARM_SECONDS = 1
SECONDS = 3
LEAST_BYTES = 390  # a stamp has no room in less
MOST_BYTES_A_SECOND = 40_000_000


@dataclasses.dataclass
class Latency:
    """One row of a table; `ages` are those of its rounds, {"p50": ns, "p99": ns, "p999": ns}."""
    arm: object
    pace: int
    ages: list = dataclasses.field(default_factory=list)

    @property
    def name(self):
        return self.arm.name

    def median_us(self, what):
        return statistics.median(age[what] for age in self.ages) / 1000

    def ratio(self, other, what):
        return statistics.median(a[what] / b[what] for a, b in zip(self.ages, other.ages))


class LatencyBench:
    """The backend is stamp_server; over HTTPS an nginx stands before it, for each sender alike."""

    def __init__(self, setup, server):
        self._setup, self._server = setup, server

    @property
    def size(self):
        return self._setup.size

    def rows(self, arms, ours):
        """Each at the pace that it keeps; ours at all of them."""
        rows = {(arm.name, pace): Latency(arm, pace)
                for arm in arms if (pace := self._pace_of(arm))}
        if ours in arms:
            for _, pace in list(rows):
                rows.setdefault((ours.name, pace), Latency(ours, pace))
        return list(rows.values())

    def _pace_of(self, arm):
        return min(arm.pace, MOST_BYTES_A_SECOND // self.size)

    def measure(self, row):
        os.sync()  # what an earlier round wrote
        with row.arm.sending_to(self._setup) as arm:
            for seconds in (WARM_SECONDS, SECONDS):
                ages = self._server.ages(lambda: arm.feed(row.pace, seconds), row.pace * seconds)
        row.ages.append(ages)


@contextlib.contextmanager
def latency_bench(setup):
    size = max(setup.size, LEAST_BYTES)
    with contextlib.ExitStack() as stack:
        server = backend = stack.enter_context(StampServer(setup.build))
        if setup.nginx.ca_file:
            folder = setup.new_folder("latency")
            backend = stack.enter_context(NginxServer(folder, tls=True, before=server.base))
        yield LatencyBench(dataclasses.replace(setup, size=size, nginx=backend), server)
