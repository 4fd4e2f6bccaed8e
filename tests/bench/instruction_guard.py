#!/usr/bin/python3
"""Counts the instructions of the paths that every event takes (fixed_paths.cc), under callgrind,
and compares them with instructions.json: what a loaded machine cannot blur, nor ASLR; they repeat
to a tenth of a per cent. Fails where one has grown by more than 3 %, and where one has shrunk by as
much, so that the file stays true.

  instruction_guard.py --build build/release            compare
  instruction_guard.py --build build/release --accept   write the counts of now
"""

import argparse
import concurrent.futures
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
KEPT = HERE / "instructions.json"
TOLERANCE = 0.03
# Counts are those of one compiler and one set of libraries. A security update of Debian keeps the
# upstream version, and is expected to keep the counts.
PACKAGES = ("libabsl20220623", "libc6", "libprotobuf-lite32", "libsimdjson14",
            "libsqlite3-0", "libstdc++6", "libzmq5", "valgrind")
PATHS = ("publish", "decode and decide", "decode and decide, with an sdp", "json", "spool",
         "client frame, nobody listens", "client frame, with a subscriber")
ALL_THREADS = ("spool",)  # its own thread does the work; else the calling one alone counts


def upstream(version):
    """3.40.1 of 1:3.40.1-2+deb12u2."""
    return re.sub(r"-[^-]*$", "", version.split(":")[-1])


def compiler(build):
    """GNU 12.2.0, as CMake has found it."""
    text = next(build.glob("CMakeFiles/*/CMakeCXXCompiler.cmake")).read_text()
    return " ".join(re.search(rf'set\(CMAKE_CXX_COMPILER_{part} "(.*)"\)', text)[1]
                    for part in ("ID", "VERSION"))


def machine():
    """libc and simdjson choose their code by what the processor can, as valgrind shows it."""
    avx2 = " avx2 " in Path("/proc/cpuinfo").read_text()
    return platform.machine() + (" with AVX2" if avx2 else "")


def versions(build):
    said = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *PACKAGES],
                          capture_output=True, text=True).stdout
    found = dict(line.split() for line in said.splitlines() if " " in line.strip())
    return {"machine": machine(), "compiler": compiler(build),
            **{p: upstream(found[p]) if p in found else "not installed" for p in PACKAGES}}


def count(build, path):
    """Instructions an event."""
    collect = [] if path in ALL_THREADS else ["--toggle-collect=tallybus_fixed_path"]
    with tempfile.TemporaryDirectory(prefix="tallybus-guard-") as folder:
        out = Path(folder) / "counts"
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--instr-atstart=no", *collect,
             f"--callgrind-out-file={out}", build / "bench" / "fixed_paths", path],
            capture_output=True, text=True, timeout=120,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"})
        if done.returncode != 0:
            sys.exit(f"{path}: fixed_paths failed\n{done.stderr[-3000:]}")
        total = int(re.search(r"^totals: (\d+)", out.read_text(), re.M)[1])
        if total == 0:
            sys.exit(f"{path}: callgrind counted nothing, so the guard would guard nothing")
        return total / int(done.stdout.split()[-1])


def fault(path, before, now):
    """What is wrong with a count, or nothing."""
    if not before:
        return f'"{path}" has no count in {KEPT.name}.'
    change = now / before - 1
    if abs(change) <= TOLERANCE:
        return None
    words = ("grew", "more") if change > 0 else ("shrank", "less")
    return (f'"{path}" {words[0]}: {now:,.0f} instructions an event, {abs(change):.1%} {words[1]} '
            f"than {before:,.0f}.")


def report(kept, counts):
    print(f"{'path':34}{'kept':>10}{'now':>10}{'change':>9}   (instructions an event)")
    for path, now in counts.items():
        before = kept.get(path)
        change = f"{now / before - 1:+.1%}" if before else "new"
        print(f"{path:34}{before or 0:>10,.0f}{now:>10,.0f}{change:>9}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--accept", action="store_true")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        sys.exit("valgrind is not installed; it is in cmake/debian-packages.txt (./dev build)")
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {"with": {}, "instructions": {}}
    build = options.build.resolve()
    here = versions(build)
    if not options.accept and here != kept["with"]:
        other = [f"{name} {here.get(name)}, not {kept['with'].get(name)}"
                 for name in sorted({*here, *kept["with"]})
                 if here.get(name) != kept["with"].get(name)]
        sys.exit(f"{KEPT.name} was taken with other versions and says nothing here: this is "
                 f"{'; '.join(other)}. Take it anew with --accept, on the commit before yours.")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = dict(zip(PATHS, pool.map(lambda path: count(build, path), PATHS)))
    report(kept["instructions"], counts)
    if options.accept:
        rounded = {path: round(now) for path, now in counts.items()}
        KEPT.write_text(json.dumps({"with": here, "instructions": rounded}, indent=1) + "\n")
        print(f"accepted: {KEPT.name} is rewritten; commit it with what changed the counts")
        return 0
    faults = [fault(path, kept["instructions"].get(path), now) for path, now in counts.items()]
    faults = [text for text in faults if text]
    if faults:
        print("\n" + "\n".join(faults) + "\nIf that is meant, take the new counts and commit them, "
              "with the reason in the message:\n"
              "  /usr/bin/python3 tests/bench/instruction_guard.py --build build/release --accept")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
