#!/usr/bin/python3
"""The commands with which a plugin is made and looked at.

TALLYBUS_BUILD_DIR names the build tree that is installed; its tests/test_plugins holds hostile ones.
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from plugin_parts import (BUILD, HOSTILE, PUBLISHING, SANITIZED, LineServer, run)  # noqa: E402


class WorkbenchTest(unittest.TestCase):
    def setUp(self):
        self._temporary = tempfile.TemporaryDirectory(prefix="tallybus-workbench-")
        self.addCleanup(self._temporary.cleanup)
        self.work = Path(self._temporary.name)
        self.template = HOSTILE / "line_transport.so"

    def tallybus(self, *words, **more):
        return subprocess.run([Path(os.environ["TALLYBUS_BIN_DIR"]) / "tallybus", *map(str, words)],
                              capture_output=True, text=True, timeout=250, cwd=self.work, **more)

    def test_describe_prints_what_a_plugin_is_or_why_it_is_refused(self):
        said = self.tallybus("describe", self.template)
        self.assertEqual(said.returncode, 0, said.stderr)
        for part in ("Line 1.0", "interface  1.0", "transport  line", "token ", "secret"):
            self.assertIn(part, said.stdout)
        refused = self.tallybus("describe", HOSTILE / "other_major.so")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("it is built for version 2 of the transport interface", refused.stderr)
        taken = self.tallybus("describe", HOSTILE / "scheme_rest.so")
        self.assertEqual(taken.returncode, 1)
        self.assertIn("two transports claim the scheme rest", taken.stderr)
        self.assertEqual(self.tallybus("describe").returncode, 2)
        source = self.work / "crash.c"
        source.write_text("#include <stdlib.h>\n"
                          "__attribute__((constructor)) static void Crash(void) { abort(); }\n")
        run("cc", "-shared", "-fPIC", source, "-o", self.work / "crash.so")
        crashed = self.tallybus("describe", self.work / "crash.so")
        self.assertEqual(crashed.returncode, 1)
        self.assertEqual(crashed.stderr,
                         "tallybus describe: the plugin ended its process: Aborted\n")

    def test_a_new_transport_has_a_name_of_its_own(self):
        for name in ("rest", "file"):
            refused = self.tallybus("new", "transport", name)
            self.assertEqual(refused.returncode, 2)
            self.assertIn(f"{name} is built in", refused.stderr)
            self.assertFalse((self.work / name).exists())

    def test_try_makes_one_delivery_and_says_what_it_means(self):
        server = LineServer()
        self.addCleanup(server.close)
        event = self.work / "x.json"
        event.write_text(json.dumps(PUBLISHING))
        done = self.tallybus("try", self.template, "--endpoint", server.url, "--event", event,
                             "--option", "token=a,b", "--option", "connect_timeout=30s",
                             "--timeout", "60s")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, "^delivered: OK, after")
        attributes, sent = server.arrived[0]
        self.assertEqual(attributes["token"], "a,b")
        self.assertEqual(sent["name"], "cam-1")
        done = self.tallybus("try", self.template, "--endpoint", server.url, "--event",
                             "StreamStatusEvent", "--option", "token=t")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(server.arrived[1][1]["status"], "PUBLISHING")
        refused = self.tallybus("try", self.template, "--endpoint", "tcp://127.0.0.1:1")
        self.assertEqual(refused.returncode, 1)
        self.assertRegex(refused.stdout, "^retry later: connection refused")
        self.assertIn("no byte of it reached the peer", refused.stdout)
        wrong = self.tallybus("try", self.template, "--endpoint", server.url, "--option", "tokem=x")
        self.assertEqual(wrong.returncode, 2)
        self.assertIn('did you mean "token"?', wrong.stderr)
        late = self.tallybus("try", HOSTILE / "hostile.so", "--endpoint", "never", "--timeout", "2s")
        self.assertEqual(late.returncode, 1)
        self.assertRegex(late.stdout, "^retry later: timed out")
        self.assertIn("plugin Hostile did not complete a ticket by its deadline", late.stderr)
        crashed = self.tallybus("try", HOSTILE / "hostile.so", "--endpoint", "crash")
        self.assertEqual(crashed.returncode, 1)
        self.assertIn("tallybus try: the plugin ended its process: Aborted", crashed.stderr)

    def test_a_hostile_plugin_does_not_pass(self):
        arrived = self.work / "arrived"
        for kind, says in (("twice", "the plugin did what it must not: twice"),
                           ("verdict", 'the verdict is "retry later", not "delivered"')):
            said = self.tallybus("conformance", HOSTILE / "hostile.so", "--endpoint", kind,
                                 "--arrived", arrived)
            self.assertEqual(said.returncode, 1, said.stdout)
            self.assertIn("FAILED      each ticket completes once: the plugin did what it must not",
                          said.stdout)
            self.assertIn(says, said.stdout)
            self.assertIn("not checked a peer that hangs completes by the deadline: a file does not",
                          said.stdout)
        refused = self.tallybus("conformance", HOSTILE / "no_symbol.so", "--endpoint", "{peer}")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("it is no plugin", refused.stdout)

    def test_a_transport_that_writes_a_file_passes_with_what_a_file_cannot_do_left_out(self):
        arrived = self.work / "arrived"
        said = self.tallybus("conformance", HOSTILE / "append_plugin_cxx17.so",
                             "--endpoint", arrived, "--arrived", arrived)
        self.assertEqual(said.returncode, 0, said.stdout)
        self.assertIn("ok          the bytes of a body arrive exactly", said.stdout)
        self.assertIn("ok          a thousand in flight all arrive", said.stdout)
        self.assertIn("not checked every attribute survives: the request does not hold: method",
                      said.stdout)
        carries = self.tallybus("conformance", HOSTILE / "append_plugin_cxx17.so", "--endpoint",
                                arrived, "--arrived", arrived, "--carries", "id")
        self.assertEqual(carries.returncode, 1)
        self.assertIn("FAILED      every attribute survives", carries.stdout)

    @unittest.skipIf(SANITIZED, "a project that is not sanitized cannot be loaded by one that is")
    def test_a_new_transport_builds_against_the_installed_package_and_passes(self):
        said = self.tallybus("new", "transport", "pigeon")
        self.assertEqual(said.returncode, 0, said.stderr)
        prefix = self.work / "prefix"
        for component in ("abi", "daemon"):
            run("cmake", "--install", BUILD, "--prefix", prefix, "--component", component)
        run("cmake", "-S", self.work / "pigeon", "-B", self.work / "build",
            f"-DCMAKE_PREFIX_PATH={prefix}")
        run("cmake", "--build", self.work / "build")
        run("ctest", "--test-dir", self.work / "build", "--no-tests=error", "--output-on-failure")
        told = self.tallybus("describe", self.work / "build" / "pigeon_transport.so").stdout
        self.assertIn("transport  pigeon", told)
        self.assertEqual(self.tallybus("new", "transport", "pigeon").returncode, 1, "it is there")
        self.assertEqual(self.tallybus("new", "transport", "../x").returncode, 2)


if __name__ == "__main__":
    unittest.main()
