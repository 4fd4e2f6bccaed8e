"""A route to a file: what is delivered is in it, also where the router is killed or the folder is
away for a while."""

import json
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from tallybus_parts import OpenBus, Tallybusd, stream_status, wait_until  # noqa: E402


class FileTest(unittest.TestCase):
    was_killed = False

    def setUp(self):
        self.daemon = Tallybusd(apps={"defaultApp": {}})
        self.addCleanup(self.daemon.close)
        self.folder = self.daemon.work_dir / "events"
        self.folder.mkdir()
        self.daemon.config["routes"] = [
            {"name": "archive", "transport": "file", "retry": ["50ms"] * 60,
             "endpoints": [f"file://{self.folder}/events.ndjson"],
             "options": {"rotate_size": "16KiB", "keep": 100, "sync": True}}]
        self.daemon.start()

    def send(self, first, count):
        with OpenBus(self.daemon) as bus:
            for number in range(first, first + count):
                bus.send(stream_status(name=f"cam-{number % 7}", bitrate=number))

    def delivered(self):
        return self.daemon.metric("tallybus_events_delivered_total", route="archive")

    def lines(self, folder):
        def age(path):
            return -int(path.suffix[1:]) if path.suffix[1:].isdigit() else 0
        events = []
        for path in sorted(folder.iterdir(), key=age):
            for line in path.read_text().splitlines():
                try:
                    events.append(json.loads(line))
                except json.JSONDecodeError:
                    self.assertTrue(self.was_killed, line)
        return events

    def check(self, lines, count):
        self.check_order(lines)
        self.assertEqual({line["bitrate"] for line in lines}, set(range(count)))

    def check_order(self, lines):
        """Each lane has no hole; what came twice says so."""
        seen, last = set(), {}
        for line in lines:
            member = line["tallybus"]
            if member["id"] in seen:
                self.assertTrue(member.get("redelivery"), line)
                continue
            seen.add(member["id"])
            self.assertEqual(member["sequence"], last.get(member["lane"], 0) + 1)
            last[member["lane"]] = member["sequence"]

    def test_every_event_is_a_line_over_many_files(self):
        self.send(0, 500)
        wait_until(lambda: self.delivered() == 500, "all are delivered")
        lines = self.lines(self.folder)
        self.assertEqual(len(lines), 500)
        self.check(lines, 500)
        self.assertGreater(len(list(self.folder.iterdir())), 5)

    def test_a_router_that_is_killed_leaves_whole_lines_and_goes_on(self):
        self.send(0, 2000)
        before = wait_until(self.delivered, "some are delivered")
        self.daemon.kill()
        self.was_killed = True  # and may have left a part of a line
        self.assertGreaterEqual(len(self.lines(self.folder)), before)
        self.daemon.start()
        self.send(2000, 10)
        # Files are renamed until nothing waits.
        wait_until(lambda: self.daemon.metric("tallybus_events_accepted_total") == 10
                   and self.daemon.metric("tallybus_waiting_events") == 0
                   and self.daemon.metric("tallybus_in_flight_events") == 0, "nothing waits")
        lines = self.lines(self.folder)
        self.assertLessEqual(set(range(2000, 2010)), {line["bitrate"] for line in lines})
        self.check_order(lines)

    def test_a_folder_that_is_away_and_comes_back_has_every_event(self):
        self.send(0, 20)
        wait_until(lambda: self.delivered() == 20, "the first are delivered")
        away = self.folder.rename(self.daemon.work_dir / "away")
        self.send(20, 20)
        wait_until(lambda: self.daemon.metric("tallybus_events_accepted_total") == 40, "accepted")
        self.assertEqual(self.delivered(), 20)
        away.rename(self.folder)
        wait_until(lambda: self.delivered() == 40, "the others are delivered")
        self.check(self.lines(self.folder), 40)


if __name__ == "__main__":
    unittest.main()
