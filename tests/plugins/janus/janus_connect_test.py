#!/usr/bin/python3
"""A backend that may say no: sessions of a real Janus that `connect` accepts and declines, and a
WebRTC publisher that is hung up because its keep-alive was forbidden.

Needs TALLYBUS_BIN_DIR (tallybusd) and TALLYBUS_LIB_DIR (the plugin); ctest sets both.
"""

import json
import os
import subprocess
import sys
import unittest
import urllib.request
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPOSITORY / "tests/support"))
from janus_server import JanusServer  # noqa: E402
from tallybus_parts import Backend, Client, Tallybusd, wait_until  # noqa: E402

LIB_DIR = Path(os.environ.get("TALLYBUS_LIB_DIR", "build/release/lib"))
PUBLISH = REPOSITORY / "examples/janus/publish.py"
NODE, APP = "janus-1", "testApp"
SECRET = "admin-s3cret"
NO_SUCH_SESSION = 458
CONFIG = {"restClientConfig": {"ConnectionStatusEvent": {"clientExclude": "nodeId"}}}


class JanusConnectTest(unittest.TestCase):
    def start(self, answer, handler=None, app=None, **janus):
        """answer: what the backend says to each request."""
        self.backend = self.enterContext(Backend(answer))
        self.daemon = self.enterContext(Tallybusd(
            apps={APP: {"url": self.backend.url, "timeout": "10s", **(app or {})}}))
        self.janus = self.enterContext(JanusServer(
            LIB_DIR, endpoint=self.daemon.engine, app_key=APP, node_id=NODE,
            handler=handler or {"connect": True}, **{"admin_secret": SECRET, **janus}))

    def call(self, path="", **message):
        """What Janus's own API answers to one request."""
        request = urllib.request.Request(f"{self.janus.url}{path}",
                                         json.dumps({"transaction": "t", **message}).encode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def create(self):
        return self.call(janus="create")["data"]["id"]

    def is_gone(self, session):
        answer = self.call(f"/{session}", janus="keepalive")
        return answer["janus"] == "error" and answer["error"]["code"] == NO_SUCH_SESSION

    def told(self, method, session):
        return [r.json for r in list(self.backend.requests)
                if r.method == method and r.json["sessionId"] == str(session)]

    def statuses(self, session):
        return [event["status"] for event in self.told("ConnectionStatusEvent", session)]

    def tallybus_lines(self):
        return [line for line in self.janus.log().splitlines() if "Tallybus" in line]

    def await_line(self, *words):
        return wait_until(lambda: [line for line in self.tallybus_lines()
                                   if all(word in line for word in words)], f"a line with {words}")

    def publish(self, display):
        """The example as a process whose stream is up, with its session and handle."""
        example = subprocess.Popen([PUBLISH, "--url", self.janus.url, "--display", display,
                                    "--audio-only"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(example.stdout.close)
        self.addCleanup(example.stdin.close)
        self.addCleanup(example.wait, 60)
        self.addCleanup(example.kill)
        session, handle = (w.split("=")[1] for w in example.stdout.readline().split()[2:])
        return session, handle

    is_up = False

    def forbid_what_is_up(self, request):
        """To its keep-alive, once the publisher has said so too."""
        return 403 if request.method == "StreamKeepAliveEvent" and self.is_up else 200

    def stream_statuses(self, session):
        return [event["status"] for event in self.told("StreamStatusEvent", session)]

    def test_an_accepted_session_lives_and_its_own_config_governs(self):
        accepted = json.dumps(CONFIG).encode()
        self.start(lambda r: (200, accepted) if r.method == "connect" else 200)
        with Client(self.daemon) as client:
            session = self.create()
            event, = client.await_messages(1)
            self.assertEqual(event.topic, f"session/{session}")
            self.assertEqual(event.json, {"appKey": APP, "sessionId": str(session),
                                          "status": "ESTABLISHED"})  # and no nodeId
        wait_until(lambda: self.statuses(session) == ["ESTABLISHED"], "the event at the backend")
        self.assertEqual([r.method for r in self.backend.requests],
                         ["connect", "ConnectionStatusEvent"])
        self.assertEqual(self.told("connect", session)[0],
                         {"nodeId": NODE, "appKey": APP, "sessionId": str(session),
                          "transport": "janus.transport.http"})
        self.assertFalse(self.is_gone(session))
        self.call(f"/{session}", janus="destroy")
        wait_until(lambda: self.statuses(session) == ["ESTABLISHED", "DISCONNECTED"], "its end")

    def test_a_declined_session_is_destroyed_in_janus_and_told_as_disconnected(self):
        reason = b'{"status": "declined", "reason": "no such user"}'
        self.start(lambda r: (403, reason) if r.method == "connect" else 200)
        session = self.create()
        wait_until(lambda: self.is_gone(session), "Janus forgets the session")
        wait_until(lambda: "DISCONNECTED" in self.statuses(session), "its end")
        self.await_line(f"session {session} is declined", "no such user")
        self.assertEqual(len(self.told("connect", session)), 1)
        self.assertNotIn("goes on", "".join(self.tallybus_lines()))
        self.assertNotIn(SECRET, "".join(self.tallybus_lines()))

    def test_a_declined_publisher_loses_its_stream_with_its_session(self):
        declined = []

        def answer(request):
            if request.method != "connect":
                return 200
            wait_until(lambda: declined, "the stream is up", 60)
            return 403
        self.start(answer, app={"timeout": "60s"}, janus={"general": {"session_timeout": 60}})
        # Were no stream up within the library's 11 s, the end of those would decline it.
        session, handle = self.publish("cam-1")
        declined.append(True)
        wait_until(lambda: "DISCONNECTED" in self.statuses(session), "the session's end")
        wait_until(lambda: "UNPUBLISHED" in self.stream_statuses(session), "the stream's end")
        self.assertEqual(self.told("StreamStatusEvent", session)[-1]["mediaSessionId"],
                         f"{session}-{handle}")

    def test_without_a_router_every_session_is_ended(self):
        self.start(lambda r: 200)
        self.daemon.stop()
        session = self.create()
        wait_until(lambda: self.is_gone(session), "Janus forgets the session")
        self.await_line(f"session {session} is declined", "no answer in time")

    def test_a_stream_whose_keep_alive_is_forbidden_is_hung_up(self):
        self.start(self.forbid_what_is_up, handler={"enabled": True},
                   app={"stream_keep_alive": "1s",
                        "rest_client_config": {"StreamKeepAliveEvent": {"restOnError": "FAIL"}}})
        session, handle = self.publish("cam-2")
        self.is_up = True
        wait_until(lambda: self.stream_statuses(session) == ["PUBLISHING", "UNPUBLISHED"],
                   "the stream's end")
        self.await_line(f"the backend ends stream {session}-{handle}: Forbidden")
        self.assertFalse(self.is_gone(session))  # the stream alone is ended
        self.assertNotIn("goes on", "".join(self.tallybus_lines()))

    def test_without_an_admin_api_the_log_says_what_ending_a_stream_needs(self):
        self.start(self.forbid_what_is_up, handler={"enabled": True}, admin_secret=None,
                   app={"stream_keep_alive": "1s",
                        "rest_client_config": {"StreamKeepAliveEvent": {"restOnError": "FAIL"}}})
        session, _ = self.publish("cam-3")
        self.is_up = True
        self.await_line(f"the backend ends stream {session}-", "general.admin_url")
        wait_until(lambda: self.stream_statuses(session), "its beginning at the backend")
        self.assertEqual(self.stream_statuses(session), ["PUBLISHING"])

    def test_a_wrong_admin_secret_is_a_line_in_the_log_and_does_no_harm(self):
        self.start(lambda r: 403 if r.method == "connect" else 200, handler_secret="wrong-s3cret")
        sessions = [self.create(), self.create()]
        for session in sessions:
            line, = self.await_line(f"session {session} goes on", "403 Unauthorized",
                                    "general.admin_secret")
            self.assertNotIn("s3cret", line)
            self.assertFalse(self.is_gone(session))
        wait_until(lambda: self.statuses(sessions[0]) == ["ESTABLISHED"], "events go on")

    def test_janus_ends_at_once_while_its_admin_api_does_not_answer(self):
        with Backend(lambda r: "hang") as silent:
            self.start(lambda r: 403 if r.method == "connect" else 200, admin_secret=None,
                       handler={"connect": True, "admin_url": f"{silent.url}"}, stop_seconds=15)
            self.create()
            silent.await_requests(1)
            self.janus.stop()  # fails where it takes too long

    def test_connect_without_an_admin_url_is_refused(self):
        with JanusServer(LIB_DIR, handler={"connect": True}) as janus:
            janus.stop()
            lines = [line for line in janus.log().splitlines() if "Tallybus" in line]
        self.assertEqual(len(lines), 1, lines)
        for words in ("[ERR]", "no events will be sent", "general.admin_url", "7088/admin"):
            self.assertIn(words, lines[0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
