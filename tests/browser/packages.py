"""Lays npm packages into a folder, as the package-lock.json beside this names them, or another.

    packages.py FOLDER [FOLDER OF THE LOCK]

What was laid there for the same lock is left as it is, so that a second run needs no network. Every
failure is an error: a test that cannot run is never a test that passed.
"""

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
MANIFESTS = ("package.json", "package-lock.json")
SECONDS = 240


def lay(folder, source=HERE):
    wanted = "".join((source / name).read_text() for name in MANIFESTS)
    stamp = folder / "laid"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    stamp.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    for name in MANIFESTS:
        shutil.copy(source / name, folder)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder,
                   check=True, timeout=SECONDS, stdin=subprocess.DEVNULL)
    stamp.write_text(wanted)


if __name__ == "__main__":
    lay(*map(Path, sys.argv[1:]))
