"""The exchanges of Web Call Server's REST hooks, type 3: what a backend's answer does under LOG and
FAIL, and the body byte for byte from the typed C call."""

import json
import sys
import unittest
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "support"))
from engine_library import EnginePublisher  # noqa: E402
from tallybus_parts import (Backend, Client, OpenBus, Tallybusd, fail_config,  # noqa: E402
                            refused_url, stream_status, wait_until)

VECTOR = (TESTS / "vectors" / "stream_status.json").read_bytes()
LOG = {"StreamStatusEvent": {"restOnError": "LOG"}}
OTHER = {"ConnectionStatusEvent": {"restOnError": "FAIL"}}
SENTINEL = "SessionDebugStatusEvent"


def app(url, config=None, **fields):
    return {"defaultApp": {"url": url, "retry": "none", "timeout": "10s", **fields,
                           **({"rest_client_config": config} if config else {})}}


def publish_vector(engine):
    fields = json.loads(VECTOR)
    return engine.status(
        fields["status"], node_id=fields["nodeId"], app_key=fields["appKey"],
        session_id=fields["sessionId"], media_session_id=fields["mediaSessionId"],
        name=fields["name"], published=True, has_video=True, has_audio=True, sdp=fields["sdp"],
        media_provider=fields["mediaProvider"])


class WcsExchangeTest(unittest.TestCase):
    def messages_after(self, daemon, session="s1", want_error=False):
        """What the client got for one event. A second event after it shows that no more comes."""
        with Client(daemon, session) as client, OpenBus(daemon) as bus:
            bus.send(stream_status())
            client.await_messages(2 if want_error else 1)
            bus.send({"sessionId": session, "status": "STARTED"}, SENTINEL)
            while client.messages[-1].name != SENTINEL:
                client.await_messages(len(client.messages) + 1)
            return client.messages[:-1]

    def test_the_typed_c_call_sends_the_body_byte_for_byte(self):
        with Backend() as backend, Tallybusd(apps=app(backend.url)) as daemon, \
                Client(daemon) as client, EnginePublisher(daemon.engine) as engine:
            self.assertEqual(publish_vector(engine), 0)
            request, = backend.await_requests(1)
            self.assertEqual(request.body, VECTOR)
            self.assertEqual(request.path, "/rest/my_api/StreamStatusEvent")
            self.assertEqual(request.headers["content-type"], "application/json;charset=UTF-8")
            self.assertIn("application/json", request.headers["accept"])
            self.assertEqual(request.headers["connection"].lower(), "keep-alive")
            self.assertEqual(request.headers["content-length"], str(len(VECTOR)))
            message, = client.await_messages(1)
            self.assertEqual(message.body, VECTOR)
            self.assertEqual(message.topic, "session//192.168.1.102:4388/192.168.1.101:8443")

    def test_an_answer_of_200_makes_no_error_event_whatever_its_body(self):
        for body in (None, b"", b"not JSON", b'{"status":"PUBLISHING"}'):
            answer = lambda r, body=body: (200, r.body if body is None else body)  # noqa: E731
            with self.subTest(body=body), Backend(answer) as backend, \
                    Tallybusd(apps=app(backend.url, fail_config())) as daemon:
                names = [m.name for m in self.messages_after(daemon)]
                self.assertEqual(names, ["StreamStatusEvent"])
                self.assertEqual(len(backend.await_requests(2)), 2)

    def test_a_failure_is_told_under_fail_alone(self):
        for status in (500, 403, 302, 404):
            for config, told in ((fail_config(), True), (LOG, False), (None, False),
                                 (OTHER, False)):
                with self.subTest(status=status, config=config), \
                        Backend(lambda r, status=status: status) as backend, \
                        Tallybusd(apps=app(backend.url, config)) as daemon:
                    messages = self.messages_after(daemon, want_error=told)
                    errors = [m.json for m in messages if m.name == "ErrorEvent"]
                    self.assertEqual(len(errors), 1 if told else 0)
                    for error in errors:
                        self.assertEqual((error["httpStatus"], error["final"], error["attempt"]),
                                         (status, True, 1))
                    backend.await_requests(2)  # the event and the one behind it
                    self.assertEqual(
                        sum(r.method == "StreamStatusEvent" for r in backend.requests), 1)

    def test_the_reason_of_the_answer_goes_before_the_phrase(self):
        answers = {
            "blocked by the office": (403, b'{"status":"x","reason":"blocked by the office"}'),
            "Forbidden": (403, b'{"status":"x","reason":"no","extra":1}'),
            "Not Today": (403, b"", "Not Today"),
        }
        for info, answer in answers.items():
            with self.subTest(info=info), Backend(lambda r, a=answer: a) as backend, \
                    Tallybusd(apps=app(backend.url, fail_config())) as daemon:
                messages = self.messages_after(daemon, want_error=True)
                self.assertEqual([m.json["info"] for m in messages if m.name == "ErrorEvent"],
                                 [info])

    def test_no_answer_is_a_failure_without_a_status(self):
        for answer, info in (("refused", "connection refused"), ("hang", "timed out"),
                             ("reset", "connection reset")):
            with self.subTest(answer=answer), Backend(lambda r, a=answer: a) as backend:
                url = refused_url() if answer == "refused" else backend.url
                with Tallybusd(apps=app(url, fail_config(),
                                        timeout="1s" if answer == "hang" else "10s")) as daemon:
                    messages = self.messages_after(daemon, want_error=True)
                    self.assertEqual([m.name for m in messages],
                                     ["StreamStatusEvent", "ErrorEvent"])
                    error = messages[1].json
                    self.assertNotIn("httpStatus", error)
                    self.assertEqual((error["info"], error["final"], error["attempt"]),
                                     (info, True, 1))
                backend.released.set()

    def test_excluded_fields_are_left_out_on_their_side_alone(self):
        config = {"StreamStatusEvent": {"restExclude": "sdp,name", "clientExclude": "bitrate"}}
        with Backend() as backend, Tallybusd(apps=app(backend.url, config)) as daemon, \
                Client(daemon) as client, EnginePublisher(daemon.engine) as engine:
            publish_vector(engine)
            want = json.loads(VECTOR)
            message, = client.await_messages(1)
            request, = backend.await_requests(1)
            self.assertEqual(message.json, {k: v for k, v in want.items() if k != "bitrate"})
            self.assertEqual(request.json,
                             {k: v for k, v in want.items() if k not in ("sdp", "name")})

    def test_rest_policy_disable_calls_no_backend(self):
        config = {"StreamStatusEvent": {"restPolicy": "DISABLE"}}
        with Backend() as backend, Tallybusd(apps=app(backend.url, config)) as daemon:
            self.assertEqual([m.name for m in self.messages_after(daemon)], ["StreamStatusEvent"])
            backend.await_requests(1)
            self.assertEqual([r.method for r in backend.requests], [SENTINEL])
            daemon.await_metric(1, "tallybus_events_not_sent_total", reason="disabled")

    def test_a_sessions_own_config_governs_instead_of_the_apps(self):
        with Backend(lambda r: 500) as backend, \
                Tallybusd(apps=app(backend.url, LOG)) as daemon, \
                Client(daemon) as client, \
                EnginePublisher(daemon.engine, client_messages=True) as engine:
            config = json.dumps({"restClientConfig": fail_config(restExclude="sdp")})
            self.assertEqual(engine.session_open("s1", rest_client_config=config), 0)
            engine.status("PUBLISHING", session_id="s1", media_session_id="m1", name="n",
                          published=True, sdp="secret")
            engine.status("PUBLISHING", session_id="s2", media_session_id="m2", name="o",
                          published=True)
            engine.session_close("s1")
            engine.status("UNPUBLISHED", session_id="s1", media_session_id="m1", name="n",
                          published=True)
            messages = client.await_messages(5)
            errors = [m.json for m in messages if m.name == "ErrorEvent"]
            self.assertEqual([e["sessionId"] for e in errors], ["s1", "s1"])
            for request in backend.await_requests(3):
                self.assertEqual("sdp" in request.json, request.json["sessionId"] == "s2")
            wait_until(lambda: engine.messages, "what the engine is told")
            self.assertEqual({m[0] for m in engine.messages}, {"s1"})


if __name__ == "__main__":
    unittest.main()
