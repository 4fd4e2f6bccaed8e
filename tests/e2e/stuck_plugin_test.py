#!/usr/bin/python3
"""A plugin whose functions never come back holds up nobody but itself: a start that needs it
is refused in one line, the events of others flow, and SIGTERM ends the daemon.

TALLYBUS_BUILD_DIR names the build tree; its tests/test_plugins holds the hostile plugins.
"""

import sys
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from plugin_parts import HOSTILE  # noqa: E402
from tallybus_parts import Backend, OpenBus, Tallybusd, stream_status, wait_until  # noqa: E402

# What the loader allows a call, and a machine that is busy with other tests beside.
LIMIT, SLACK = 5, 40


class StuckPluginTest(unittest.TestCase):
    def setUp(self):
        self.backend = self.enterContext(Backend())

    def daemon(self, where=None, expect_start=True):
        daemon = Tallybusd(apps={"defaultApp": {"url": self.backend.url}}, expect_start=expect_start)
        if where:
            self.add_plugin(daemon, where)
        self.addCleanup(daemon.close)
        daemon.start()
        return daemon

    def add_plugin(self, daemon, where, endpoint="good"):
        daemon.config["plugins"] = [str(HOSTILE / f"{where}.so")]
        daemon.config["routes"] = [{"name": "h", "transport": "hostile", "endpoints": [endpoint],
                                    "timeout": "300ms", "retry": "none"}]

    def stuck(self, daemon):
        return daemon.metric("tallybus_plugin_faults_total", plugin="Hostile", fault="stuck")

    def test_a_start_that_needs_a_function_that_never_comes_back_is_refused_in_time(self):
        for where, says in {
                "entry": "hangs_in_entry.so: it does not come back from its loading within 5s",
                "check": "plugin Hostile does not come back from its check within 5s",
                "create": "transport hostile: plugin Hostile does not come back from its create",
                "start": "transport hostile: plugin Hostile does not come back from its start",
        }.items():
            with self.subTest(where=where):
                begin = time.monotonic()
                daemon = self.daemon(f"hangs_in_{where}", expect_start=False)
                self.assertEqual(daemon.process.wait(LIMIT + SLACK), 1)
                daemon.process = None
                self.assertGreater(time.monotonic() - begin, LIMIT - 1)
                self.assertIn(says, daemon.own_lines()[-1])

    def test_a_deliver_that_never_comes_back_holds_up_no_other_route(self):
        daemon = Tallybusd(apps={"defaultApp": {"url": self.backend.url}})
        self.add_plugin(daemon, "hostile", endpoint="block")
        self.addCleanup(daemon.close)
        daemon.start()
        with OpenBus(daemon) as bus:
            for i in range(20):
                bus.send(stream_status(name=f"s{i}"))
        self.backend.await_requests(20)
        wait_until(lambda: daemon.metric("tallybus_plugin_faults_total", plugin="Hostile",
                                         fault="blocked") > 0, "what waits behind it is told")
        daemon.await_log("plugin Hostile did not come back from deliver")
        self.assertEqual(daemon.get("/healthz")[0], 200)
        daemon.stop(SLACK)
        self.assertIn("plugin Hostile does not come back, and is left alone: stop", daemon.log())

    def test_sigterm_ends_a_daemon_whose_plugin_does_not_stop(self):
        for where in ("stop", "destroy"):
            with self.subTest(where=where):
                daemon = self.daemon(f"hangs_in_{where}")
                with OpenBus(daemon) as bus:
                    bus.send(stream_status())
                self.backend.await_requests(1)
                daemon.stop(LIMIT + SLACK)
                self.assertIn(f"plugin Hostile does not come back, and is left alone: {where}",
                              daemon.log())


if __name__ == "__main__":
    unittest.main()
