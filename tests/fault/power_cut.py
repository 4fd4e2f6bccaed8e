"""One power cut: an engine publishes streams' lives to a tallybusd on a failing disk until that dies,
the engine dies as well or lives on, tallybusd is started again over what its disk has kept, and a
verdict says what was lost.

Every event's bitrate is its number. Of two routes one is answered 200 from the start, the other only
after the cut: what was acknowledged by then waits in the spool.
"""

import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import ledger  # noqa: E402
from engine_process import EngineProcess  # noqa: E402
from tallybus_parts import BIN, PATIENCE_SECONDS, Backend, Tallybusd, wait_until  # noqa: E402

APP = "defaultApp"
STREAMS = 4
CRASHED = 86  # tests/fault/fault_main.cc
LIFE = ("PUBLISHING", "PUBLISHING", "UNPUBLISHED")
RETRY = ["50ms"] * 60
# A verdict is written 20 ms after it was given, or after the commit that is under way.
SETTLED_SECONDS = 2


def points():
    """The names of all fault points in the sources."""
    named = re.compile(r'TALLYBUS_FAULT_POINT\("([^"]+)"\)')
    return sorted({name for folder in ("core", "transports", "apps")
                   for path in (ROOT / folder).rglob("*.cc")
                   for name in named.findall(path.read_text())})


def spool_rows(*where):
    """What the spool holds: all that waits, and the dead letters."""
    ran = subprocess.run([BIN / "tallybus", "spool", "ls", "--json", "--limit=0", *where],
                         capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]


class Route:
    """A route's backend, and what it answered 200."""

    def __init__(self, from_the_start):
        self._from_the_start = from_the_start
        self.taken = []
        self.backend = Backend(self._answer)

    def url(self, life):
        """What a dying tallybusd sent may be read when the next one runs: the path tells them apart."""
        return f"{self.backend.url}/{life}"

    def _answer(self, request):
        life = int(request.path.split("/")[-2])
        if life == 1 and not self._from_the_start:
            return 503
        self.taken.append(ledger.Taken.of(request, request.time, life))
        return 200


class PowerCut:
    """point: where, or None for a kill after `passage` rounds. disk: drop or tear:<seed>."""

    def __init__(self, point, passage, disk="drop", engine_dies=True, sync="commit",
                 delivery="guaranteed", patience=PATIENCE_SECONDS):
        self.name = f"{point or 'kill'}:{passage} {disk}{'' if engine_dies else ', engine stays'}"
        self.point, self.passage, self.disk = point, passage, disk
        self.engine_dies, self.sync, self.delivery = engine_dies, sync, delivery
        self.patience = patience
        self.tried = []  # (media, status), by number
        self.acknowledged = 0  # of these, so many of the first
        self.cut_at = self.faults = None

    def run(self):
        """Returns self. AssertionError: the cut did not happen, or the second start failed."""
        self.taking, self.waiting = Route(True), Route(False)
        with tempfile.TemporaryDirectory(prefix="tallybus-cut-") as folder, \
                self.taking.backend, self.waiting.backend:
            self.daemon = self._daemon(folder)
            try:
                self._run()
            finally:
                if self.daemon.process is not None:
                    self.daemon.kill()
        return self

    def _daemon(self, folder):
        return Tallybusd(extra={"engines": {"grace": "1s"}, "spool": {"sync": self.sync}},
                         work_dir=folder, program="tallybusd_faults",
                         environment={"TALLYBUS_FAULT_VFS": self.disk})

    def _start(self, life):
        self.daemon.config["apps"] = {APP: {"url": self.taking.url(life), "delivery": self.delivery,
                                            "retry": RETRY}}
        self.daemon.config["routes"] = [{"name": "waits", "endpoints": [self.waiting.url(life)],
                                         "delivery": "guaranteed", "retry": RETRY}]
        self.daemon.start()

    def _run(self):
        if self.point:
            self.daemon.environment["TALLYBUS_CRASH_AT"] = f"{self.point}:{self.passage}"
        self.daemon._expect_start = False  # it may be dead before it is ready
        self._start(life=1)
        with EngineProcess(self.daemon.engine) as engine:
            self._publish_until_dead(engine)
            self.acknowledged = engine.acknowledged()
            if self.engine_dies:
                engine.kill()
            self._start_again()
            if not self.engine_dies:
                self._end_lives(engine)
            self._judge()
        self.daemon.stop()
        self.rows_left = spool_rows("--spool", self.daemon.work_dir / "spool")

    def _is_dead(self):
        return self.daemon.process.poll() is not None

    def _publish_until_dead(self, engine):
        end = time.monotonic() + PATIENCE_SECONDS
        rounds = 0
        while not self._is_dead():
            assert time.monotonic() < end, f"{self.name}: nobody passed there\n{self.daemon.log()}"
            for stream in range(STREAMS):
                self._publish(engine, stream, rounds)
            rounds += 1
            while engine.acknowledged() < len(self.tried) and not self._is_dead() and \
                    time.monotonic() < end:
                time.sleep(0.002)
            if not self.point and rounds == self.passage:
                self.daemon.process.kill()
                self.daemon.process.wait()
        self.cut_at = time.monotonic()
        code, log = self.daemon.process.returncode, self.daemon.log()
        if self.point:
            assert code == CRASHED and f"crashed at {self.point}\n" in log, f"{self.name}: {code}\n{log}"
        self.daemon.process = None

    def _publish(self, engine, stream, rounds, status=None):
        media = f"m{stream}-{rounds // len(LIFE)}"
        status = status or LIFE[rounds % len(LIFE)]
        self.tried.append((media, status))
        engine.status(status, f"s{stream}", media, f"cam-{stream}", len(self.tried) - 1)

    def _start_again(self):
        self.daemon.environment.pop("TALLYBUS_CRASH_AT", None)
        self.daemon._expect_start = True
        self._start(life=2)

    def _end_lives(self, engine):
        last = dict(self.tried)
        for media in [m for m, status in last.items() if status != "UNPUBLISHED"]:
            self.tried.append((media, "UNPUBLISHED"))
            engine.status("UNPUBLISHED", f"s{media[1]}", media, f"cam-{media[1]}",
                          len(self.tried) - 1)
        wait_until(lambda: engine.ask("stats")["ring_used"] == 0, f"{self.name}: all is acknowledged")
        self.acknowledged = len(self.tried)

    def _judge(self):
        end = time.monotonic() + self.patience
        while True:
            self.faults = verdict(self)
            if time.monotonic() > end or \
                    not (self.faults or spool_rows("--admin", f"unix:{self.daemon.admin}")):
                return
            time.sleep(0.05)


def verdict(cut):
    """One line for each promise that was not kept."""
    faults = ledger.Faults()
    for route in (cut.taking, cut.waiting):
        taken = list(route.taken)
        faults.judge(taken, range(cut.acknowledged), range(len(cut.tried)))
        faults.say("events came twice without a reason",
                   [again.id for before, again in ledger.repeats(taken)
                    if not by_the_cut(before, again, cut.cut_at)])
    faults.judge_ends(list(cut.waiting.taken))
    return faults


def by_the_cut(before, again, cut_at):
    return (before.life == 1 and again.life == 2 and again.redelivery and
            cut_at - before.time < SETTLED_SECONDS)


def run_all(cuts, at_once):
    """Runs them, so many at once; returns what was wrong, by name."""
    waiting, wrong, lock = list(cuts), {}, threading.Lock()

    def work():
        while True:
            with lock:
                if not waiting:
                    return
                cut = waiting.pop()
            try:
                cut.run()
                faults = cut.faults + [f"left in the spool: {row}" for row in cut.rows_left]
            except Exception as error:  # of another thread: told with the rest
                faults = [f"{type(error).__name__}: {error}"]
            if faults:
                with lock:
                    wrong[cut.name] = faults

    workers = [threading.Thread(target=work) for _ in range(at_once)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return wrong
