"""CMake and Bazel build the same files: each list of one is the list of the other."""

import ast
import re
import unittest
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES_BZL = "bazel_compat/sources.bzl"


def bazel_list(name):
    for statement in ast.parse((ROOT / SOURCES_BZL).read_text()).body:
        if isinstance(statement, ast.Assign) and statement.targets[0].id == name:
            return ast.literal_eval(statement.value)
    raise AssertionError(f"{SOURCES_BZL} has no list {name}")


def cmake_words(path, pattern):
    """The words of every match's first group in a CMakeLists.txt, without comments."""
    text = re.sub(r"#.*", "", (ROOT / path).read_text())
    return [word for match in re.finditer(pattern, text) for word in match[1].split()]


class SourceListsTest(unittest.TestCase):
    def assert_same(self, cmake_path, in_cmake, name):
        self.assertTrue(in_cmake, f"no list found in {cmake_path}")
        in_bazel = bazel_list(name)
        faults = [f"{SOURCES_BZL} {name} lacks {file}, which {cmake_path} has"
                  for file in Counter(in_cmake) - Counter(in_bazel)]
        faults += [f"{cmake_path} lacks {file}, which {SOURCES_BZL} {name} has"
                   for file in Counter(in_bazel) - Counter(in_cmake)]
        if faults:
            self.fail("\n" + "\n".join(faults))

    def test_proto_builds_the_same_messages(self):
        path = "proto/CMakeLists.txt"
        self.assert_same(path, cmake_words(path, r"\bset\(protos\s([^)]*)\)"), "PROTOS")

    def test_it_is_the_same_version(self):
        version = re.search(r"\bproject\([^)]*\bVERSION\s+([\d.]+)",
                            (ROOT / "CMakeLists.txt").read_text())
        self.assertEqual(bazel_list("VERSION"), version[1])

    def test_core_is_built_of_the_same_sources(self):
        path = "core/CMakeLists.txt"
        self.assert_same(path, cmake_words(path, r"\bset\(TALLYBUS_CORE_SOURCES\s([^)]*)\)"),
                         "CORE_SOURCES")

    def test_the_same_core_tests_are_run(self):
        path = "tests/core/CMakeLists.txt"
        in_cmake = cmake_words(path, r"\bforeach\(part\s([^)]*)\)")
        in_cmake += cmake_words(path, r"\btallybus_core_test\(([\w/]+)_test\.cc\b")
        self.assert_same(path, in_cmake, "CORE_TESTS")


if __name__ == "__main__":
    unittest.main()
