"""A bit flips in the file of a stopped tallybusd: the next one starts, and what was hit is a dead
letter, or it refuses with the words that mend it, and they do."""

import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from power_cut import (APP, BIN, RETRY, Backend, EngineProcess, Tallybusd,  # noqa: E402
                       spool_rows, wait_until)

EVENTS = 300
STREAMS = 20
FLIPS = 24
AT_ONCE = 4
ROUTE = f"{APP}/backend"
WORDS = re.compile(r"is damaged: .*?(?:\. To repair it: (.*))?\. "
                   r"To set it aside and start empty: (mv \S+ \S+)\n")
# Where the file's own name or version was hit.
ELSEWHERE = re.compile("give tallybusd a folder of its own|run that version again")
OURS_NO_MORE = object()


def sent_to(url, folder, **options):
    return Tallybusd(apps={APP: {"url": url, "delivery": "guaranteed", "retry": RETRY}},
                     work_dir=folder, **options)


def fill(folder):
    """A spool in which EVENTS events wait, left by an orderly end."""
    with Backend(lambda r: 503) as away, sent_to(away.url, folder) as daemon, \
            EngineProcess(daemon.engine) as engine:
        for number in range(EVENTS):
            stream, turn = number % STREAMS, number // STREAMS
            status = "UNPUBLISHED" if turn == EVENTS // STREAMS - 1 else "PUBLISHING"
            engine.status(status, f"s{stream}", f"m{stream}", f"cam-{stream}", number)
        wait_until(lambda: engine.acknowledged() == EVENTS, "all is acknowledged")


class Flip:
    """What came of one flipped bit."""

    def __init__(self, filled, bit):
        self.bit, self.refused, self.repaired, self.set_aside = bit, None, False, False
        self.met_late = False
        with tempfile.TemporaryDirectory(prefix="tallybus-flip-") as folder, Backend() as backend:
            shutil.copytree(Path(filled) / "spool", Path(folder) / "spool")
            self.file = Path(folder) / "spool" / "spool.db"
            self._flip()
            self.daemon = sent_to(backend.url, folder, expect_start=False)
            try:
                self._run(backend)
            finally:
                if self.daemon.process is not None:
                    self.daemon.kill()

    def _flip(self):
        content = bytearray(self.file.read_bytes())
        content[self.bit // 8] ^= 1 << self.bit % 8
        self.file.write_bytes(content)

    def _run(self, backend):
        for _ in range(2):
            self.daemon.start()
            wait_until(lambda: self._is_damaged() or "ready:" in self.daemon.log(),
                       "it starts or refuses")
            rows = None if self._is_damaged() else self._settle()
            if rows is not None:
                break
            if self._mend() is OURS_NO_MORE:
                rows = []
                break
        assert rows is not None, f"bit {self.bit}: mended twice"
        numbers = [r.json.get("bitrate") for r in backend.requests]
        # One that met the damage while it ran could not write what it had sent: it comes again, and
        # says so.
        firsts = [r for r in backend.requests if r.headers.get("tallybus-redelivery") != "1"]
        plain = [r.json.get("bitrate") for r in (firsts if self.met_late else backend.requests)]
        self.twice = len(plain) - len(set(plain))
        self.lost = sorted(set(range(EVENTS)) - set(numbers))
        self.kept = len(rows)

    def _is_damaged(self):
        """It has ended, or has found the damage while it ran and takes nothing more."""
        return self.daemon.process.poll() is not None or WORDS.search(self.daemon.log())

    def _settle(self):
        """What the spool holds when all that is left is a dead letter, or waits where everybody sees
        it: for a route that is none of ours, or behind a head whose time is far off. None where the
        damage is met."""
        found = []

        def settled():
            try:
                found[:] = spool_rows("--admin", f"unix:{self.daemon.admin}")
            except AssertionError:  # the question met the damage; the log tells of it
                return self._is_damaged()
            soon = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 60))
            held = {row["lane"] for row in found if row.get("due", "") > soon}
            return self._is_damaged() or all(row["state"] == "dead" or row["route"] != ROUTE or
                                             row["lane"] in held for row in found)
        wait_until(settled, f"bit {self.bit}: all is settled")
        return None if self._is_damaged() else found

    def _mend(self):
        self.refused = self.daemon.log()
        if ELSEWHERE.search(self.refused):
            self.set_aside = True
            return OURS_NO_MORE
        words = WORDS.search(self.refused)
        assert words, f"bit {self.bit}: no words that mend it: {self.refused}"
        if self.daemon.process.poll() is None:
            self.met_late = True
            self.daemon.kill()
        else:
            assert self.daemon.process.returncode == 1, self.refused
        self.repaired = words[1] is not None and run(words[1])
        if not self.repaired:
            self.set_aside = True
            assert run(words[2]), words[2]
        return None


def run(command):
    return subprocess.run(command, shell=True, capture_output=True, timeout=60).returncode == 0


class DamagedFileTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="tallybus-filled-")
        cls.addClassCleanup(cls.folder.cleanup)
        fill(cls.folder.name)
        cls.content = (Path(cls.folder.name) / "spool" / "spool.db").read_bytes()

    def flip(self, bits):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda bit: Flip(self.folder.name, bit), bits))

    def check(self, flips):
        for flip in flips:
            with self.subTest(bit=flip.bit, refused=flip.refused):
                if not flip.set_aside:
                    self.assertLessEqual(len(flip.lost), flip.kept, f"lost in silence: {flip.lost}")
                self.assertEqual(flip.twice, 0)

    def test_wherever_a_bit_flips_nothing_is_lost_in_silence(self):
        choice = random.Random(14)
        self.check(self.flip([choice.randrange(len(self.content) * 8) for _ in range(FLIPS)]))

    def test_a_bit_in_the_header_or_the_schema_is_refused_with_words_or_harmless(self):
        choice = random.Random(3)
        schema = self.content.index(b"CREATE TABLE live")
        self.check(self.flip([choice.randrange(100 * 8) for _ in range(FLIPS // 3)] +
                             [(schema + choice.randrange(200)) * 8 for _ in range(FLIPS // 3)]))

    def test_a_bit_in_a_page_of_the_queue_leaves_every_row_its_place(self):
        page = self.page_of("queue")
        rows = int.from_bytes(self.content[page + 3:page + 5], "big")
        cell = page + int.from_bytes(self.content[page + 8 + rows:page + 10 + rows], "big")
        header = [(page + byte) * 8 + bit for byte, bit in ((1, 3), (3, 0), (4, 2), (5, 4), (7, 1))]
        # Its number, its lane, and so on.
        flips = self.flip(header + [(cell + byte) * 8 + 3 for byte in range(1, 30)])
        self.check(flips)
        self.assertEqual([flip.bit for flip in flips if flip.lost], [])

    def page_of(self, table):
        file = Path(self.folder.name) / "spool" / "spool.db"
        with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as spool:
            size, = spool.execute("PRAGMA page_size").fetchone()
            root, = spool.execute("SELECT rootpage FROM sqlite_schema WHERE name=?",
                                  (table,)).fetchone()
        return (root - 1) * size

    def test_a_bit_in_an_events_text_makes_a_dead_letter_of_it(self):
        at = self.content.index(b'"bitrate":123,')
        flip, = self.flip([at * 8])
        self.assertIsNone(flip.refused)
        self.assertEqual((flip.lost, flip.kept), ([123], 1))


if __name__ == "__main__":
    unittest.main()
