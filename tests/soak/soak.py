#!/usr/bin/python3
"""./dev soak --minutes N: an engine publishes many streams' lives, a backend answers badly now and
then, tallybusd and the engine are killed at random and started again; at the end nothing that was
acknowledged may be missing.

A kill is SIGKILL. The figures are printed as a table; an unkept promise is told and ends with 1.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import ledger  # noqa: E402
import tallybus_parts  # noqa: E402
from moody_backend import MoodyBackend  # noqa: E402
from tallybus_parts import Tallybusd, wait_until  # noqa: E402

MAX_CONNECTIONS = 32
MEMORY_LIMIT_MB = 64
# What may come twice: what was under way at a kill, and what was settled shortly before it.
SETTLEMENT_WINDOW_SECONDS = 0.25
# What the killed one had sent may be read so long after the kill.
READ_LATE_SECONDS = 0.5
# An answer that takes so long may end when the request's two seconds are over.
LATE_ANSWER_SECONDS = 1
# Events that wait: from where on the backend is kind, until there are so few again.
MUCH, LITTLE = 20_000, 2_000
# Numbers of different engines never meet, and those of an hour's engines are 32 bits, as bitrates.
NUMBERS_OF_AN_ENGINE = 1_000_000


class Journal:
    """What the engines did: the events they tried, published, and know to be acknowledged."""

    def __init__(self, folder):
        self.tried, self.acknowledged = {}, set()
        for path in sorted(Path(folder).glob("journal-*")):
            if path.suffix == ".stop":
                continue
            published, through = [], 0
            for line in path.read_text().splitlines():
                words = line.split()
                if words[0] == "T" and len(words) == 4:
                    self.tried[int(words[1])] = (words[2], words[3])
                elif words[0] == "P":
                    published.append(int(words[1]))
                elif words[0] == "A":
                    through = int(words[1])
            self.acknowledged.update(published[:through])


class Soak:
    def __init__(self, options, folder):
        self.folder = Path(folder)
        self.choice = random.Random(options.seed)
        self.rate = options.rate
        self.backend = MoodyBackend(options.seed)
        self.daemon = Tallybusd(
            apps={"defaultApp": {"url": self.backend.url, "delivery": "guaranteed",
                                 "timeout": "2s", "max_connections": MAX_CONNECTIONS,
                                 "retry": ["100ms"] * 60}},
            extra={"engines": {"grace": "3s"}}, work_dir=folder)
        self.engine = None
        self.engines = 0
        self.next_number = 1
        self.kills = []  # of tallybusd, by time
        self.engine_kills = 0
        self.memory_mb = 0
        self.most_waiting = 0
        self.turns = {True: 0, False: 0}  # between kills, by whether the backend was kind

    def start_engine(self):
        self.engines += 1
        self.journal = self.folder / f"journal-{self.engines:04}"
        self.next_number += NUMBERS_OF_AN_ENGINE
        assert self.next_number + NUMBERS_OF_AN_ENGINE < 1 << 31
        self.engine = subprocess.Popen(
            ["/usr/bin/python3", Path(__file__).with_name("engine_driver.py"), self.daemon.engine,
             "soak-engine", str(self.next_number), str(self.journal), str(self.rate),
             str(self.choice.randrange(1 << 30))])

    def kill_engine(self):
        self.engine.kill()
        self.engine.wait()
        self.engine_kills += 1
        self.start_engine()

    def kill_daemon(self):
        self.look_at_memory()
        self.kills.append(time.monotonic())
        self.daemon.kill()
        time.sleep(self.choice.random() * 0.3)
        self.daemon.start()

    def look_at_memory(self):
        status = Path(f"/proc/{self.daemon.process.pid}/status").read_text()
        anonymous = int(next(l for l in status.splitlines() if l.startswith("RssAnon")).split()[1])
        self.memory_mb = max(self.memory_mb, anonymous / 1024)

    def mend(self):
        """The operator: whatever holds the endpoint is mended."""
        subprocess.run([tallybus_parts.BIN / "tallybus", "endpoint", "resume", "defaultApp/backend",
                        "--admin", f"unix:{self.daemon.admin}"], capture_output=True, timeout=30)

    def run(self, seconds):
        with self.backend:
            self.daemon.start()
            self.start_engine()
            end = time.monotonic() + seconds
            next_engine_kill = time.monotonic() + self.choice.uniform(4, 12)
            while time.monotonic() < end:
                time.sleep(self.choice.uniform(0.5, 3.5))
                self.kill_daemon()
                self.mend()
                self.pace()
                if time.monotonic() > next_engine_kill:
                    self.kill_engine()
                    next_engine_kill = time.monotonic() + self.choice.uniform(4, 12)
            self.drain()

    def pace(self):
        """A moody backend is slower than the engine: it is kind while too much waits for it."""
        waiting = self.daemon.metric("tallybus_waiting_events")
        self.most_waiting = max(self.most_waiting, int(waiting))
        kind = waiting > (MUCH if not self.backend.kind else LITTLE)
        self.turns[kind] += 1
        self.backend.kind = kind

    def drain(self):
        self.backend.kind = True
        self.mend()
        self.journal.with_name(self.journal.name + ".stop").touch()
        wait_until(lambda: self.engine.poll() is not None, "the engine ends", 120)
        assert self.engine.returncode == 0, "the engine failed"

        def settled():
            self.mend()
            self.look_at_memory()
            return (self.daemon.metric("tallybus_waiting_events") == 0 and
                    self.daemon.metric("tallybus_in_flight_events") == 0)
        time.sleep(5)  # the grace of an engine that was killed last
        wait_until(settled, "everything is settled", 300)
        self.daemon.stop()


class Verdict:
    """Of plain data: the Journal, the backend's list of ledger.Taken, the times of tallybusd's kills,
    and the most memory that was seen."""

    def __init__(self, journal, taken, kills, memory_mb):
        self.faults = ledger.Faults()
        self.faults.judge(taken, journal.acknowledged, journal.tried)
        self.faults.judge_ends(taken)
        self.lost = len(ledger.never_arrived(taken, journal.acknowledged))
        repeats = ledger.repeats(taken)
        self.duplicates = len(repeats)
        self.faults.say("duplicates without a kill beside them",
                        [f"{again.id} ({again.time - before.time:.1f} s later)"
                         for before, again in repeats if not may_repeat(before, kills)])
        if memory_mb >= MEMORY_LIMIT_MB:
            self.faults.append(f"{memory_mb:.0f} MB of anonymous memory")


def may_repeat(taken, kills):
    answered = max(taken.time, taken.answered)
    return answered - taken.time > LATE_ANSWER_SECONDS or any(
        taken.time - READ_LATE_SECONDS <= kill <= answered + SETTLEMENT_WINDOW_SECONDS
        for kill in kills)


def table(soak, journal, verdict, options):
    moods = ", ".join(f"{n} {mood}" for mood, n in sorted(soak.backend.counts.items()))
    taken = soak.backend.taken
    rows = [("minutes", options.minutes), ("seed", options.seed),
            ("kills of tallybusd", len(soak.kills)), ("kills of the engine", soak.engine_kills),
            ("events published", len(journal.tried)), ("acknowledged", len(journal.acknowledged)),
            ("taken by the backend", len(taken)), ("duplicates", verdict.duplicates),
            ("ends told by the router", sum(1 for t in taken if t.origin == "router")),
            ("lost", verdict.lost), ("most events that waited at a kill", soak.most_waiting),
            ("turns between kills with a kind backend", f"{soak.turns[True]} of "
             f"{sum(soak.turns.values())}"),
            ("most anonymous memory, MB", f"{soak.memory_mb:.1f}"), ("answers", moods)]
    return "| what | |\n|---|---|\n" + "\n".join(f"| {a} | {b} |" for a, b in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release")
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--rate", type=float, default=400, help="events a second")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    tallybus_parts.BIN = (options.build / "bin").resolve()
    os.environ["TALLYBUS_LIB_DIR"] = str((options.build / "lib").resolve())
    with tempfile.TemporaryDirectory(prefix="tallybus-soak-") as folder:
        soak = Soak(options, folder)
        try:
            soak.run(options.minutes * 60)
        except BaseException:
            if soak.engine is not None and soak.engine.poll() is None:
                soak.engine.kill()
            print(soak.daemon.log()[-6000:], file=sys.stderr)
            raise
        finally:
            soak.daemon.close()
        journal = Journal(folder)
        verdict = Verdict(journal, soak.backend.taken, soak.kills, soak.memory_mb)
        print(table(soak, journal, verdict, options))
    for fault in verdict.faults:
        print("NOT KEPT: " + fault)
    return 1 if verdict.faults else 0


if __name__ == "__main__":
    sys.exit(main())
