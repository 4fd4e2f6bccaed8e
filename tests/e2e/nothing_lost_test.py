"""What other systems lose, named for the symptom: through refusals, outages, restarts and signals
every accepted event reaches its endpoint, in order, or is a dead letter that can be sent again."""

import json
import os
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from tallybus_parts import (BIN, Backend, OpenBus, Tallybusd, refused_url,  # noqa: E402
                            stream_status, wait_until)

APP = "defaultApp"
GUARANTEED = {"delivery": "guaranteed", "retry": ["50ms"] * 60}


def app(url, **more):
    return {APP: {"url": url, **GUARANTEED, **more}}


def with_routes(apps, *routes):
    daemon = Tallybusd(apps=apps)
    daemon.config["routes"] = list(routes)
    return daemon


def tallybus(daemon, *words, expect=0):
    ran = subprocess.run([BIN / "tallybus", *words, "--admin", f"unix:{daemon.admin}"],
                         capture_output=True, text=True, timeout=60)
    assert ran.returncode == expect, f"{words}: {ran.returncode}\n{ran.stdout}{ran.stderr}"
    return ran.stdout


def rows(daemon, *words):
    return [json.loads(line) for line in tallybus(daemon, "spool", "ls", "--json", "--limit=0",
                                                  *words).splitlines()]


def send(bus, count, first=0, streams=10, **fields):
    for number in range(first, first + count):
        stream = number % streams
        bus.send(stream_status(session=f"s{stream}", media=f"m{stream}", name=f"cam-{stream}",
                               bitrate=number, **fields))


def numbers(requests):
    return [r.json["bitrate"] for r in requests]


def anonymous_mb(daemon):
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(next(l for l in status.splitlines() if l.startswith("RssAnon")).split()[1]) / 1024


class NothingLostTest(unittest.TestCase):
    def in_order(self, requests):
        seen = {}
        for request in requests:
            lane = request.headers["tallybus-lane"]
            sequence = int(request.headers["tallybus-sequence"])
            self.assertGreaterEqual(sequence, seen.get(lane, 0), lane)
            seen[lane] = sequence

    # Janus sampleevh
    def test_http_500_does_not_count_as_sent(self):
        tries = {}

        def answer(request):
            tries[request.headers["webhook-id"]] = tries.get(request.headers["webhook-id"], 0) + 1
            return 200 if tries[request.headers["webhook-id"]] > 2 else 500
        with Backend(answer) as backend, Tallybusd(apps=app(backend.url)) as daemon, \
                OpenBus(daemon) as bus:
            send(bus, 3, streams=3)
            wait_until(lambda: daemon.metric("tallybus_events_delivered_total") == 3, "three taken")
            self.assertEqual(sorted(tries.values()), [3, 3, 3])
            self.in_order(backend.requests)

    def test_a_401_or_403_drops_no_data_and_calls_for_help(self):
        for code in (401, 403):
            with self.subTest(code=code):
                self.check_held(code)

    def check_held(self, code):
        mood = {"code": code}
        with Backend(lambda r: mood["code"]) as backend, Backend() as pager:
            pages = {"name": "pager", "endpoints": [pager.url],
                     "match": {"methods": ["TallybusAlertEvent"]}}
            with with_routes(app(backend.url), pages) as daemon, OpenBus(daemon) as bus:
                send(bus, 5)
                wait_until(lambda: pager.requests, "the alert")
                alert = pager.requests[0].json
                self.assertEqual((alert["alert"], alert["status"], alert["subject"]),
                                 ("EndpointHeld", "FIRING", f"{APP}/backend"))
                # Held: one or two went out before the first answer, then nothing.
                wait_until(lambda: [r["route"] for r in rows(daemon)] == [f"{APP}/backend"] * 5,
                           lambda: f"they wait alone: {rows(daemon)}")
                self.assertEqual(daemon.metric("tallybus_events_given_up_total"), 0)
                mood["code"] = 200
                tallybus(daemon, "endpoint", "resume", f"{APP}/backend")
                wait_until(lambda: daemon.metric("tallybus_events_delivered_total",
                                                 route=f"{APP}/backend") == 5, "all taken")
                wait_until(lambda: any(r.json["status"] == "RESOLVED" for r in pager.requests),
                           "the alert is resolved")

    def test_a_404_of_one_method_does_not_hold_the_others(self):
        with Backend(lambda r: 404 if r.method == "DataStatusEvent" else 200) as backend, \
                Tallybusd(apps=app(backend.url)) as daemon, OpenBus(daemon) as bus:
            bus.send({"sessionId": "a", "status": "X"}, method="DataStatusEvent")
            backend.await_requests(1)
            send(bus, 20)
            wait_until(lambda: daemon.metric("tallybus_events_delivered_total") == 20, "the others")
            wait_until(lambda: [r["method"] for r in rows(daemon)] == ["DataStatusEvent"],
                       lambda: f"the others are settled: {rows(daemon)}")
            wait_until(lambda: "DataStatusEvent (404)" in tallybus(daemon, "endpoint", "ls"),
                       "its method is held")

    # the LiveKit notifier
    def test_the_first_endpoints_error_does_not_stop_the_fan_out(self):
        with Backend() as good:
            copy = {"name": "copy", "endpoints": [good.url], "exclude": ["sdp"]}
            with with_routes(app(refused_url()), copy) as daemon, OpenBus(daemon) as bus:
                send(bus, 30, sdp="v=0")
                requests = good.await_requests(30)
                self.assertEqual(sorted(numbers(requests)), list(range(30)))
                self.assertNotIn("sdp", requests[0].json)
                self.assertEqual(len(rows(daemon, "--route", f"{APP}/backend")), 30)

    # opentelemetry-collector#15677
    def test_sigterm_with_a_dead_backend_does_not_delete_the_queue(self):
        with Backend() as backend:
            daemon = Tallybusd(apps=app(refused_url()))
            self.addCleanup(daemon.close)
            daemon.start()
            with OpenBus(daemon) as bus:
                send(bus, 200)
                wait_until(lambda: daemon.metric("tallybus_events_accepted_total") == 200, "200")
            daemon.stop()
            self.assertRegex(daemon.log(), "stopped: accepted 200, .*waiting 200, .*dropped 0")
            daemon.config["apps"][APP]["url"] = backend.url
            daemon.start()
            requests = backend.await_requests(200)
            self.assertEqual(sorted(numbers(requests)), list(range(200)))
            self.in_order(requests)
            # Refused connections carried nothing: no redelivery after an orderly end.
            self.assertNotIn("tallybus-redelivery", requests[100].headers)

    # janus PR#3670
    def test_a_backend_that_never_reads_grows_no_memory(self):
        with Backend(lambda r: "hang") as backend, \
                Tallybusd(apps=app(backend.url, timeout="1s", quota="100%")) as daemon, \
                OpenBus(daemon) as bus:
            send(bus, 2000, sdp="x" * 2000)
            wait_until(lambda: daemon.metric("tallybus_events_accepted_total") == 2000, "accepted")
            before = anonymous_mb(daemon)
            send(bus, 10_000, first=2000, sdp="x" * 2000)
            wait_until(lambda: daemon.metric("tallybus_events_accepted_total") == 12_000,
                       "accepted", 120)
            if not os.environ.get("TALLYBUS_SANITIZED"):  # whose memory is its own affair
                self.assertLess(anonymous_mb(daemon) - before, 40)  # 24 MB of events went by
            self.assertEqual(daemon.metric("tallybus_open_bus_dropped_total"), 0)
            backend.answer = lambda r: 200
            backend.released.set()
            wait_until(lambda: daemon.metric("tallybus_events_delivered_total") == 12_000,
                       "all arrive", 240)
            self.in_order([r for r in backend.requests])

    # an Outpost regression test
    def test_an_oversized_answer_does_not_wedge_the_retry_loop(self):
        with Backend(lambda r: (500 if r.headers["tallybus-attempt"] == "1" else 200,
                                b"x" * (1 << 20))) as backend, \
                Tallybusd(apps=app(backend.url)) as daemon, OpenBus(daemon) as bus:
            # Four streams: a fifth failure in a row would trip the breaker, whose probes are
            # first attempts too and would stretch its pause from 5 s to a minute.
            send(bus, 4, streams=4)
            backend.await_requests(8)
            wait_until(lambda: daemon.metric("tallybus_in_flight_events") == 0 and
                       daemon.metric("tallybus_waiting_events") == 0, "all are settled")
            self.assertEqual(len(backend.requests), 8)

    # livekit#2399, Ant-Media#7180, srs#2068, OvenMediaEngine#1570, nginx-rtmp#617
    def test_the_terminal_event_is_never_shed(self):
        with Tallybusd(apps=app(refused_url(), quota="256KiB")) as daemon, Backend() as backend, \
                OpenBus(daemon) as bus:
            for number in range(1000):
                bus.send(stream_status(media=f"m{number}", name=f"cam-{number}", bitrate=number,
                                       sdp="x" * 500))
                bus.send(stream_status("STOPPED", media=f"m{number}", name=f"cam-{number}",
                                       bitrate=number))
            wait_until(lambda: daemon.metric("tallybus_events_accepted_total") == 2000, "accepted")
            wait_until(lambda: daemon.metric("tallybus_events_shed_total") > 100, "some are shed")
            daemon.config["apps"][APP]["url"] = backend.url
            daemon.stop()
            daemon.start()
            wait_until(lambda: sum(r.json["status"] == "STOPPED" for r in backend.requests) == 1000,
                       "every end", 180)

    # OpenSIPS#1155
    def test_a_stale_backlog_does_not_flood_the_backend_after_an_outage(self):
        most = {"now": 0, "most": 0, "first": []}
        lock = threading.Lock()

        def answer(request):
            with lock:
                most["now"] += 1
                most["first"].append(most["now"])
            time.sleep(0.01)
            with lock:
                most["now"] -= 1
            return 200
        port = int(refused_url().split(":")[2].split("/")[0])
        with Tallybusd(apps=app(f"http://127.0.0.1:{port}/rest/my_api")) as daemon, \
                OpenBus(daemon) as bus:
            send(bus, 500, streams=200)
            daemon.await_log("BreakerOpen")
            # What was on its way when it opened would arrive beside the probe.
            wait_until(lambda: daemon.metric("tallybus_in_flight_events") == 0, "nothing is sent")
            with Backend(answer, port=port):
                wait_until(lambda: daemon.metric("tallybus_events_delivered_total") == 500,
                           "the backlog", 180)
            self.assertEqual(most["first"][:2], [1, 1])  # a probe, then one at a time
            self.assertLess(max(most["first"][:20]), 8)

    def test_a_second_daemon_on_the_same_spool_is_refused(self):
        with Tallybusd(apps=app(refused_url())) as daemon:
            second = Tallybusd(apps=app(refused_url()), expect_start=False,
                               extra={"spool": {"path": f"{daemon.work_dir}/spool"}})
            self.addCleanup(second.close)
            second.start()
            self.assertEqual(second.process.wait(60), 1)
            self.assertIn("is in use by another process", second.log())
            second.process = None

    def test_a_damaged_spool_is_refused_with_the_words_that_mend_it(self):
        daemon = Tallybusd(apps=app(refused_url()))
        self.addCleanup(daemon.close)
        daemon.start()
        with OpenBus(daemon) as bus:
            send(bus, 50)
            wait_until(lambda: daemon.metric("tallybus_events_accepted_total") == 50, "accepted")
        daemon.stop()
        file = daemon.work_dir / "spool" / "spool.db"
        content = bytearray(file.read_bytes())
        content[:100] = b"no database at all".ljust(100)
        file.write_bytes(content)
        daemon._expect_start = False
        daemon.start()
        self.assertEqual(daemon.process.wait(60), 1)
        daemon.process = None
        self.assertIn("is damaged", daemon.log())
        self.assertIn("To set it aside and start empty: mv ", daemon.log())
        self.assertEqual(bytes(file.read_bytes()), bytes(content))  # never touched


class OperatorTest(unittest.TestCase):
    def test_dead_letters_are_listed_shown_retried_and_dropped(self):
        mood = {"code": 400}
        with Backend(lambda r: mood["code"]) as backend, \
                Tallybusd(apps=app(backend.url)) as daemon, OpenBus(daemon) as bus:
            send(bus, 3, custom={"token": "secret"})
            wait_until(lambda: len(rows(daemon, "--state", "dead")) == 3, "three dead letters")
            dead = rows(daemon, "--state", "dead")
            self.assertEqual({(r["httpStatus"], r["reason"]) for r in dead}, {(400, "Bad Request")})
            shown = json.loads(tallybus(daemon, "spool", "show", dead[0]["id"]))
            self.assertEqual(shown["event"]["custom"], {"token": "***"})
            shown = json.loads(tallybus(daemon, "spool", "show", dead[0]["id"], "--reveal"))
            self.assertEqual(shown["event"]["custom"], {"token": "secret"})
            tallybus(daemon, "spool", "retry", expect=2)  # of which?
            mood["code"] = 200
            self.assertIn("1 event would be sent again",
                          tallybus(daemon, "spool", "retry", "--id", dead[0]["id"], "--dry-run"))
            self.assertEqual(len(backend.requests), 3)
            tallybus(daemon, "spool", "retry", "--id", dead[0]["id"])
            again = backend.await_requests(4)[3]
            self.assertEqual(again.headers["webhook-id"], dead[0]["id"])
            self.assertEqual(again.headers["tallybus-redelivery"], "1")
            self.assertIn("2 dead letters dropped", tallybus(daemon, "spool", "drop", "--all"))
            wait_until(lambda: not rows(daemon), "nothing is left")

    def test_what_was_delivered_is_replayed_while_it_is_retained(self):
        with Backend() as backend, Tallybusd(apps=app(backend.url),
                                             extra={"spool": {"retain": "1h"}}) as daemon, \
                OpenBus(daemon) as bus:
            send(bus, 10)
            wait_until(lambda: len(rows(daemon, "--state", "delivered")) == 10, "ten are kept")
            self.assertIn("1 event is sent again",
                          tallybus(daemon, "replay", "--stream", "cam-3"))
            again = backend.await_requests(11)[10]
            self.assertEqual(again.json["name"], "cam-3")
            self.assertEqual(again.headers["tallybus-redelivery"], "1")
            wait_until(lambda: len(rows(daemon, "--state", "delivered")) == 10, "ten are kept")
            self.assertIn("10 events would be sent again",
                          tallybus(daemon, "replay", "--all", "--dry-run"))
            self.assertIn("0 events would be sent again",
                          tallybus(daemon, "replay", "--until", "1h", "--dry-run"))

    def test_a_stopped_daemons_file_is_read_and_changed_in_its_folder(self):
        with Backend() as backend:
            refusing = Backend(lambda r: 400)
            with refusing:
                daemon = Tallybusd(apps=app(refusing.url))
                self.addCleanup(daemon.close)
                daemon.start()
                with OpenBus(daemon) as bus:
                    send(bus, 4)
                    wait_until(lambda: len(rows(daemon, "--state", "dead")) == 4, "four are dead")
                busy = subprocess.run([BIN / "tallybus", "spool", "ls", "--spool",
                                       daemon.work_dir / "spool"], capture_output=True, text=True)
                self.assertEqual(busy.returncode, 1)
                self.assertIn("is in use by another process", busy.stderr)
                daemon.stop()

            def offline(*words):
                return subprocess.run([BIN / "tallybus", *words, "--spool",
                                       daemon.work_dir / "spool"], capture_output=True, text=True,
                                      check=True).stdout
            self.assertEqual(len(offline("spool", "ls", "--json").splitlines()), 4)
            self.assertIn("4 events are sent again", offline("spool", "retry", "--all"))
            daemon.config["apps"][APP]["url"] = backend.url
            daemon.start()
            self.assertEqual(sorted(numbers(backend.await_requests(4))), [0, 1, 2, 3])

    def test_a_pause_outlives_the_daemon_and_resume_ends_it(self):
        with Backend() as backend, Tallybusd(apps=app(backend.url)) as daemon:
            tallybus(daemon, "endpoint", "pause", f"{APP}/backend", "--reason", "night work")
            daemon.stop()
            daemon.start()
            listed = json.loads(tallybus(daemon, "endpoint", "ls", "--json"))["endpoints"][0]
            self.assertEqual((listed["state"], listed["reason"]), ("paused", "night work"))
            with OpenBus(daemon) as bus:
                send(bus, 5)
                wait_until(lambda: len(rows(daemon)) == 5, "they wait")
                self.assertEqual(backend.requests, [])
                tallybus(daemon, "endpoint", "resume", f"{APP}/backend")
                backend.await_requests(5)

    def test_a_410_disables_the_endpoint_until_it_is_enabled(self):
        mood = {"code": 410}
        with Backend(lambda r: mood["code"]) as backend, \
                Tallybusd(apps=app(backend.url)) as daemon, OpenBus(daemon) as bus:
            send(bus, 6)
            wait_until(lambda: len(rows(daemon, "--state", "dead")) == 6, "all are dead letters")
            self.assertIn("disabled", tallybus(daemon, "endpoint", "ls"))
            tallybus(daemon, "endpoint", "resume", f"{APP}/backend", expect=1)
            mood["code"] = 200
            tallybus(daemon, "endpoint", "enable", f"{APP}/backend")
            tallybus(daemon, "spool", "retry", "--all")
            wait_until(lambda: daemon.metric("tallybus_events_delivered_total") == 6, "delivered")

    def test_an_endpoints_test_says_what_it_answered(self):
        with Backend() as backend, Tallybusd(apps=app(backend.url)) as daemon:
            first = tallybus(daemon, "endpoint", "test", f"{APP}/backend")
            self.assertRegex(first, r"^delivered: 200 OK after .* ms, on a new connection")
            second = tallybus(daemon, "endpoint", "test", f"{APP}/backend")
            self.assertIn("on a connection that was open", second)
            self.assertEqual(backend.requests[0].method, "TallybusTestEvent")
            tallybus(daemon, "endpoint", "test", "no/such", expect=1)

    def test_trace_says_where_an_event_is_and_why_one_was_not_sent(self):
        with Backend(lambda r: 500 if r.headers["tallybus-attempt"] == "1" else 200) as backend, \
                Tallybusd(apps={**app(backend.url), "other": {"url": "off"}}) as daemon, \
                OpenBus(daemon) as bus:
            bus.send(stream_status(name="cam-1"))
            bus.send({**stream_status(name="cam-2", media="m2"), "appKey": "other"})
            daemon.await_metric(2, "tallybus_events_accepted_total")
            daemon.await_metric(1, "tallybus_events_delivered_total")
            said = tallybus(daemon, "trace", "cam-1")
            self.assertIn("attempt 1 failed: 500", said)
            self.assertIn("Delivered at the 2nd attempt", said)
            self.assertIn("Never sent", tallybus(daemon, "trace", "cam-2"))
            self.assertIn("Not known here", tallybus(daemon, "trace", "nobody", expect=1))
            events = json.loads(tallybus(daemon, "trace", "s1", "--json"))["events"]
            self.assertEqual(len(events), 2)


if __name__ == "__main__":
    unittest.main()
