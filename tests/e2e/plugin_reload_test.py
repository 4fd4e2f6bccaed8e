#!/usr/bin/python3
"""A reload that brings a plugin in is put in place whole, or refused in one line with all as it was,
also where the plugin does not come back; and events flow meanwhile.

TALLYBUS_BUILD_DIR names the build tree; its tests/test_plugins holds the plugins.
"""

import re
import signal
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from plugin_parts import HOSTILE, LineServer  # noqa: E402
from tallybus_parts import Backend, OpenBus, Tallybusd, stream_status, wait_until  # noqa: E402

# Of the whole run, which takes seconds: a plugin's call has five.
MOST_EVENTS = 100_000


class PluginReloadTest(unittest.TestCase):
    def setUp(self):
        self.backend = self.enterContext(Backend())
        self.server = LineServer()
        self.addCleanup(self.server.close)
        self.daemon = self.enterContext(Tallybusd(apps={"defaultApp": {"url": self.backend.url}}))

    def verdicts(self):
        # The alert about it, which comes before, has other words.
        return re.findall(r".*reload(?:ed:| refused).*(?=\n)", self.daemon.log())

    def begin(self, plugin=None, **route):
        self.daemon.config["plugins"] = [str(HOSTILE / f"{plugin}.so")] if plugin else []
        self.daemon.config["routes"] = [{"name": "r", **route}] if route else []
        self.daemon.write_config()
        self.told = len(self.verdicts())
        self.daemon.process.send_signal(signal.SIGHUP)

    def verdict(self):
        return wait_until(lambda: self.verdicts()[self.told:], "the reload is told")[0]

    def publish(self):
        with OpenBus(self.daemon) as bus:
            bus.send(stream_status())

    def test_brings_a_plugin_in_or_leaves_all_as_it_was(self):
        self.begin("other_major")
        self.assertRegex(self.verdict(), "reload refused.*version 2 of the transport interface")
        self.begin("start_fails", transport="hostile", endpoints=["here"])
        self.assertRegex(self.verdict(), "reload refused.*transport hostile: no.port is free")
        self.begin("line_transport", transport="line", endpoints=[self.server.url])
        self.assertRegex(self.verdict(), "reloaded: apps and routes$")
        self.publish()
        wait_until(lambda: self.server.arrived, "the event arrives")
        self.begin("line_transport", transport="line", endpoints=[self.server.url],
                   options={"token": ["a"]})
        self.assertRegex(self.verdict(), "reload refused.*options.token: must be text")
        self.publish()
        wait_until(lambda: len(self.server.arrived) == 2, "what runs goes on")

    def test_one_that_hangs_is_refused_and_events_flow_meanwhile(self):
        for where in ("check", "create"):
            with self.subTest(where=where):
                before = len(self.backend.requests)
                self.begin(f"hangs_in_{where}", transport="hostile", endpoints=["good"])
                sent = 0
                with OpenBus(self.daemon) as bus:
                    while len(self.verdicts()) == self.told and sent < MOST_EVENTS:
                        bus.send(stream_status())
                        sent += 1
                        self.backend.await_requests(before + sent)
                # Did they wait for it, that would be the few until the reload begins.
                self.assertGreater(sent, 10, "they wait for no plugin")
                self.assertRegex(self.verdict(), "reload refused.*plugin Hostile does not come back "
                                 f"from its {where} within 5s")
        self.begin("hangs_in_create", transport="hostile", endpoints=["good"])
        self.assertIn("is not called before a restart", self.verdict())
        self.begin()
        self.assertIn("reloaded: apps and routes", self.verdict())


if __name__ == "__main__":
    unittest.main()
