#!/usr/bin/python3
"""Runs each fuzzer for a while from its seeds; ends with 1 and says where the input lies that
broke something."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

SEEDS = Path(__file__).resolve().parent / "seeds"


def run(fuzzer, seconds, findings):
    name = fuzzer.name.removesuffix("_fuzzer")
    with tempfile.TemporaryDirectory(prefix="corpus-") as corpus:
        done = subprocess.run(
            [fuzzer, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048",
             "-print_final_stats=1", f"-artifact_prefix={findings}/{name}-", corpus, SEEDS / name],
            capture_output=True, text=True, check=False)
    told = dict(line.removeprefix("stat::").split(":") for line in done.stderr.splitlines()
                if line.startswith("stat::"))
    if done.returncode == 0:
        print(f"{name}: {int(told['number_of_executed_units']):,} inputs in {seconds} s, "
              "no finding", flush=True)
        return True
    print(f"{name}: a finding; the input is in {findings}\n{done.stderr[-6000:]}", flush=True)
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--seconds", type=int, default=60, help="for each fuzzer")
    parser.add_argument("names", nargs="*", help="fuzzers; none: all")
    options = parser.parse_args()
    fuzzers = sorted((options.build / "fuzzers").glob("*_fuzzer"))
    known = [f.name.removesuffix("_fuzzer") for f in fuzzers]
    unknown = sorted(set(options.names) - set(known))
    if unknown or not fuzzers:
        sys.exit(f"no fuzzer is called {', '.join(unknown)}; there are: {', '.join(known) or 'none'}")
    findings = options.build / "findings"
    findings.mkdir(exist_ok=True)
    wanted = [f for f, name in zip(fuzzers, known) if not options.names or name in options.names]
    results = [run(fuzzer, options.seconds, findings) for fuzzer in wanted]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
