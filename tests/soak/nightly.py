#!/usr/bin/python3
"""./dev nightly: the soak for an hour; its table goes into docs/reliability.md and is committed."""

import argparse
import datetime
import platform
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reliability.md"
MARK = "<!-- soak -->\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=ROOT / "build" / "release")
    parser.add_argument("--minutes", default="60")
    options, arguments = parser.parse_known_args()  # the others are the soak's
    arguments = ["--minutes", options.minutes, *arguments]
    ran = subprocess.run(["/usr/bin/python3", ROOT / "tests" / "soak" / "soak.py",
                          "--build", options.build, *arguments],
                         stdout=subprocess.PIPE, text=True)
    print(ran.stdout)
    if ran.returncode != 0:
        return ran.returncode
    day = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
    head, _, _ = PAGE.read_text().partition(MARK)
    PAGE.write_text(f"{head}{MARK}\n{day}, {os.cpu_count()} cores, {platform.machine()}, Linux "
                    f"{platform.release()}: `./dev soak {' '.join(arguments)}`\n\n{ran.stdout}")
    subprocess.run(["git", "-C", ROOT, "commit", "-q", "-m", f"Soak of {day}", "--", PAGE],
                   check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
