#!/usr/bin/python3
"""An installed tree serves a foreign project: its headers, its package, its programs.

TALLYBUS_BUILD_DIR names the build tree that is installed.
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("TALLYBUS_BUILD_DIR", ROOT / "build" / "release")).resolve()
sys.path.insert(0, str(ROOT / "tests" / "support"))
import tallybus_parts  # noqa: E402

# What core needs and the engine library must not.
CORE_PACKAGES = ("absl", "simdjson", "Protobuf", "Threads")


def run(*command):
    """Runs it and returns what it printed; AssertionError with all of that where it fails."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n"
                             f"{done.stdout[-8000:]}")
    return done.stdout


class InstallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls._temporary = tempfile.TemporaryDirectory(prefix="tallybus-install-")
        cls.work = Path(cls._temporary.name)
        cls.prefix = cls.work / "prefix"
        run("cmake", "--install", BUILD, "--prefix", cls.prefix)

    @classmethod
    def tearDownClass(cls):
        cls._temporary.cleanup()

    def build_consumer(self, components, *options):
        """Configures and builds the foreign project; the folder of its programs."""
        build = self.work / f"consumer-{components.replace(';', '-')}"
        run("cmake", "-G", "Ninja", "-S", ROOT / "tests" / "install" / "consumer", "-B", build,
            f"-DCMAKE_PREFIX_PATH={self.prefix}", f"-DCONSUMER_COMPONENTS={components}",
            f"-DTALLYBUS_EXAMPLES_DIR={ROOT / 'examples'}", *options)
        run("cmake", "--build", build)
        return build

    def test_an_engine_in_c_needs_nothing_of_what_core_needs(self):
        absent = [f"-DCMAKE_DISABLE_FIND_PACKAGE_{name}=ON" for name in CORE_PACKAGES]
        programs = self.build_consumer("engine", *absent)
        self.assertIn("OK, version 0.1", run(programs / "engine_user"))

    def test_a_cpp_program_uses_core_and_finds_its_dependencies(self):
        programs = self.build_consumer("core")
        self.assertIn("accepted 1", run(programs / "core_user"))

    def test_a_component_that_is_not_there_is_named(self):
        with self.assertRaisesRegex(AssertionError, r"component\s+loader\s+is\s+not\s+installed"):
            self.build_consumer("engine;loader")

    def test_installed_programs_carry_what_a_foreign_engine_publishes(self):
        programs = self.build_consumer("engine")
        tallybus_parts.BIN = self.prefix / "bin"
        with tallybus_parts.Backend() as backend, \
                tallybus_parts.Tallybusd(apps={"defaultApp": {"url": backend.url}}) as daemon:
            said = run(programs / "publish", daemon.engine)
            requests = backend.await_requests(2)
        self.assertEqual([r.json["status"] for r in requests], ["PUBLISHING", "UNPUBLISHED"])
        self.assertIn("published 2, acknowledged 2", said)
        self.assertIn("for the client of session-1: StreamStatusEvent", said)
        self.assertIn("tallybus 0.1", run(self.prefix / "bin" / "tallybus", "version"))

    def test_an_installed_router_runs_inside_a_foreign_engine(self):
        programs = self.build_consumer("engine")
        with tallybus_parts.Backend() as backend:
            config = self.work / "in_engine.yaml"
            config.write_text(json.dumps({"spool": {"path": "memory"},
                                          "apps": {"defaultApp": {"url": backend.url}}}))
            said = run(programs / "publish", f"embedded:{config}")
            requests = backend.await_requests(2)
        self.assertEqual([r.json["status"] for r in requests], ["PUBLISHING", "UNPUBLISHED"])
        self.assertIn("published 2, acknowledged 2", said)

    def test_each_c_header_compiles_by_itself_as_c11_and_cpp11(self):
        include = self.prefix / "include"
        headers = sorted((include / "tallybus" / "c").glob("*.h"))
        self.assertGreaterEqual(len(headers), 2)
        strict = ("-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", include)
        for header in headers:
            with self.subTest(header=header.name):
                run("cc", "-std=c11", *strict, "-x", "c", header)
                run("c++", "-std=c++11", *strict, "-x", "c++", header)

    def test_headers_of_core_include_only_the_standard_library_abseil_and_each_other(self):
        for header in (self.prefix / "include" / "tallybus").glob("*.h"):
            for line in header.read_text().splitlines():
                if line.startswith("#include"):
                    self.assertRegex(line, r'<[a-z_]+>|<absl/(status|time)/|"tallybus/',
                                     header.name)


if __name__ == "__main__":
    unittest.main()
