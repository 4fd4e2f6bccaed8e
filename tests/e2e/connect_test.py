"""Calls that the backend may refuse: tallybus_ask from an engine through tallybusd to a real backend
and back, and what a session's `connect` decides for its events."""

import json
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from engine_library import OK, REFUSED, TIMEOUT, EnginePublisher  # noqa: E402
from tallybus_parts import (Backend, Client, Tallybusd, refused_url, stream_status,  # noqa: E402
                            wait_until)

CONFIG = {"restClientConfig": {"StreamStatusEvent": {"restOnError": "FAIL", "restExclude": "sdp",
                                                     "clientExclude": "nodeId"}}}
CONNECT = json.dumps({"appKey": "defaultApp", "sessionId": "s1", "authToken": "secret-token"})


def app(url, **fields):
    return {"defaultApp": {"url": url, "retry": "none", "timeout": "10s", **fields}}


def answers_connect(answer, others=200):
    return lambda request: answer if request.method == "connect" else others


def publish(engine, status="PUBLISHING", session="s1"):
    return engine.status(status, session_id=session, media_session_id="m1", name="b4e7",
                         published=True, sdp="v=0")


class ConnectTest(unittest.TestCase):
    def ask(self, engine, method="connect", body=CONNECT, **fields):
        answers = []
        self.assertEqual(engine.ask(method, body, answers, session_id="s1", **fields), OK)
        wait_until(lambda: answers, "the answer")
        return answers[0]

    def test_an_accepted_connect_brings_the_sessions_config(self):
        answer = json.dumps({"user": "u1", **CONFIG}).encode()
        with Backend(answers_connect((200, answer), 500)) as backend, \
                Tallybusd(apps=app(backend.url)) as daemon, Client(daemon, "s1") as client, \
                EnginePublisher(daemon.engine) as engine:
            status, reason, body = self.ask(engine)
            self.assertEqual((status, reason), (OK, ""))
            self.assertEqual(json.loads(body)["user"], "u1")
            request, = backend.await_requests(1)
            self.assertEqual(request.path, "/rest/my_api/connect")
            self.assertEqual(request.json, {"nodeId": "engine-1", **json.loads(CONNECT)})
            self.assertEqual(publish(engine), OK)
            request = backend.await_requests(2)[1]
            self.assertNotIn("sdp", request.json)
            own, error = client.await_messages(2)
            self.assertEqual((own.name, error.name), ("StreamStatusEvent", "ErrorEvent"))
            self.assertNotIn("nodeId", own.json)
            self.assertIn("sdp", own.json)

    def test_the_sessions_config_outlives_the_router(self):
        answer = json.dumps(CONFIG).encode()
        for spool in ("disk", "memory"):
            extra = {"spool": {"path": "memory"}} if spool == "memory" else {}
            with self.subTest(spool=spool), Backend(answers_connect((200, answer))) as backend, \
                    Tallybusd(apps=app(backend.url), extra=extra) as daemon, \
                    EnginePublisher(daemon.engine) as engine:
                self.ask(engine)
                # Else the next router asks the backend as well.
                wait_until(lambda: engine.stats().ring_used == 0, "the call is acknowledged")
                daemon.kill()
                daemon.start()
                wait_until(lambda: any("restarted" in line for line in engine.log_lines),
                           "the new router")
                publish(engine)
                request = backend.await_requests(2)[1]
                self.assertEqual(request.method, "StreamStatusEvent")
                self.assertNotIn("sdp", request.json)

    def test_any_error_declines_a_connect(self):
        cases = {
            "Forbidden": 403,
            "no such user": (403, b'{"status":"x","reason":"no such user"}'),
            "Internal Server Error": 500,
            "timed out": "hang",
        }
        for reason, answer in cases.items():
            for on_error in ("LOG", "FAIL"):
                config = {"connect": {"restOnError": on_error}}
                with self.subTest(reason=reason, on_error=on_error), \
                        Backend(answers_connect(answer)) as backend, \
                        Tallybusd(apps=app(backend.url, rest_client_config=config,
                                           timeout="1s" if answer == "hang" else "10s")) as daemon, \
                        EnginePublisher(daemon.engine) as engine:
                    self.assertEqual(self.ask(engine)[:2], (REFUSED, reason))
                    self.assertEqual(len(backend.requests), 1)
                    daemon.await_log("declined")
                    self.assertNotIn("secret-token", daemon.log())

    def test_a_backend_that_is_not_there_declines(self):
        with Tallybusd(apps=app(refused_url())) as daemon, \
                EnginePublisher(daemon.engine) as engine:
            self.assertEqual(self.ask(engine)[:2], (REFUSED, "connection refused"))

    def test_other_calls_go_on_under_log_and_are_declined_under_fail(self):
        for on_error, status in (("LOG", OK), ("FAIL", REFUSED)):
            config = {"publishStream": {"restOnError": on_error}}
            with self.subTest(on_error=on_error), Backend(lambda r: 403) as backend, \
                    Tallybusd(apps=app(backend.url, rest_client_config=config)) as daemon, \
                    EnginePublisher(daemon.engine) as engine:
                self.assertEqual(self.ask(engine, "publishStream")[:2], (status, "Forbidden"))

    def test_without_a_router_a_call_times_out_and_is_not_made_later(self):
        with Backend() as backend, Tallybusd(apps=app(backend.url)) as daemon:
            daemon.stop()
            with EnginePublisher(daemon.engine, ask_timeout_ms=300) as engine:
                self.assertEqual(self.ask(engine)[:2], (TIMEOUT, "no answer in time"))
                daemon.start()
                publish(engine)
                request, = backend.await_requests(1)
                self.assertEqual(request.method, "StreamStatusEvent")

    def test_a_sessions_events_wait_for_its_connect(self):
        with Backend(answers_connect("hang")) as backend, \
                Tallybusd(apps=app(backend.url)) as daemon, \
                Client(daemon) as client, EnginePublisher(daemon.engine) as engine:
            answers = []
            engine.ask("connect", CONNECT, answers, session_id="s1")
            backend.await_requests(1)
            publish(engine)
            publish(engine, session="s2")
            other = backend.await_requests(2)[1]
            self.assertEqual(other.json["sessionId"], "s2")
            self.assertEqual([m.topic for m in client.await_messages(1)], ["session/s2"])
            self.assertEqual(answers, [])
            held = backend.await_requests(3)[2]
            self.assertEqual(held.json["sessionId"], "s1")
            wait_until(lambda: answers, "the answer")
            self.assertEqual(answers[0][:2], (REFUSED, "timed out"))

    def test_a_router_that_is_killed_meanwhile_loses_no_event(self):
        with Backend(answers_connect("hang")) as backend, \
                Tallybusd(apps=app(backend.url, timeout="30s")) as daemon, \
                EnginePublisher(daemon.engine, ask_timeout_ms=8000) as engine:
            answers = []
            engine.ask("connect", CONNECT, answers, session_id="s1")
            backend.await_requests(1)
            publish(engine)
            publish(engine, "UNPUBLISHED")
            wait_until(lambda: engine.stats().acknowledged == 2, "both are the router's")
            self.assertEqual(len(backend.requests), 1)
            daemon.kill()
            daemon.start()
            told = backend.await_requests(3)[1:]
            self.assertEqual([r.json["status"] for r in told], ["PUBLISHING", "UNPUBLISHED"])
            wait_until(lambda: answers, "the end of the call's time")
            self.assertEqual(answers[0][0], TIMEOUT)

    def test_a_call_of_an_app_that_sends_batches_goes_alone(self):
        batched = app("", format="json-array")
        with Backend() as backend:
            batched["defaultApp"]["url"] = backend.url
            with Tallybusd(apps=batched) as daemon, EnginePublisher(daemon.engine) as engine:
                self.assertEqual(self.ask(engine)[0], OK)
                publish(engine)
                call, batch = backend.await_requests(2)
                self.assertEqual(call.path, "/rest/my_api/connect")
                self.assertEqual(call.json["authToken"], "secret-token")
                self.assertEqual(batch.path, "/rest/my_api")
                self.assertEqual(batch.json[0]["name"], stream_status()["name"])


if __name__ == "__main__":
    unittest.main()
