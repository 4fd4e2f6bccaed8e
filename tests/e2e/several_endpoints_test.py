"""A route with several endpoints: what one that is away costs the others, and what a dry run sends."""

import sys
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from tallybus_parts import (Backend, OpenBus, Tallybusd, refused_url,  # noqa: E402
                            stream_status, wait_until)

STATUSES = [f"S{n}" for n in range(10)]


def route(endpoints, **more):
    return {"name": "billing", "endpoints": endpoints, **more}


def names(backend):
    return [(r.json["name"], r.json["status"]) for r in backend.requests]


class SeveralEndpointsTest(unittest.TestCase):
    def daemon(self, *routes):
        daemon = Tallybusd(apps={"defaultApp": {"url": "off"}})
        daemon.config["routes"] = list(routes)
        return self.enterContext(daemon)

    def publish(self, daemon, streams=5):
        with OpenBus(daemon) as bus:
            for status in STATUSES:
                for n in range(streams):
                    bus.send(stream_status(status, name=f"cam{n}", media=f"m{n}"))

    def assert_in_order(self, told, streams=5):
        for n in range(streams):
            self.assertEqual([s for name, s in told if name == f"cam{n}"], STATUSES, f"cam{n}")

    def test_each_of_all_gets_every_event_and_one_that_is_away_delays_no_other(self):
        with Backend() as one, Backend() as two:
            daemon = self.daemon(route([one.url, refused_url(), two.url], pick="all"))
            self.publish(daemon)
            for backend in (one, two):
                backend.await_requests(50)
                self.assert_in_order(names(backend))
            wait_until(lambda: daemon.metric("tallybus_route_waiting_events") == 50,
                       "what waits for the one that is away")
            self.assertRegex(daemon.get("/metrics")[1],
                             r'tallybus_events_delivered_total\{route="billing/127.0.0.1:\d+~')

    def test_where_the_first_is_away_the_second_goes_on_in_order_until_it_is_back(self):
        away = threading.Event()
        answered = []

        def first(request):
            if away.is_set():
                return "reset"
            answered.append(request)
            return 200

        with Backend(first) as one, Backend() as two:
            daemon = self.daemon(route([one.url, two.url], pick="first_healthy"))
            self.publish(daemon, streams=1)
            wait_until(lambda: len(answered) == 10, "the first one's events")
            self.assertEqual(two.requests, [])
            away.set()
            self.publish(daemon)
            two.await_requests(50)
            self.assert_in_order(names(two))
            away.clear()
            with OpenBus(daemon) as bus:
                def returned():
                    bus.send(stream_status("PUBLISHING", name="later", media="l"))
                    return len(answered) > 20
                wait_until(returned, "the first endpoint's return", seconds=180)

    def test_those_that_are_well_take_turns(self):
        with Backend() as one, Backend() as two:
            daemon = self.daemon(route([one.url, two.url], pick="round_robin"))
            self.publish(daemon)
            wait_until(lambda: len(one.requests) + len(two.requests) >= 50, "all events")
            self.assertGreater(len(one.requests), 10)
            self.assertGreater(len(two.requests), 10)
            self.assertEqual(len(set(names(one) + names(two))), 50)

    def test_a_dry_run_counts_and_sends_nothing(self):
        with Backend() as backend, Backend() as real:
            daemon = self.daemon(route([backend.url], dry_run=True),
                                 {"name": "real", "endpoints": [real.url]})
            self.publish(daemon, streams=1)
            real.await_requests(10)
            daemon.await_metric(10, "tallybus_events_not_sent_total", reason="dry_run")
            daemon.await_metric(10, "tallybus_events_dry_run_total", route="billing")
            self.assertEqual(backend.requests, [])


if __name__ == "__main__":
    unittest.main()
