"""The stop always arrives: an engine that dies leaves no stream live in its backend."""

import signal
import os
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from engine_process import EngineProcess  # noqa: E402
from tallybus_parts import (Backend, OpenBus, Tallybusd, refused_url, stream_status,  # noqa: E402
                            wait_until)

APP = "defaultApp"
STREAMS = 100
# Several beats, of which a busy machine may delay one or two.
GRACE = {"engines": {"grace": "4s"}}


def begin(engine, count=STREAMS):
    for number in range(count):
        assert engine.ask("open", f"s{number}") == 0
        engine.status("PUBLISHING", f"s{number}", f"m{number}", f"cam-{number}")
    wait_until(lambda: engine.acknowledged() == count, "all acknowledged")


def ends(requests, status="FAILED"):
    return [r for r in requests if r.json["status"] == status]


class EngineLostTest(unittest.TestCase):
    def check_ends(self, backend, count=STREAMS):
        wait_until(lambda: len(ends(backend.requests, "DISCONNECTED")) >= count and
                   len(ends(backend.requests)) >= count, "all ends")
        failed = ends(backend.requests)
        self.assertEqual(sorted(r.json["mediaSessionId"] for r in failed),
                         sorted(f"m{n}" for n in range(count)))
        for request in failed:
            self.assertEqual(request.headers["tallybus-origin"], "router")
            self.assertEqual(request.json["info"], "engine lost")
            self.assertEqual(request.headers["tallybus-sequence"], "2")
        gone = ends(backend.requests, "DISCONNECTED")
        self.assertEqual(sorted(r.json["sessionId"] for r in gone),
                         sorted(f"s{n}" for n in range(count)))
        self.assertEqual({r.method for r in gone}, {"ConnectionStatusEvent"})

    # Ant-Media#6985, #2014, #4277
    def test_the_engine_is_killed_and_its_streams_stay_live_for_ever(self):
        with Backend() as backend, Tallybusd(apps={APP: {"url": backend.url}},
                                             extra=GRACE) as daemon:
            with EngineProcess(daemon.engine) as engine:
                begin(engine)
                engine.kill()
            self.check_ends(backend)
            daemon.await_metric(100, "tallybus_live_streams")  # remembered as lost
            daemon.await_metric(200, "tallybus_ends_made_total")

    def test_engine_and_router_are_killed_together(self):
        with Backend() as backend:
            daemon = Tallybusd(apps={APP: {"url": refused_url()}}, extra=GRACE)
            self.addCleanup(daemon.close)
            daemon.start()
            with EngineProcess(daemon.engine) as engine:
                begin(engine)
                engine.kill()
            daemon.kill()
            daemon.config["apps"][APP]["url"] = backend.url
            daemon.start()
            self.check_ends(backend)
            begun = [r for r in backend.requests if r.json["status"] == "PUBLISHING"]
            self.assertEqual(len({r.json["mediaSessionId"] for r in begun}), STREAMS)

    def test_an_engine_that_restarts_at_once_ends_what_it_left(self):
        with Backend() as backend, Tallybusd(apps={APP: {"url": backend.url}}) as daemon:
            with EngineProcess(daemon.engine) as engine:
                begin(engine, 3)
                engine.kill()
            with EngineProcess(daemon.engine) as engine:  # the same node, long before the grace
                engine.status("PUBLISHING", "t1", "n1", "cam-0")
                wait_until(lambda: len(ends(backend.requests)) >= 3, "three ends")
                self.assertEqual({r.json["mediaSessionId"] for r in ends(backend.requests)},
                                 {"m0", "m1", "m2"})
                lane = lambda: [(r.json["mediaSessionId"], r.json["status"])  # noqa: E731
                                for r in backend.requests if r.json.get("name") == "cam-0"]
                wait_until(lambda: len(lane()) >= 3, "its new beginning")
                self.assertEqual(lane(), [("m0", "PUBLISHING"), ("m0", "FAILED"),
                                          ("n1", "PUBLISHING")], "or the stream seems dead")

    def test_an_engine_that_comes_back_after_a_partition_gets_its_streams_told_again(self):
        with Backend() as backend, Tallybusd(apps={APP: {"url": backend.url}},
                                             extra=GRACE) as daemon, \
                EngineProcess(daemon.engine) as engine:
            begin(engine, 5)
            os.kill(engine.pid, signal.SIGSTOP)
            wait_until(lambda: len(ends(backend.requests)) >= 5, "five ends")
            os.kill(engine.pid, signal.SIGCONT)
            again = lambda: [r for r in backend.requests if r.json["status"] == "PUBLISHING"
                             and r.headers.get("tallybus-origin") == "router"]
            wait_until(lambda: len(again()) >= 5, "five streams told again")
            self.assertEqual({r.json["mediaSessionId"] for r in again()},
                             {f"m{n}" for n in range(5)})
            engine.status("UNPUBLISHED", "s0", "m0", "cam-0")
            wait_until(lambda: any(r.json["status"] == "UNPUBLISHED" for r in backend.requests),
                       "the real end")
            lane = [r for r in backend.requests if r.json.get("name") == "cam-0"]
            self.assertEqual([r.json["status"] for r in lane],
                             ["PUBLISHING", "FAILED", "PUBLISHING", "UNPUBLISHED"])
            self.assertEqual([r.headers["tallybus-sequence"] for r in lane], ["1", "2", "3", "4"])

    def test_an_engine_that_says_goodbye_is_not_lost(self):
        with Backend() as backend, Tallybusd(apps={APP: {"url": backend.url}},
                                             extra=GRACE) as daemon, \
                EngineProcess(daemon.engine) as engine:
            begin(engine, 2)
            engine.status("UNPUBLISHED", "s0", "m0", "cam-0")
            engine.ask("close")
            # What it left open ends with it: nobody else would ever say so.
            wait_until(lambda: len(ends(backend.requests)) >= 1, "the end of what it left")
            self.assertEqual([r.json["mediaSessionId"] for r in ends(backend.requests)], ["m1"])
            self.assertEqual(ends(backend.requests)[0].json["info"], "engine closed")

    def test_on_lost_nothing_ends_nothing(self):
        with Backend() as backend, Tallybusd(
                apps={APP: {"url": backend.url}},
                extra={"engines": {"grace": "1s", "on_lost": "nothing"}}) as daemon:
            with EngineProcess(daemon.engine) as engine:
                begin(engine, 2)
                engine.kill()
            daemon.await_log("is lost")
            wait_until(lambda: daemon.metric("tallybus_live_streams") == 0, "and forgotten")
            self.assertEqual(ends(backend.requests), [])

    def test_a_node_of_the_open_bus_with_a_heartbeat_is_lost_like_an_engine(self):
        with Backend() as backend, Tallybusd(apps={APP: {"url": backend.url}},
                                             extra=GRACE) as daemon, OpenBus(daemon) as bus:
            bus.send({"nodeId": "n1"}, method="TallybusHeartbeat")
            bus.send(stream_status(media="m7"))
            bus.send({**stream_status(media="m8"), "nodeId": "silent by nature"})
            backend.await_requests(2)
            wait_until(lambda: len(ends(backend.requests)) >= 1, "one end")
            self.assertEqual([r.json["mediaSessionId"] for r in ends(backend.requests)], ["m7"])
            self.assertNotIn("TallybusHeartbeat", {r.method for r in backend.requests})

    def test_a_node_of_the_open_bus_that_dies_with_the_router_is_ended_by_the_next_one(self):
        with Backend() as backend, Tallybusd(apps={APP: {"url": backend.url}},
                                             extra=GRACE) as daemon:
            with OpenBus(daemon) as bus:
                bus.send({"nodeId": "n1"}, method="TallybusHeartbeat")
                bus.send(stream_status(media="m7"))
                backend.await_requests(1)
            daemon.kill()
            daemon.start()
            wait_until(lambda: len(ends(backend.requests)) >= 1, "one end")
            self.assertEqual(ends(backend.requests)[0].json["info"], "engine lost")

    def test_a_stream_that_is_not_heard_of_for_stale_after_ends(self):
        with Backend() as backend, Tallybusd(
                apps={APP: {"url": backend.url, "stale_after": "1s"}}) as daemon, \
                OpenBus(daemon) as bus:
            bus.send(stream_status(media="m9"))
            wait_until(lambda: len(ends(backend.requests)) >= 1, "one end")
            self.assertEqual(ends(backend.requests)[0].json["info"], "stale")


if __name__ == "__main__":
    unittest.main()
