"""A figure beside its goal, and what the measurements of ./dev bench figures share."""

import json
import statistics
import subprocess
import urllib.request
from pathlib import Path
from typing import NamedTuple, Optional

from tallybus_parts import wait_until

TOLD = "told"  # in the place of a goal where there is none


class Row(NamedTuple):
    name: str
    goal: str
    figure: str
    ratio: Optional[float]  # of the figure to its goal's bound; None: the bound is 0
    met: bool

    def cells(self):
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        verdict = "" if self.goal == TOLD else "met" if self.met else "not met"
        return [self.name, self.goal, self.figure, ratio, verdict]


def line(cells):
    """Of a table."""
    return "| " + " | ".join(cells) + " |"


def head(cells):
    return line(cells) + "\n|" + "---|" * len(cells)


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def at_most(name, value, bound, unit, goal=None, beside=""):
    """`goal` says where the bound comes from; `beside`, what else was measured with the figure."""
    bound_text = f"≤ {number(bound)} {unit}".rstrip()
    return Row(name, f"{goal}: {bound_text}" if goal else bound_text,
               f"{number(value)} {unit}".rstrip() + (f" ({beside})" if beside else ""),
               value / bound if bound else None, value <= bound)


def at_least(name, value, bound, unit, goal=None, beside=""):
    bound_text = f"≥ {number(bound)} {unit}".rstrip()
    return Row(name, f"{goal}: {bound_text}" if goal else bound_text,
               f"{number(value)} {unit}".rstrip() + (f" ({beside})" if beside else ""),
               value / bound, value >= bound)


def run_json(*command, seconds=120):
    """The object that a program prints."""
    done = subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True,
                          timeout=seconds)
    return json.loads(done.stdout.splitlines()[-1])


def medians(rounds):
    """One object like those of the rounds, each number the median of theirs."""
    first = rounds[0]
    if isinstance(first, dict):
        return {key: medians([r[key] for r in rounds]) for key in first}
    return statistics.median(rounds)


class StampServer:
    """stamp_server.cc, running; `delay` in milliseconds, or "hang"."""
    ca_file = None

    def __init__(self, build, delay=0):
        self._command = [str(Path(build) / "bench" / "stamp_server"), str(delay)]

    def __enter__(self):
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        self.base = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        self.url = self.base + "/rest/my_api"
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def stats(self):
        """What came since this was asked last."""
        return self._get("/stats")

    def ages(self, give, count):
        """How old those `count` events were that give() gives somebody to send here. AssertionError
        where some do not come, or more."""
        self.stats()
        give()
        wait_until(lambda: self._get("/seen") >= count,
                   lambda: f"{count} events, of which {self._get('/seen')} came")
        age = self.stats()["age"]
        assert age["count"] == count, f"{age['count']} events came of {count}"
        return age

    def _get(self, path):
        with urllib.request.urlopen(self.base + path, timeout=10) as answer:
            return json.load(answer)
