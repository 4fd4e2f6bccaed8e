"""The engine library and a router that is killed, stopped, restarted, or joined by a second engine:
what the engine still holds arrives in order, once, or at least once with the same id."""

import os
import socket
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from engine_library import CLOSED, OK, EnginePublisher  # noqa: E402
from tallybus_parts import (PROGRAM, Backend, Client, OpenBus, Tallybusd, fail_config,  # noqa: E402
                            stream_status, wait_until)

APP = "defaultApp"

def publish(engine, number, name="cam"):
    status = engine.status("PUBLISHING", session_id="s1", media_session_id="m1", name=name,
                           published=True, bitrate=number)
    assert status == OK, status


def numbers(requests):
    return [r.json["bitrate"] for r in requests]


def without_repeats(values):
    return list(dict.fromkeys(values))


class RouterLifecycleTest(unittest.TestCase):
    def test_a_killed_router_sends_what_it_had_and_what_the_engine_still_holds_in_order(self):
        # The first router's backend hangs: nothing is delivered before the kill.
        with Backend(lambda r: "hang") as dead, Backend() as backend:
            daemon = Tallybusd(apps={APP: {"url": dead.url}})
            self.addCleanup(daemon.close)
            daemon.start()
            with EnginePublisher(daemon.engine) as engine:
                for number in range(1, 6):
                    publish(engine, number)
                wait_until(lambda: engine.stats().acknowledged == 5, "five acknowledged")
                daemon.kill()
                for number in range(6, 106):
                    publish(engine, number)
                daemon.config["apps"][APP]["url"] = backend.url
                daemon.start()
                requests = backend.await_requests(105)
                self.assertEqual(numbers(requests), list(range(1, 106)))
                ids = [r.headers["webhook-id"] for r in requests]
                epoch = ids[0].split("-")[0]
                self.assertEqual(ids, [f"{epoch}-{n}" for n in range(1, 106)])
                # What was acknowledged may have arrived at the one that hung; the rest did not.
                again = [r.headers.get("tallybus-redelivery") == "1" for r in requests]
                self.assertEqual(again, [True] * 5 + [False] * 100)
                lanes = [int(r.headers["tallybus-sequence"]) for r in requests]
                self.assertEqual(lanes, list(range(1, 106)))
                wait_until(lambda: engine.stats().acknowledged == 105, "all acknowledged")
                self.assertEqual(engine.stats().dropped_full, 0)

    def test_a_router_killed_while_events_flow_gets_each_id_at_least_once_in_order(self):
        with Backend() as backend:
            daemon = Tallybusd(apps={APP: {"url": backend.url}})
            self.addCleanup(daemon.close)
            daemon.start()
            with EnginePublisher(daemon.engine) as engine:
                for number in range(1, 301):
                    publish(engine, number)
                    if number in (100, 200):
                        backend.await_requests(number - 50)
                        wait_until(lambda n=number: engine.stats().acknowledged == n,
                                   "the router has all")
                        backend.await_requests(number)  # its memory spool is empty
                        daemon.kill()
                        daemon.start()
                wait_until(lambda: 300 in numbers(backend.requests), "the last")
                self.assertEqual(without_repeats(numbers(backend.requests)), list(range(1, 301)))
                by_number = {}
                for request in backend.requests:
                    by_number.setdefault(request.json["bitrate"], set()).add(
                        request.headers["webhook-id"])
                self.assertTrue(all(len(ids) == 1 for ids in by_number.values()))

    def test_a_stopped_and_continued_router_gets_each_event_once(self):
        with Backend() as backend, Tallybusd(apps={APP: {"url": backend.url}}) as daemon, \
                EnginePublisher(daemon.engine) as engine:
            publish(engine, 1)
            daemon.await_metric(1, "tallybus_events_delivered_total")  # or its answer may be late
            daemon.pause()
            for number in range(2, 202):
                publish(engine, number)
            # Long enough for the library to give the silent router up and reopen.
            wait_until(lambda: engine.stats().reconnects >= 1, "the library reopens")
            daemon.go_on()
            backend.await_requests(201)
            wait_until(lambda: engine.stats().acknowledged == 201, "all acknowledged")
            self.assertEqual(numbers(backend.requests), list(range(1, 202)))

    def test_sessions_opened_before_the_kill_govern_after_the_restart(self):
        with Backend() as backend:
            daemon = Tallybusd(apps={APP: {"url": backend.url}})
            self.addCleanup(daemon.close)
            daemon.start()
            with EnginePublisher(daemon.engine) as engine:
                engine.session_open("s1", rest_client_config='{"StreamStatusEvent":'
                                    '{"restExclude":"name"}}')
                publish(engine, 1)
                backend.await_requests(1)
                daemon.kill()
                daemon.start()
                publish(engine, 2)
                wait_until(lambda: 2 in numbers(backend.requests), "the second")
                self.assertNotIn("name", backend.requests[-1].json)

    def test_two_engines_keep_their_own_sequences(self):
        with Backend() as backend, Tallybusd(apps={APP: {"url": backend.url}}) as daemon, \
                EnginePublisher(daemon.engine, node_id="a") as first, \
                EnginePublisher(daemon.engine, node_id="b") as second:
            for number in range(1, 101):
                publish(first, number, name="from-a")
                publish(second, number, name="from-b")
            requests = backend.await_requests(200)
            for node, name in (("a", "from-a"), ("b", "from-b")):
                mine = [r for r in requests if r.json["nodeId"] == node]
                self.assertEqual(numbers(mine), list(range(1, 101)))
                self.assertEqual({r.json["name"] for r in mine}, {name})
            self.assertEqual(len({r.headers["webhook-id"] for r in requests}), 200)

    def test_a_forked_child_is_told_closed_and_harms_nobody(self):
        with Backend() as backend, Tallybusd(apps={APP: {"url": backend.url}}) as daemon, \
                EnginePublisher(daemon.engine) as engine:
            publish(engine, 1)
            backend.await_requests(1)
            child = os.fork()
            if child == 0:
                code = engine.status("PUBLISHING", name="child", published=True)
                os._exit(0 if code == CLOSED else 1)
            self.assertEqual(os.waitpid(child, 0)[1], 0)
            publish(engine, 2)
            self.assertEqual(numbers(backend.await_requests(2)), [1, 2])

    def test_a_full_spool_holds_the_engine_back_and_loses_nothing(self):
        with Backend(lambda r: "hang") as backend, Tallybusd(
                apps={APP: {"url": backend.url, "timeout": "2m", "quota": "100%",
                            "when_full": "block"}},
                extra={"spool": {"path": "memory", "max_size": "2MiB"}}) as daemon, \
                EnginePublisher(daemon.engine, ring_bytes=8 << 20) as engine:
            for number in range(1, 1501):
                publish_large(engine, number)
            wait_until(lambda: daemon.get("/healthz")[0] == 503, "health is red")
            self.assertLess(engine.stats().acknowledged, 1500)
            backend.answer = lambda r: (200, b"")
            backend.released.set()
            # What hung comes again: 1500 requests are not all yet.
            wait_until(lambda: 1500 in numbers(backend.requests[-10:]), "the last", 240)
            wait_until(lambda: engine.stats().acknowledged == 1500, "all acknowledged")
            self.assertEqual(without_repeats(numbers(backend.requests)), list(range(1, 1501)))
            self.assertEqual(engine.stats().dropped_full, 0)
            wait_until(lambda: daemon.get("/healthz")[0] == 200, "health is green")

    def test_an_event_larger_than_a_small_spools_rest_does_not_wedge_the_engine(self):
        with Backend() as backend, Tallybusd(
                apps={APP: {"url": backend.url}},
                extra={"spool": {"path": "memory", "max_size": "1MiB"}}) as daemon, \
                EnginePublisher(daemon.engine) as engine:
            publish(engine, 1)
            body = '{"status":"PUBLISHING","bitrate":2,"sdp":"' + "x" * 1_048_000 + '"}'
            self.assertEqual(engine.json("StreamStatusEvent", body), OK)
            publish(engine, 3)
            requests = backend.await_requests(3)
            self.assertEqual(sorted(numbers(requests)), [1, 2, 3])


def stop_at_once(daemon):
    """Ends it by a second SIGTERM, which it takes when it has said that it stops."""
    daemon.process.terminate()
    daemon.await_log("stopping: ")
    asked = time.monotonic()
    daemon.process.terminate()
    daemon.await_log("stopped: ")
    assert time.monotonic() - asked < 9, "its own patience would be 10 s"
    daemon.stop()


def totals(daemon):
    words = daemon.log().split("stopped: ")[1].splitlines()[0].split(", ")
    return {name: int(number) for name, number in (w.rsplit(" ", 1) for w in words)}


class StopTest(unittest.TestCase):
    # Two streams: one event each is in flight, one waits behind it.
    def start(self, url, **more):
        daemon = Tallybusd(apps={APP: {"url": url, "retry": "none", "timeout": "1m",
                                       "rest_client_config": fail_config(), **more}})
        self.addCleanup(daemon.close)
        daemon.start()
        return daemon

    def send(self, daemon):
        with OpenBus(daemon) as bus:
            for number in range(4):
                stream = f"s{number % 2}"
                bus.send(stream_status(session=stream, name=stream, bitrate=number))
        wait_until(lambda: daemon.metric("tallybus_events_accepted_total") == 4, "four accepted")

    def test_what_a_second_sigterm_breaks_off_has_not_failed_and_is_sent_again(self):
        for delivery in ("guaranteed", "notify"):
            with self.subTest(delivery=delivery), Backend(lambda r: "hang") as backend:
                daemon = self.start(backend.url, delivery=delivery)
                with Client(daemon) as client:
                    self.send(daemon)
                    backend.await_requests(2)
                    client.await_messages(4)
                    stop_at_once(daemon)
                    self.assertEqual([m.name for m in client.poll(0.5)], ["StreamStatusEvent"] * 4)
                self.assertEqual(totals(daemon), {
                    "accepted": 4, "delivered": 0, "failed": 0, "given up": 0, "shed": 0,
                    "coalesced": 0, "waiting": 4, "unknown": 2, "dropped": 0})
                backend.answer = lambda r: 200
                daemon.start()
                wait_until(lambda: daemon.metric("tallybus_events_delivered_total") == 4, "all")
                again = {r.json["bitrate"]: r.headers.get("tallybus-redelivery") == "1"
                         for r in backend.requests[2:]}
                self.assertEqual(again, {0: True, 1: True, 2: False, 3: False})
                self.assertEqual(daemon.metric("tallybus_events_given_up_total"), 0)
                self.assertEqual(daemon.metric("tallybus_events_failed_total"), 0)

    @unittest.skipIf(PROGRAM != "tallybusd", "an engine's signals are the engine's own")
    def test_what_never_left_is_not_unknown_after_a_second_sigterm(self):
        # A connection to a full backlog is not made: the system leaves it without an answer.
        with socket.create_server(("127.0.0.1", 0), backlog=0) as full, \
                socket.create_connection(full.getsockname()), Backend() as backend:
            daemon = self.start(f"http://127.0.0.1:{full.getsockname()[1]}/hook",
                                delivery="guaranteed")
            self.send(daemon)
            wait_until(lambda: daemon.metric("tallybus_attempts_total") == 2, "both are tried")
            stop_at_once(daemon)
            self.assertEqual((totals(daemon)["waiting"], totals(daemon)["unknown"]), (4, 0))
            daemon.config["apps"][APP]["url"] = backend.url
            daemon.start()
            marks = [r.headers.get("tallybus-redelivery") for r in backend.await_requests(4)]
            self.assertEqual(marks, [None] * 4)


def publish_large(engine, number):
    status = engine.status("PUBLISHING", session_id="s1", media_session_id="m1", name="cam",
                           published=True, bitrate=number, sdp="x" * 4000)
    assert status == OK, status


if __name__ == "__main__":
    unittest.main()
