#!/bin/sh
# Builds proto and core with Bazel and runs core's tests, offline, inside the project's build folder.
# usage: bazel_compat/run.sh [COMMAND [ARGUMENT...]]   (default: test //...)
set -eu
cd "$(dirname "$0")"
command -v bazel >/dev/null || {
  echo "bazel_compat: no bazel; Debian has it as bazel-bootstrap" >&2
  exit 1
}
[ $# -gt 0 ] || set -- test //...
command=$1
shift
root=$(cd .. && pwd -P)
mkdir -p "$root/build/bazel"

# --batch leaves no server behind; --nohome_rc keeps out what the caller's home folder sets.
# A short run gains nothing from Java's optimizing compiler.
exec bazel --batch --nohome_rc --host_jvm_args=-XX:TieredStopAtLevel=1 \
  --output_user_root="$root/build/bazel" \
  "$command" --color=no --curses=no --show_progress_rate_limit=30 \
  --experimental_convenience_symlinks=ignore \
  --jobs=2 --local_cpu_resources=2 --local_ram_resources=2048 "$@"
