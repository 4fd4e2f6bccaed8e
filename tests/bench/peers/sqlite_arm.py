"""The floor of what is synced to a disk: rows into an SQLite file and out again, sent to nobody."""

import subprocess

from peers.measure import Arm, Result, limit_of


class SqliteFloor(Arm):
    name = "bare SQLite, sent nowhere"
    OPTIONS = [("rows", [256, 1024, 4096])]
    pace = 0

    def __init__(self, setup, rows=256):
        self._setup, self._rows = setup, rows
        self.configuration = (
            "sqlite_floor: WAL, synchronous FULL, locking_mode EXCLUSIVE, 16 KiB pages, one "
            f"connection, {rows} rows in and the {rows} before them out a transaction")

    def run(self, events):
        folder = self._setup.new_folder("sqlite")
        for old in folder.iterdir():
            old.unlink()
        said = subprocess.run([self._setup.build / "bench" / "sqlite_floor", folder / "floor.db",
                               str(events), str(self._setup.size), str(self._rows)], check=True, text=True,
                              capture_output=True, timeout=limit_of(events)).stdout
        rate, cpu, rss, anon = (float(word) for word in said.split())
        return Result(rate, cpu, rss / 1024, anon / 1024)
