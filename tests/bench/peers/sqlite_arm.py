"""The floor of what is synced to a disk: rows into an SQLite file and out again, sent to nobody."""

import subprocess

from peers.measure import Arm, Result, limit_of


class SqliteFloor(Arm):
    name = "bare SQLite, sent nowhere"
    configuration = ("sqlite_floor: WAL, synchronous FULL, locking_mode EXCLUSIVE, 16 KiB pages, "
                     "one connection, 256 rows in and the 256 before them out a transaction")
    pace = 0

    def __init__(self, setup):
        self._setup = setup

    def run(self, events):
        folder = self._setup.new_folder("sqlite")
        for old in folder.iterdir():
            old.unlink()
        said = subprocess.run([self._setup.build / "bench" / "sqlite_floor", folder / "floor.db",
                               str(events), str(self._setup.size)], check=True, text=True,
                              capture_output=True, timeout=limit_of(events)).stdout
        rate, cpu, rss, anon = (float(word) for word in said.split())
        return Result(rate, cpu, rss / 1024, anon / 1024)
