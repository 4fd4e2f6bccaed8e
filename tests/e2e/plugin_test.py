#!/usr/bin/python3
"""A transport that is not of this tree: the template, built against the installed package, brings an
event to its server; and plugins that the router must not take are told in one line, at its start.

TALLYBUS_BUILD_DIR names the build tree that is installed; its tests/test_plugins holds hostile ones.
"""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from plugin_parts import (BUILD, HOSTILE, PUBLISHING, SANITIZED, LineServer, run)  # noqa: E402
from tallybus_parts import OpenBus, Tallybusd, wait_until  # noqa: E402


class PluginTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls._temporary = tempfile.TemporaryDirectory(prefix="tallybus-plugin-")
        work = Path(cls._temporary.name)
        if SANITIZED:  # a sanitized library cannot be linked by a project that is not
            cls.template = HOSTILE / "line_transport.so"
            return
        prefix = work / "prefix"
        run("cmake", "--install", BUILD, "--prefix", prefix, "--component", "abi")
        run("cmake", "-S", prefix / "share" / "tallybus" / "template", "-B", work / "build",
            f"-DCMAKE_PREFIX_PATH={prefix}")
        run("cmake", "--build", work / "build")
        cls.template = work / "build" / "line_transport.so"

    @classmethod
    def tearDownClass(cls):
        cls._temporary.cleanup()

    def setUp(self):
        self.server = LineServer()
        self.addCleanup(self.server.close)

    def route(self, **more):
        return {"name": "line", "transport": "line", "endpoints": [self.server.url], **more}

    def daemon(self, plugins, routes, **more):
        daemon = Tallybusd(apps={"defaultApp": {"url": "off"}}, **more)
        daemon.config["plugins"] = [str(plugin) for plugin in plugins]
        daemon.config["routes"] = routes
        self.addCleanup(daemon.close)
        daemon.start()
        return daemon

    def publish(self, daemon):
        with OpenBus(daemon) as bus:
            bus.send(PUBLISHING)

    def test_an_event_goes_by_the_template_that_is_built_against_the_installed_headers(self):
        secret = Path(self._temporary.name) / "token"
        secret.write_text("s3cret\n")
        daemon = self.daemon([self.template], [self.route(
            options={"token": f"file:{secret}", "connect_timeout": "30s"})])
        self.publish(daemon)
        wait_until(lambda: self.server.arrived, "the event arrives")
        attributes, event = self.server.arrived[0]
        self.assertEqual(event["name"], "cam-1")
        self.assertEqual(attributes["method"], "StreamStatusEvent")
        self.assertEqual(attributes["lane"], "defaultApp/cam-1")
        self.assertEqual(attributes["token"], "s3cret")
        wait_until(lambda: daemon.metric("tallybus_events_delivered_total") == 1, "it is settled")
        self.assertEqual(daemon.metric("tallybus_plugin_faults_total", plugin="Line"), 0)
        self.assertNotIn("s3cret", daemon.log())

    def refused_at_start(self, plugins, routes):
        daemon = self.daemon(plugins, routes, expect_start=False)
        code = daemon.process.wait(60)
        lines = daemon.own_lines()
        daemon.process = None
        self.assertEqual(code, 1)
        self.assertEqual(len(lines), 1, lines)
        return lines[0]

    def test_a_plugin_that_cannot_be_used_is_one_line_and_no_start(self):
        for name, says in {
                "other_major": "it is built for version 2 of the transport interface",
                "no_symbol": "it does not export tallybus_transport_entry_v1",
                "large_entry": "its entry has a struct_size of no version",
                "option_type": "its option linger has a type that is none: 9",
                "missing": "there is no such file"}.items():
            with self.subTest(plugin=name):
                line = self.refused_at_start([HOSTILE / f"{name}.so"], [])
                self.assertIn("tallybus.yaml:", line)
                self.assertIn(f"plugins[0]: {HOSTILE / name}.so: ", line)
                self.assertIn(says, line)

    def check(self, daemon, says):
        """--check says it before, but for what only a start can tell."""
        done = subprocess.run(
            [Path(os.environ["TALLYBUS_BIN_DIR"]) / "tallybusd", "--config", daemon.config_path,
             "--check"], capture_output=True, text=True, timeout=60)
        if "start" in says:
            self.assertEqual(done.returncode, 0, done.stderr)
            return
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn(says, done.stderr.splitlines()[0])

    def test_what_a_plugin_says_no_to_is_one_line_and_no_start(self):
        hostile = {"name": "h", "transport": "hostile", "endpoints": ["here"]}
        for name, says in {"create_fails": "transport hostile: xxx",
                           "create_nothing": "transport hostile: create returns no transport",
                           "start_fails": "transport hostile: no?port is free"}.items():
            with self.subTest(plugin=name):
                daemon = self.daemon([HOSTILE / f"{name}.so"], [hostile], expect_start=False)
                self.assertEqual(daemon.process.wait(60), 1)
                daemon.process = None
                self.assertIn(says, daemon.own_lines()[-1])
                self.check(daemon, says.replace(":", f" ({HOSTILE / name}.so):", 1))
        two = self.refused_at_start([HOSTILE / "hostile.so", HOSTILE / "start_fails.so"], [])
        self.assertIn("plugins[1]: ", two)
        self.assertIn("two transports claim the scheme hostile", two)

    def test_an_option_that_the_plugin_does_not_have_is_refused_at_its_place(self):
        for options, says in (
                ({"tokem": "x"}, 'options.tokem: unknown option; did you mean "token"?'),
                ({"connect_timeout": "2"},
                 "options.connect_timeout: has no unit; did you mean 2s or 2ms?")):
            line = self.refused_at_start([self.template], [self.route(options=options)])
            self.assertIn(says, line)
        line = self.refused_at_start([self.template], [self.route(endpoints=["tcp://h:1"])])
        self.assertIn("endpoints[0]: must be tcp://ADDRESS:PORT", line)
        line = self.refused_at_start([], [self.route()])
        self.assertIn("there is no transport line: it is not built in, and no plugin brings it", line)

    def test_a_hostile_plugin_harms_nobody(self):
        kinds = ["twice", "unknown", "never", "late", "null", "verdict", "size", "bytes", "long"]
        daemon = self.daemon([HOSTILE / "hostile.so", self.template], [self.route()] + [
            {"name": kind, "transport": "hostile", "endpoints": [kind], "timeout": "2s",
             "retry": "none"} for kind in kinds])
        self.publish(daemon)
        wait_until(lambda: self.server.arrived, "the event arrives beside it")
        faults = {"twice": 1, "unknown": 1, "never": 2, "malformed": 4}
        for fault, count in faults.items():
            wait_until(lambda: daemon.metric("tallybus_plugin_faults_total", plugin="Hostile",
                                             fault=fault) >= count, f"{fault} is counted")
        daemon.await_log("plugin Hostile completed a ticket twice")
        self.assertEqual(daemon.get("/healthz")[0], 200)

    def test_a_secret_is_never_printed(self):
        daemon = self.daemon([self.template], [self.route(options={"token": "s3cret"})])
        printed = subprocess.run(
            [Path(os.environ["TALLYBUS_BIN_DIR"]) / "tallybusd", "--config", daemon.config_path,
             "--print-config"], capture_output=True, text=True)
        self.assertEqual(printed.returncode, 0, printed.stderr)
        self.assertIn('token: "***"', printed.stdout)
        self.assertNotIn("s3cret", printed.stdout)


if __name__ == "__main__":
    unittest.main()
