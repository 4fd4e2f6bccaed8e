"""The goals of ./dev bench compare: ratios of ours to the others', medians of the rounds'."""

import statistics

from figure import at_least, at_most, head, line
from peers.janus_load import SampleHandler
from peers.posters import CurlFloor
from peers.sqlite_arm import SqliteFloor
from peers.syslog_ng import SyslogNg
from peers.tallybus_arms import Tallybus

HEAD = ["goal of 390 bytes over HTTP", "bound", "measured", "ratio", ""]
SINGLE = "One event a POST"  # the titles of the two tables
BATCHED = "Many events a POST"
MILLION = 1_000_000
SYNCED_BATCHES = 300_000


def of(group, kind, spool=None):
    """The entry of this kind of arm that was measured, or None."""
    return next((e for e in group.entries if e.results and isinstance(e.arm, kind) and
                 (spool is None or e.arm.spool == spool)), None)


def rate_of(group, kind, times, words):
    ours, other = of(group, Tallybus, "memory"), of(group, kind)
    if ours and other:
        yield at_least(f"{group.title}, in memory: rate", ours.ratio(other, "rate"), times,
                       f"of {words}")


def cpu_of_libcurl(group, spool, times, words):
    ours, other = of(group, Tallybus, spool), of(group, CurlFloor)
    if ours and other:
        yield at_most(f"{group.title}, {words}: CPU", ours.ratio(other, "cpu_us"), times,
                      "of bare libcurl's")


def single(group):
    yield from rate_of(group, SyslogNg, 1.2, "syslog-ng's")
    yield from rate_of(group, SampleHandler, 4, "sampleevh's")
    yield from rate_of(group, CurlFloor, 0.95, "bare libcurl's")
    yield from cpu_of_libcurl(group, "memory", 1.2, "in memory")
    yield from cpu_of_libcurl(group, "disk", 1.35, "synced")
    memory, disk = (of(group, Tallybus, spool) for spool in ("memory", "disk"))
    if memory and disk:
        yield at_least(f"{group.title}, synced: rate", disk.ratio(memory, "rate"), 0.85,
                       "of that in memory")


def batched(group):
    yield from rate_of(group, SyslogNg, 2, "syslog-ng's")
    yield from rate_of(group, SampleHandler, 6, "sampleevh's, grouping")
    memory, disk = (of(group, Tallybus, spool) for spool in ("memory", "disk"))
    if memory:
        yield at_least(f"{group.title}, in memory: rate", memory.median("rate"), MILLION,
                       "events/s")
    sqlite = of(group, SqliteFloor)
    if disk and sqlite:
        ratio = statistics.median(
            d.rate / min(SYNCED_BATCHES, 0.9 * s.rate)
            for d, s in zip(disk.results, sqlite.results))
        yield at_least(f"{group.title}, synced: rate", ratio, 1,
                       f"of the lesser of {SYNCED_BATCHES:,}/s and 0.9 of bare SQLite")


def goals(groups, costs):
    rows = []
    for group in groups:
        rows += {SINGLE: single, BATCHED: batched}[group.title](group)
    for cost in costs:
        for what, words in (("median_ns", "median"), ("mean_cpu_ns", "mean CPU")):
            rows.append(at_most(f"`incoming_event` in Janus{cost.pace}: {words}",
                                cost.ratio(what), 0.25, "of sampleevh's"))
    return "\n".join(["### Goals", "", head(HEAD), *(line(row.cells()) for row in rows)])
