"""The boundaries of the house, checked by the build: who may include whom, a test for each source
file, sizes, first comments, and the format."""

import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = ("core", "transports", "plugins", "apps", "examples")
FILE_LINES = 400
HEADER_LINES = 250
PUBLIC = ROOT / "core" / "include" / "tallybus"

# For each folder, what its #include lines may name beside the standard library. The longest prefix
# that fits a file governs.
ALLOWED = {
    "core/include/": r"tallybus/|absl/(status|time)/",
    "core/src/codec/": r"tallybus/|codec/|absl/|simdjson\.h|google/protobuf/",
    "core/src/policy/rest_client_config.cc": r"tallybus/|absl/|simdjson\.h",
    "core/src/spool/": r"tallybus/(?!v1/)|spool/|absl/|sqlite3\.h",
    "core/src/": r"tallybus/(?!v1/)|(codec/(?!envelope)|delivery/|policy/)|absl/",
    "transports/builtin": r"tallybus/(?!v1/)|absl/|transports/",
    "transports/file/": r"tallybus/(?!v1/)|absl/|transports/(file|parts)/",
    "transports/kafka/": r"tallybus/(?!v1/)|absl/|transports/(kafka|parts)/|librdkafka/",
    "transports/memory/": r"tallybus/(?!v1/)|absl/|transports/memory/",
    "transports/mqtt/": r"tallybus/(?!v1/)|absl/|transports/(mqtt|parts)/|mosquitto\.h|mqtt_protocol\.h",
    "transports/nats/": r"tallybus/(?!v1/)|absl/|transports/(nats|parts)/|nats/nats\.h|simdjson\.h",
    "transports/parts/": r"tallybus/(?!v1/)|absl/|transports/parts/",
    "transports/parts/options.cc": r"absl/|transports/parts/|openssl/",
    "transports/rest/": r"tallybus/(?!v1/)|absl/|transports/(rest|parts)/|curl/|openssl/",
    "transports/web/": r"tallybus/(?!v1/)|absl/|transports/web/|boost/|openssl/|prometheus/|simdjson\.h",
    "transports/zmq/": r"tallybus/(?!v1/)|absl/|transports/zmq/|zmq\.hpp",
    "plugins/abi/": r"tallybus/c/",
    "plugins/loader/": r"tallybus/(?!v1/)|absl/|plugins/(loader/|engine/versioned\.h)",
    "apps/conformance/": r"tallybus/(?!v1/)|absl/|apps/conformance/",
    "plugins/template/": r"tallybus/c/transport\.h|pthread\.h",
    "plugins/engine/": r"tallybus/c/|zmq\.h|[a-z_]+\.h$",
    "plugins/janus/": r"tallybus/c/|janus/|jansson\.h|curl/|glib(\.h|/)|[a-z_]+\.h$",
    "apps/tallybusd/check/": r"tallybus/(?!v1/)|absl/|apps/|transports/rest/|curl/|simdjson\.h",
    "apps/tallybusd/check/reach.cc": r"absl/|apps/|transports/rest/|curl/|openssl/",
    "apps/tallybusd/config/": r"tallybus/(?!v1/)|absl/|yaml-cpp/|[a-z_]+\.h$",
    "apps/tallybus/admin_client": r"absl/|apps/|curl/",
    "apps/": r"tallybus/(?!v1/)|absl/|transports/|plugins/loader/|apps/|config/|zmq\.hpp|spdlog/|simdjson\.h|[a-z_]+\.h$",
    "examples/": r"tallybus/(?!v1/)|absl/",
}
SYSTEM = re.compile(r"^(sys|net|netinet|arpa|linux|bits)/|^[a-z_0-9]+(\.h)?$")


def files(*suffixes, folders=CODE):
    return sorted(p for folder in folders for p in (ROOT / folder).rglob("*")
                  if p.suffix in suffixes and "build" not in p.parts)


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def includes(path):
    return re.findall(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', path.read_text(), re.M)


def rule_for(name):
    fitting = [prefix for prefix in ALLOWED if name.startswith(prefix)]
    return ALLOWED[max(fitting, key=len)]


class HouseTest(unittest.TestCase):
    def offenders(self, found):
        self.assertEqual(found, [], "\n" + "\n".join(str(f) for f in found))

    def test_each_folder_includes_only_what_it_may(self):
        found = []
        for path in files(".h", ".cc", ".c"):
            rule = re.compile(rule_for(name_of(path)))
            for header in includes(path):
                local = (path.parent / header).exists() and "/" not in header
                if not (rule.match(header) or local or SYSTEM.match(header)):
                    found.append(f"{name_of(path)} includes {header}")
        self.offenders(found)

    def test_core_knows_no_wire(self):
        wire = re.compile(r"zmq|curl|boost|yaml|spdlog|prometheus|openssl")
        self.offenders([f"{name_of(p)} includes {h}" for p in files(".h", ".cc", folders=["core"])
                        for h in includes(p) if wire.search(h)])

    def test_only_the_spool_knows_its_store(self):
        self.offenders([f"{name_of(p)} includes {h}" for p in files(".h", ".cc")
                        for h in includes(p) if h == "sqlite3.h"
                        and not name_of(p).startswith("core/src/spool/")])

    def test_each_source_file_has_a_test(self):
        tests = {p.relative_to(ROOT / "tests").as_posix() for p in (ROOT / "tests").rglob("*_test.*")}
        # Composition and command lines are tested as programs, a connection through its server.
        programs = re.compile(r"^(apps/(tallybus|tallybusd|router_module)/[^/]*|transports/builtin|"
                              r"transports/web/http_connection|"
                              r"plugins/janus/janus_tallybusevh|examples/.*)\.(cc|c)$")
        found = []
        for path in files(".cc", ".c"):
            name = name_of(path)
            mirrored = name.replace("core/src/", "core/").rsplit(".", 1)[0] + "_test"
            if not programs.match(name) and not any(t.startswith(mirrored + ".") for t in tests):
                found.append(f"{name}: no tests/{mirrored}.cc")
        self.offenders(found)

    def test_files_stay_small(self):
        found = []
        for path in files(".h", ".cc", ".c", folders=[*CODE, "tests"]):
            lines = path.read_text().count("\n")
            limit = HEADER_LINES if path.suffix == ".h" and "tests" not in path.parts else FILE_LINES
            # The whole C interface is one header, and the template is one file to copy.
            if lines > limit and path.name not in ("engine.h", "line_transport.c"):
                found.append(f"{name_of(path)}: {lines} lines, over {limit}")
        self.offenders(found)

    def test_each_file_begins_by_saying_what_it_is(self):
        self.offenders([name_of(p) for p in files(".h", ".cc", ".c", folders=[*CODE, "tests"])
                        if not re.match(r"//|/\*", p.read_text())])

    def test_headers_are_guarded(self):
        self.offenders([name_of(p) for p in files(".h", folders=[*CODE, "tests"])
                        if not re.search(r"^#ifndef (TALLYBUS_\w+)\n#define \1$", p.read_text(), re.M)])

    def test_time_is_an_argument(self):
        clocks = re.compile(r"absl::Now\(|absl::SleepFor|sleep_for|usleep\(|steady_clock::now|"
                            r"system_clock::now|clock_gettime\(|gettimeofday\(")
        own = re.compile(r"^(core/src/clock|plugins/engine/clock|apps/)")
        self.offenders([name_of(p) for p in files(".h", ".cc", ".c", folders=CODE[:4])
                        if clocks.search(p.read_text()) and not own.match(name_of(p))])

    def test_no_name_hides_what_a_thing_is(self):
        vague = re.compile(r"(^|_)(util|utils|common|helper|helpers|manager|misc)(_|\.|$)")
        self.offenders([name_of(p) for p in files(".h", ".cc", ".c") if vague.search(p.name)])

    def test_the_top_level_holds_what_it_should(self):
        tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
        if tracked.returncode != 0:  # an unpacked source archive has no history to ask
            names = {p.name for p in ROOT.iterdir()} - {"build", ".git"}
        else:
            names = {line.split("/")[0] for line in tracked.stdout.splitlines()}
        allowed = {"CMakeLists.txt", "proto", "core", "transports", "plugins", "tests",
                   "bazel_compat", "README.md", "apps", "docs", "examples", "cmake", "dev",
                   "CMakePresets.json", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"}
        self.offenders(sorted(n for n in names - allowed if not n.startswith(".")))

    def test_the_code_is_formatted(self):
        paths = [str(p) for p in files(".h", ".cc", ".c", folders=[*CODE, "tests"])]
        done = subprocess.run(["clang-format", "--dry-run", *paths], cwd=ROOT, capture_output=True,
                              text=True)
        found = sorted({line.split(":")[0] for line in done.stderr.splitlines() if ": warning:" in line})
        self.offenders([str(Path(f)) for f in found])


if __name__ == "__main__":
    unittest.main()
