"""./dev bench figures: every figure that has a goal, as a ratio to it; medians of a few rounds in
one run, and the same into docs/performance.md. rows() is for others who want the table."""

import datetime
import subprocess
import tempfile

import page
import tallybus_parts
from durable import synced
from figure import Row, head, line
from figures_latency import latency
from figures_load import idle_daemon, live_streams, one_dead, slow_backend
from figures_publish import idle_engine, publish

PARTS = {"publish": publish, "latency": latency, "synced": synced, "idle_daemon": idle_daemon,
         "live_streams": live_streams, "idle_engine": idle_engine, "one_dead": one_dead,
         "slow_backend": slow_backend}
HEAD = ["figure", "goal", "measured", "ratio", ""]


def rows(build, options):
    """Yields figure.Row. `options` has rounds, seconds (of one measurement) and only: names of
    PARTS, or none for all. `build` is the release preset's folder; tests/support is on sys.path."""
    tallybus_parts.BIN = build / "bin"
    for name in options.only or PARTS:
        try:
            yield from PARTS[name](build, options)
        except (AssertionError, subprocess.SubprocessError) as failure:  # the others are of use
            yield Row(name, "", f"failed: {failure}", None, False)


def report(name, command, found, how, build, options):
    """Prints the rows, and writes them into the part of the page that has this name."""
    load = page.load_average()
    lines = [head(HEAD)]
    print(lines[0])
    missed = 0
    for row in found:
        missed += not row.met
        lines.append(line(row.cells()))
        print(lines[-1], flush=True)
    print(f"\n{missed} not met; medians of {how}")
    if options.only:
        return
    day = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
    page.write(options.page, name, "\n".join(
        [f"{day}, `{command}`: a ratio is the figure over its goal's bound.", "",
         page.machine(tempfile.gettempdir(), load), "", *lines, ""]))


def main(build, options):
    report("figures", f"./dev bench figures --rounds {options.rounds} --seconds {options.seconds}",
           rows(build, options), f"{options.rounds} rounds of {options.seconds} s each", build,
           options)
