#!/usr/bin/python3
"""./dev lint: clang-tidy over every source file of ours, and the house's own rules."""

import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OURS = ("core", "transports", "plugins", "apps")


def commands_of(build):
    """The commands of `build` without GCC's precompiled headers, which clang cannot read: a file is
    told here what it forgot to include and found there."""
    text = (build / "compile_commands.json").read_text()
    return json.loads(re.sub(r" -Winvalid-pch -include \S+/cmake_pch\.hxx", "", text))


def sources(commands):
    paths = {Path(c["file"]) for c in commands}
    return sorted(p for p in paths
                  if p.is_relative_to(ROOT) and p.relative_to(ROOT).parts[0] in OURS)


def tidy(build, path):
    # Warnings that only GCC knows are no errors of clang's.
    done = subprocess.run(["clang-tidy", "-p", build, "--quiet", "--extra-arg=-Wno-unknown-warning-option",
                           path], capture_output=True, text=True, cwd=ROOT)
    return path, done.returncode, done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True)
    commands = commands_of(parser.parse_args().build.resolve())
    failed = subprocess.run([sys.executable, ROOT / "tests" / "house" / "house_test.py"]).returncode
    with (tempfile.TemporaryDirectory() as build,
          concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool):
        (Path(build) / "compile_commands.json").write_text(json.dumps(commands))
        for path, code, said in pool.map(lambda p: tidy(build, p), sources(commands)):
            if code != 0:
                failed = 1
                print(f"{path.relative_to(ROOT)}:\n{said}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
