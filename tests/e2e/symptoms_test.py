"""What users of other systems suffer, each test named for the symptom that must not be seen here.
The system and issue where it was seen stand beside it."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from engine_library import FULL, OK, TERMINAL, EnginePublisher  # noqa: E402
from tallybus_parts import (BIN, Backend, Client, OpenBus, Tallybusd, fail_config,  # noqa: E402
                            refused_url, reserved_port, stream_status, wait_until)


def app(url, **fields):
    return {"defaultApp": {"url": url, **fields}}


def guaranteed(url, **fields):
    return app(url, delivery="guaranteed", retry=["50ms"] * 60, **fields)


def waiting(daemon):
    """How many events are in the spool and not delivered."""
    ran = subprocess.run([BIN / "tallybus", "spool", "ls", "--json", "--limit=0", "--admin",
                          f"unix:{daemon.admin}"], capture_output=True, text=True, timeout=60,
                         check=True)
    return len(ran.stdout.splitlines())


def anonymous_mb(daemon):
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(next(l for l in status.splitlines() if l.startswith("RssAnon")).split()[1]) / 1024


class DeafBackend:
    """Accepts every connection and never reads a byte."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", reserved_port()), backlog=64)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/rest/my_api"
        self.connections = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for connection in [self._listener, *self.connections]:
            connection.close()

    def _accept(self):
        while True:
            try:
                self.connections.append(self._listener.accept()[0])
            except OSError:
                return  # it was closed


class SymptomsTest(unittest.TestCase):
    # OvenMediaEngine#1909, ZLMediaKit#3488, livekit#2399
    def test_close_does_not_arrive_after_reopen_when_the_close_had_to_be_retried(self):
        failing = threading.Event()
        failing.set()

        def answer(request):
            closing = request.json["mediaSessionId"] == "old" and \
                request.json["status"] == "UNPUBLISHED"
            return "reset" if closing and failing.is_set() else 200

        with Backend(answer) as backend, Tallybusd(apps=app(backend.url)) as daemon, \
                EnginePublisher(daemon.engine) as engine:
            for media, status in (("old", "PUBLISHING"), ("old", "UNPUBLISHED"),
                                  ("new", "PUBLISHING"), ("new", "UNPUBLISHED")):
                engine.status(status, session_id="s1", media_session_id=media, name="cam",
                              published=True)
            backend.await_requests(3)  # the open, and the close twice at least
            failing.clear()
            wait_until(lambda: [r for r in backend.requests if r.json["mediaSessionId"] == "new"
                                and r.json["status"] == "UNPUBLISHED"], "the last close")
            seen = [(r.json["mediaSessionId"], r.json["status"]) for r in backend.requests]
            self.assertEqual(list(dict.fromkeys(seen)), [
                ("old", "PUBLISHING"), ("old", "UNPUBLISHED"),
                ("new", "PUBLISHING"), ("new", "UNPUBLISHED")])
            sequences = [int(r.headers["tallybus-sequence"]) for r in backend.requests]
            self.assertEqual(sequences, sorted(sequences))
            again = [r for r in backend.requests if int(r.headers["tallybus-attempt"]) > 1]
            self.assertTrue(all(r.headers.get("tallybus-redelivery") == "1" for r in again))

    # srs#3575 (30 s, publisher dropped), OvenMediaEngine#569 (62 s), OpenSIPS#81, #1836
    def test_a_hanging_backend_stalls_neither_the_engine_nor_another_apps_stream(self):
        with Backend(lambda r: "hang") as dead, Backend() as alive, \
                Tallybusd(apps={"dead": {"url": dead.url}, "alive": {"url": alive.url}}) as daemon, \
                EnginePublisher(daemon.engine) as engine:
            longest = 0.0
            for number in range(500):
                for key in ("dead", "alive"):
                    began = time.monotonic()
                    status = engine.status("PUBLISHING", app_key=key, session_id="s",
                                           media_session_id=f"{key}{number}",
                                           name=f"cam{number}", published=True)
                    longest = max(longest, time.monotonic() - began)
                    self.assertEqual(status, OK)
            requests = alive.await_requests(500)
            self.assertEqual({r.json["appKey"] for r in requests}, {"alive"})
            self.assertLess(longest, 9)  # a stall is the backend's 10 s; this is no timing test

    # Janus sampleevh, Ant Media
    def test_back_off_of_one_stream_does_not_make_the_others_wait(self):
        answer = lambda r: "reset" if r.json["name"] == "bad" else 200  # noqa: E731
        with Backend(answer) as backend, Tallybusd(apps=app(backend.url)) as daemon, \
                OpenBus(daemon) as bus:
            bus.send(stream_status(name="bad", media="bad"))
            wait_until(lambda: backend.requests, "the bad one is tried")
            for number in range(50):
                bus.send(stream_status(name=f"good{number}", media=f"m{number}"))
            wait_until(lambda: sum(r.json["name"] != "bad" for r in backend.requests) == 50,
                       "the good ones flow")

    # ZLMediaKit#676, #4395, srs#3575
    def test_a_backend_that_is_down_does_not_make_publishing_impossible(self):
        for config in ({}, {"rest_client_config": fail_config()}):
            with self.subTest(config=config), \
                    Tallybusd(apps=app(refused_url(), **config)) as daemon, \
                    Client(daemon) as client, EnginePublisher(daemon.engine) as engine:
                for status in ("PUBLISHING", "UNPUBLISHED"):
                    self.assertEqual(engine.status(status, session_id="s1", media_session_id="m1",
                                                   name="cam", published=True), OK)
                wait_until(lambda: [m.json["status"] for m in client.poll(0.1)
                                    if m.name == "StreamStatusEvent"] ==
                           ["PUBLISHING", "UNPUBLISHED"], "the client's copies")
                wait_until(lambda: engine.stats().acknowledged == 2, "acknowledged")

    # ZLMediaKit hook_index, srs#3046
    def test_a_retry_does_not_change_the_events_id(self):
        answers = iter(["reset", "reset"])
        with Backend(lambda r: next(answers, 200)) as backend, \
                Tallybusd(apps=app(backend.url)) as daemon, Client(daemon) as client, \
                OpenBus(daemon) as bus:
            bus.send(stream_status())
            requests = backend.await_requests(3)
            message, = client.await_messages(1)
            self.assertEqual({r.headers["webhook-id"] for r in requests}, {message.meta["id"]})
            self.assertEqual({r.body for r in requests}, {message.body})
            self.assertEqual([r.headers["tallybus-attempt"] for r in requests], ["1", "2", "3"])
            self.assertEqual(len({r.headers["tallybus-time"] for r in requests}), 1)

    # OpenSIPS#536, janus PR#3671
    def test_failures_are_not_invisible(self):
        with Tallybusd(apps=app(refused_url(), retry="none",
                                rest_client_config=fail_config())) as daemon, \
                Client(daemon) as client, OpenBus(daemon) as bus:
            bus.send(stream_status())
            _, error = client.await_messages(2)
            self.assertEqual((error.name, error.json["info"]), ("ErrorEvent", "connection refused"))
            route = {"route": "defaultApp/backend"}
            daemon.await_metric(1, "tallybus_attempts_failed_total", **route)
            daemon.await_metric(1, "tallybus_events_given_up_total", **route)
            daemon.await_log(r"defaultApp/backend: StreamStatusEvent "
                             + error.json["eventId"] + r" attempt 1 failed: .*connection refused")
            daemon.await_log(error.json["eventId"] + " given up after 1 attempt:")

    # Janus sampleevh gzip
    def test_a_body_over_8_kb_is_not_dropped_by_a_fixed_buffer(self):
        with Backend() as backend, Tallybusd(apps=app(backend.url)) as daemon, \
                OpenBus(daemon) as bus, EnginePublisher(daemon.engine) as engine:
            for size in (9 << 10, 70 << 10, (1 << 20) - 4096):
                bus.send(stream_status(name=f"open{size}", sdp="o" * size))
                self.assertEqual(engine.status("PUBLISHING", name=f"engine{size}", published=True,
                                               sdp="e" * size), OK)
            requests = backend.await_requests(6)
            got = sorted((r.json["name"], len(r.json["sdp"])) for r in requests)
            self.assertEqual(got, sorted((f"{who}{size}", size) for who in ("open", "engine")
                                         for size in (9 << 10, 70 << 10, (1 << 20) - 4096)))

    # janus#2312, #2352
    def test_event_code_does_not_crash_the_engine(self):
        with Backend() as backend, Tallybusd(apps=app(backend.url)) as daemon, \
                EnginePublisher(daemon.engine) as engine:
            hostile = ("", "{", "[1]", "null", '{"a":' * 10000, '{"sdp":"\\ud800"}', "x" * 100000)
            for body in hostile:
                engine.json("StreamStatusEvent", body)
            engine.json("../../etc/passwd", "{}")
            engine.json("A\r\nB", "{}")
            engine.status("PUBLISHING", name="\x00\xff", sdp=b"\xff\xfe\x00")
            engine.status("PUBLISHING", name="good", published=True, extra='"a":1},{"b":2')
            self.assertEqual(engine.status("PUBLISHING", name="good", published=True), OK)
            request, = backend.await_requests(1)
            self.assertEqual(request.json["name"], "good")
            wait_until(lambda: engine.stats().rejected >= 5, "the others are rejected")

    # srs#3046, #3330
    def test_a_thousand_flaps_do_not_leave_unpaired_or_missing_events(self):
        with Backend() as backend, Tallybusd(apps=app(backend.url)) as daemon, \
                EnginePublisher(daemon.engine) as engine:
            for number in range(1000):
                for status in ("PUBLISHING", "UNPUBLISHED"):
                    self.assertEqual(engine.status(
                        status, session_id="s1", media_session_id=f"m{number}", name="cam",
                        published=True), OK)
            requests = backend.await_requests(2000, 240)
            self.assertEqual([(r.json["mediaSessionId"], r.json["status"]) for r in requests],
                             [(f"m{n}", s) for n in range(1000)
                              for s in ("PUBLISHING", "UNPUBLISHED")])
            self.assertEqual([int(r.headers["tallybus-sequence"]) for r in requests],
                             list(range(1, 2001)))

    # FreeSWITCH mod_event_zmq, libzmq#1908
    def test_what_zeromq_drops_is_not_dropped_in_silence(self):
        with Backend(lambda r: "hang") as backend, \
                Tallybusd(apps=app(backend.url),
                          extra={"spool": {"max_size": "2MiB"}}) as daemon, \
                OpenBus(daemon) as bus:
            for number in range(1000):
                bus.send(stream_status(name=f"n{number}", sdp="x" * 8000))
            wait_until(lambda: daemon.metric("tallybus_open_bus_dropped_total") > 0, "drops counted")
            wait_until(lambda: daemon.metric("tallybus_open_bus_dropped_total") +
                       daemon.metric("tallybus_events_accepted_total") == 1000,
                       "every event is accepted or counted")
            daemon.await_log("open bus: dropped")

    def test_a_client_sees_by_the_sequence_that_it_missed_messages(self):
        with Tallybusd(apps={}) as daemon, OpenBus(daemon) as bus:
            with Client(daemon, "s1") as client:
                bus.send(stream_status("PUBLISHING"))
                self.assertEqual(client.await_messages(1)[0].meta["sequence"], 1)
            bus.send(stream_status("PAUSED"))
            wait_until(lambda: daemon.metric("tallybus_events_accepted_total") == 2, "accepted")
            wait_until(lambda: daemon.metric("tallybus_client_subscriptions") == 0, "it has left")
            with Client(daemon, "s1") as client:
                bus.send(stream_status("PUBLISHING"))
                self.assertEqual(client.await_messages(1)[0].meta["sequence"], 3)

    def test_terminal_events_have_room_where_the_ring_is_full(self):
        with tempfile.TemporaryDirectory() as folder, \
                EnginePublisher(f"ipc://{folder}/nobody.sock", ring_bytes=64 << 10) as engine:
            while engine.status("PUBLISHING", name="cam", published=True) == OK:
                pass
            self.assertEqual(engine.status("PUBLISHING", name="cam", published=True), FULL)
            self.assertEqual(engine.status("UNPUBLISHED", name="cam", published=True), OK)
            self.assertEqual(engine.json("CallStatusEvent", '{"status":"FINISH"}',
                                         flags=TERMINAL), OK)
            self.assertEqual(engine.stats().dropped_full, 2)
            engine.close(drain_ms=0)

    def test_what_an_engine_drops_is_not_dropped_in_silence(self):
        with Backend() as pager, Tallybusd(apps={"defaultApp": {}}) as daemon:
            daemon.stop()
            daemon.config["routes"] = [{"name": "pager", "endpoints": [pager.url],
                                        "match": {"methods": ["TallybusAlertEvent"]}}]
            daemon.start()
            with EnginePublisher(daemon.engine, node_id="edge-7", ring_bytes=64 << 10) as engine:
                engine.status("PUBLISHING", name="cam", published=True)
                wait_until(lambda: engine.stats().acknowledged == 1, "it is connected")
                daemon.pause()
                while engine.status("PUBLISHING", name="cam", published=True) == OK:
                    pass
                daemon.go_on()
                alert = pager.await_requests(1)[0].json
                self.assertEqual((alert["alert"], alert["status"], alert["subject"]),
                                 ("EngineDropping", "FIRING", "edge-7"))
                daemon.await_metric(1, "tallybus_alerts_active", alert="EngineDropping")
                daemon.await_metric(engine.stats().dropped_full,
                                    "tallybus_engine_events_dropped_total")


class OutageTest(unittest.TestCase):
    # livekit#2399, Ant-Media#7180, srs#2068; OpenSIPS#1155
    def test_a_stop_is_not_lost_among_the_snapshots_that_a_backlog_is_thinned_of(self):
        with Tallybusd(apps=guaranteed(refused_url(), coalesce=True)) as daemon, \
                Backend() as backend, OpenBus(daemon) as bus:
            thinned = lambda: int(daemon.metric("tallybus_events_coalesced_total"))  # noqa: E731
            for number in range(10):
                status = "PUBLISHING" if number < 9 else "STOPPED"
                for stream in range(50):
                    bus.send(stream_status(status, name=f"cam-{stream}", media=f"m{stream}",
                                           bitrate=number))
                wait_until(lambda: waiting(daemon) + thinned() == 50 * (number + 1),
                           "the next snapshots are in the spool")
            daemon.stop()
            # Of each stream about three: the one that was tried first, the newest, the end.
            kept = int(re.search(r"stopped: .* waiting (\d+)", daemon.log())[1])
            self.assertLess(kept, 200)
            daemon.config["apps"]["defaultApp"]["url"] = backend.url
            daemon.start()
            requests = backend.await_requests(kept)
            for stream in range(50):
                seen = [r.json for r in requests if r.json["name"] == f"cam-{stream}"]
                # The newest snapshot, and the end.
                self.assertEqual([(e["status"], e["bitrate"]) for e in seen][-2:],
                                 [("PUBLISHING", 8), ("STOPPED", 9)])
                self.assertEqual(sum(e["status"] == "STOPPED" for e in seen), 1)

    def test_of_a_burst_of_snapshots_a_dead_backend_gets_the_first_and_the_newest(self):
        count = 1000
        with Tallybusd(apps=guaranteed(refused_url(), coalesce=True)) as daemon, \
                Backend() as backend, EnginePublisher(daemon.engine) as engine:
            for number in range(count):
                self.assertEqual(engine.status("PUBLISHING", name="cam", published=True,
                                               bitrate=number), OK)
            engine.status("UNPUBLISHED", name="cam", published=True)
            wait_until(lambda: engine.stats().acknowledged == count + 1, "all are acknowledged")
            wait_until(lambda: daemon.metric("tallybus_events_coalesced_total") == count - 2,
                       "the newest took the place of the others")
            wait_until(lambda: waiting(daemon) == 3, "they are out of the spool")
            trace = subprocess.run([BIN / "tallybus", "trace", "cam", "--admin",
                                    f"unix:{daemon.admin}"], capture_output=True, text=True,
                                   timeout=60, check=True).stdout
            self.assertIn("Coalesced: a newer event of the same status went in its place.", trace)
            daemon.kill()
            daemon.config["apps"]["defaultApp"]["url"] = backend.url
            daemon.start()
            requests = backend.await_requests(3)
            wait_until(lambda: waiting(daemon) == 0, "all arrived")
            self.assertEqual([(r.json["status"], r.json.get("bitrate"),
                               r.headers.get("tallybus-coalesced")) for r in requests],
                             [("PUBLISHING", 0, None), ("PUBLISHING", count - 1, str(count - 2)),
                              ("UNPUBLISHED", 0, None)])
            self.assertEqual(len(backend.requests), 3)

    def test_a_slow_backend_is_not_told_of_snapshots_that_are_out_of_date(self):
        count = 1000
        asked = threading.Event()

        def answer(_):
            asked.wait(60)
            return 200

        with Backend(answer) as backend, \
                Tallybusd(apps=guaranteed(backend.url, coalesce=True, timeout="1m")) as daemon, \
                OpenBus(daemon) as bus:
            for number in range(count):
                bus.send(stream_status(bitrate=number))
            daemon.await_metric(count - 2, "tallybus_events_coalesced_total")
            asked.set()
            daemon.await_metric(2, "tallybus_events_delivered_total")
            self.assertEqual([r.json["bitrate"] for r in backend.requests], [0, count - 1])

    # janus PR#3670
    def test_a_backend_that_accepts_and_never_reads_loses_nothing(self):
        count = 300  # 150 MB, more than sockets' buffers and memory may take
        with DeafBackend() as deaf:
            daemon = self.enterContext(Tallybusd(apps=guaranteed(deaf.url, timeout="1s",
                                                                 quota="100%")))
            engine = self.enterContext(EnginePublisher(daemon.engine, ring_bytes=64 << 20))
            for number in range(count):
                wait_until(lambda: engine.status("PUBLISHING", name=f"cam-{number}", published=True,
                                                 sdp="x" * 500_000) == OK, "room in the ring")
            wait_until(lambda: engine.stats().acknowledged == count, "all are acknowledged")
            wait_until(lambda: daemon.metric("tallybus_attempts_failed_total") >= 3,
                       "it gives no answer")
            self.assertEqual(waiting(daemon), count)
            if not os.environ.get("TALLYBUS_SANITIZED"):  # whose memory is its own affair
                self.assertLess(anonymous_mb(daemon), 130)  # of 150; 66 to 103 are seen
        with Backend(port=deaf.port) as backend:
            subprocess.run([BIN / "tallybus", "endpoint", "resume", "defaultApp/backend", "--admin",
                            f"unix:{daemon.admin}"], check=True, timeout=60, capture_output=True)
            wait_until(lambda: daemon.metric("tallybus_events_delivered_total") == count,
                       "all arrive", 240)
            self.assertEqual({r.json["name"] for r in backend.requests},
                             {f"cam-{number}" for number in range(count)})
            self.assertEqual({len(r.json["sdp"]) for r in backend.requests}, {500_000})

    # svix-webhooks#1844
    def test_the_queue_does_not_die_when_its_store_is_killed(self):
        daemon = self.enterContext(Tallybusd(apps=guaranteed(refused_url())))
        with OpenBus(daemon) as bus:
            for number in range(200):
                bus.send(stream_status(name=f"cam-{number % 10}", bitrate=number))
            wait_until(lambda: waiting(daemon) == 200, "all wait")
        for _ in range(3):  # and once more while it comes up
            daemon.kill()
            daemon.start()
        self.assertEqual(waiting(daemon), 200)
        daemon.kill()
        with Backend() as backend:
            daemon.config["apps"]["defaultApp"]["url"] = backend.url
            daemon.start()
            requests = backend.await_requests(200)
            for stream in range(10):
                self.assertEqual([r.json["bitrate"] for r in requests
                                  if r.json["name"] == f"cam-{stream}"],
                                 list(range(stream, 200, 10)))
            wait_until(lambda: waiting(daemon) == 0, "the queue is empty")


if __name__ == "__main__":
    unittest.main()
