#!/usr/bin/python3
"""./dev nightly: the soak for an hour; its table goes into docs/reliability.md and is committed."""

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
    arguments = sys.argv[1:]
    if "--minutes" not in arguments:
        arguments += ["--minutes", "60"]
    ran = subprocess.run(["/usr/bin/python3", ROOT / "tests" / "soak" / "soak.py", *arguments],
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
