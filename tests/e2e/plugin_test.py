#!/usr/bin/python3
"""A transport that is not of this tree: the template, built against the installed package, brings an
event to its server; and plugins that the daemon must not take are told in one line, at the start
and at SIGHUP.

TALLYBUS_BUILD_DIR names the build tree that is installed; its tests/test_plugins holds hostile ones.
"""

import json
import os
import re
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("TALLYBUS_BUILD_DIR", ROOT / "build" / "release")).resolve()
sys.path.insert(0, str(ROOT / "tests" / "support"))
from tallybus_parts import OpenBus, Tallybusd, wait_until  # noqa: E402

SANITIZED = bool(os.environ.get("TALLYBUS_SANITIZED"))
HOSTILE = BUILD / "tests" / "test_plugins"
PUBLISHING = {"sessionId": "s1", "name": "cam-1", "published": True, "status": "PUBLISHING"}


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


class LineServer:
    """The far end of the template: keeps (attributes, event) of each request."""

    def __init__(self):
        self.arrived = []
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                attributes = json.loads(self.rfile.readline())
                event = bytearray()
                while not event.endswith(b"\0"):
                    event += self.rfile.read(1)
                server.arrived.append((attributes, json.loads(event[:-1])))
                self.wfile.write(b"OK\n")

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"tcp://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


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

    def reload(self, daemon):
        daemon.write_config()
        # The alert about it, which comes before, has other words.
        told = lambda: re.findall(r".*reload(?:ed:| refused).*(?=\n)", daemon.log())  # noqa: E731
        before = len(told())
        daemon.process.send_signal(signal.SIGHUP)
        return wait_until(lambda: told()[before:], "the reload is told")[0]

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
        lines = daemon.log().splitlines()
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
                self.assertIn(says, daemon.log().splitlines()[-1])
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

    def test_a_reload_brings_a_plugin_in_or_leaves_all_as_it_was(self):
        daemon = self.daemon([], [])
        daemon.config["plugins"] = [str(HOSTILE / "other_major.so")]
        self.assertRegex(self.reload(daemon), "reload refused.*version 2 of the transport interface")
        daemon.config["plugins"] = [str(HOSTILE / "start_fails.so")]
        daemon.config["routes"] = [{"name": "h", "transport": "hostile", "endpoints": ["here"]}]
        self.assertRegex(self.reload(daemon), "reload refused.*transport hostile: no.port is free")
        daemon.config["plugins"] = [str(self.template)]
        daemon.config["routes"] = [self.route()]
        self.assertRegex(self.reload(daemon), "reloaded: apps and routes$")
        self.publish(daemon)
        wait_until(lambda: self.server.arrived, "the event arrives")
        daemon.config["routes"] = [self.route(options={"token": ["a"]})]
        self.assertRegex(self.reload(daemon), "reload refused.*options.token: must be text")
        self.publish(daemon)
        wait_until(lambda: len(self.server.arrived) == 2, "what runs goes on")

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


class WorkbenchTest(unittest.TestCase):
    """The commands with which a plugin is made and looked at."""

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
