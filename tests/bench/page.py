"""The parts of docs/performance.md that ./dev bench compare and figures write, each between two
comments; what is written by hand around them stays."""

import datetime
import os
import platform
import re
import statistics
import subprocess
from pathlib import Path

from figure import line
from goals import goals
from peers.measure import version
from peers.posters import Wrk

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "performance.md"
HEAD = """\
# Performance

`./dev bench compare` writes what stands between its two comments.
"""


def load_average():
    return os.getloadavg()[0]


def name_of(options):
    """What this kind of comparison is called: each size has a place of its own."""
    name = "compare"
    if options.size != 390:
        name += f" {options.size} bytes"
    if options.connections != 16:
        name += f" {options.connections} connections"
    if options.https:
        name += " https"
    return name


def write(path, name, text):
    path = path or PAGE
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
    old = path.read_text() if path.exists() else HEAD
    new = f"{begin}\n{text}\n{end}"
    if begin in old and end in old:
        head, rest = old.split(begin, 1)
        old = head + new + rest.split(end, 1)[1]
    else:
        old = f"{old.rstrip()}\n\n{new}"
    path.write_text(old)


def text(groups, costs, comparison, options, folder, load):
    parts = [_what(options), machine(folder, load)]
    if name_of(options) == "compare":
        parts.append(goals(groups, costs))
    for group in groups:
        parts.append(_rates(group, options.size))
        if group.latencies:
            parts.append(_latencies(group, comparison.latency))
    if costs:
        parts.append(_cost(costs))
    parts.append(_configurations(groups, comparison))
    return "\n\n".join(parts)


def _what(options):
    command = f"./dev bench compare --rounds {options.rounds}"
    for name, usual in (("events", 60_000), ("size", 390), ("connections", 16)):
        if getattr(options, name) != usual:
            command += f" --{name} {getattr(options, name)}"
    if options.https:
        command += " --https"
    day = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
    return (f"{day}, `{command}`: JSON bodies of {options.size} bytes over "
            f"{'HTTPS' if options.https else 'HTTP'} with {options.connections} connections to one "
            f"nginx worker on the same machine, which answers 200 and counts. Medians of "
            f"{options.rounds} rounds in turn; a ratio is the median of the rounds' ratios.")


def machine(folder, load):
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    system = re.search(r'PRETTY_NAME="(.*)"', Path("/etc/os-release").read_text())
    disk = subprocess.run(["df", "--output=fstype", folder], capture_output=True, text=True,
                          check=True).stdout.split()[-1]
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always"], text=True,
                            capture_output=True, check=False).stdout.strip() or "unknown"
    # The page itself is written again after each run.
    changed = subprocess.run(["git", "-C", ROOT, "status", "--porcelain", "--untracked-files=no",
                              "--", ".", ":!docs"], text=True, capture_output=True, check=False)
    commit += "-dirty" if changed.stdout else ""
    curl = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout
    return (f"{cpu[1] if cpu else platform.machine()}, {os.cpu_count()} cores, "
            f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB, "
            f"Linux {platform.release()}, {system[1] if system else 'unknown'}, spools on {disk}, "
            f"load before {load:.1f}. "
            f"Tallybus at {commit}, nginx {version('/usr/sbin/nginx', '-v')}, "
            f"libcurl {re.search(r'libcurl/([0-9.]+)', curl)[1]}, "
            f"SQLite {version('sqlite3', '--version')}.")


def _rates(group, size):
    ours = group.ours if group.ours and group.ours.results else None
    lines = [f"### {group.title}", "",
             "| sender | events/s | MB/s | of ours | CPU µs an event | of ours | resident MB | "
             "anonymous MB |",
             "|---|---|---|---|---|---|---|---|"]
    for entry in sorted(group.entries, key=lambda e: -e.median("rate")):
        rate, cpu = (f"{entry.ratio(ours, w):.2f}" if ours else "" for w in ("rate", "cpu_us"))
        lines.append(f"| {entry.arm.name} | {entry.median('rate'):,.0f} | "
                     f"{entry.median('rate') * size / 1e6:,.1f} | {rate} | "
                     f"{entry.median('cpu_us'):.1f} | {cpu} | {entry.median('rss'):.1f} | "
                     f"{entry.median('anon'):.1f} |")
    if ours:
        lines += ["", f"\"Ours\" is {ours.arm.name}. Memory is the most that was seen."]
    return "\n".join(lines)


def _latencies(group, latency):
    ours = {row.pace: row for row in group.latencies if group.ours and row.arm is group.ours.arm}
    lines = [f"### Latency, {group.title[0].lower()}{group.title[1:]}", "",
             "| sender | events/s | p50 µs | of ours | p99 µs | of ours | p99.9 µs |",
             "|---|---|---|---|---|---|---|"]
    for row in sorted(group.latencies, key=lambda r: (-r.pace, r.median_us("p50"))):
        cells = [row.name, f"{row.pace:,}"]
        for what in ("p50", "p99"):
            cells += [f"{row.median_us(what):,.0f}",
                      f"{row.ratio(ours[row.pace], what):.2f}" if row.pace in ours else ""]
        lines.append(line(cells + [f"{row.median_us('p999'):,.0f}"]))
    lines += ["", f"From when a sender is given an event of {latency.size} bytes until the stamp "
              "server has read its request, medians of the rounds."]
    for answers in (e.arm.answers for e in group.entries if isinstance(e.arm, Wrk)):
        p50, p99 = (statistics.median(column) for column in zip(*answers))
        lines[-1] += (f" wrk, which keeps no pace, waited for nginx's answers above {p50:,.0f} µs "
                      f"(p50) and {p99:,.0f} µs (p99).")
    return "\n".join(lines)


def _cost(costs):
    lines = ["### What an event costs Janus", "",
             "| handler | `incoming_event`, median ns | 99th percentile ns | mean CPU ns | "
             "CPU µs an event in threads of its own |", "|---|---|---|---|---|"]
    lines += [f"| {name} | {median:.0f} | {p99:.0f} | {mean:.0f} | {threads:.1f} |"
              for cost in costs for name, median, p99, mean, threads in cost.table()]
    lines += ["", "Calls: both in one Janus, each of a video room's `published` and `unpublished` "
              "to both. Threads: each alone in a Janus. Janus's event thread waits for the call."]
    return "\n".join(lines)


def _configurations(groups, comparison):
    lines = ["### How each was set", "", "| | sender | |", "|---|---|---|"]
    for group in groups:
        lines += [f"| {group.title} | {e.arm.name} | {e.arm.configuration} |"
                  for e in group.entries]
    if comparison.tried:
        lines += ["", "Tried for it, events/s of the better of two short runs: " +
                  "; ".join(comparison.tried) + "."]
    return "\n".join(lines)
