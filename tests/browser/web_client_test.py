"""The JavaScript client in Chromium, against a real daemon."""

import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from chromium import Chromium, Pages
from tallybus_parts import OpenBus, Tallybusd, stream_status


class WebClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pages = cls.enterClassContext(Pages({}))
        cls.page = cls.enterClassContext(Chromium(cls.pages.url))

    def test_a_page_is_told_an_event_in_chromium(self):
        with Tallybusd() as daemon, OpenBus(daemon) as bus:
            self.page.evaluate(f"""new Promise(resolve => {{
                window.told = [];
                window.events = new EventSource('http://{daemon.web}/events?session=s1');
                events.addEventListener('Snapshot', resolve);
                events.addEventListener('StreamStatusEvent', e => told.push(JSON.parse(e.data)));
            }}).then(() => null)""")
            bus.send(stream_status("PUBLISHING"))
            told = self.page.evaluate("""new Promise(resolve => setInterval(() => {
                if (told.length) resolve(told); }, 10))""")
            self.assertEqual(told[0]["data"][0]["status"], "PUBLISHING")
            self.page.evaluate("events.close()")


if __name__ == "__main__":
    unittest.main()
