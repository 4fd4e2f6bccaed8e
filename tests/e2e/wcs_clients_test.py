"""Clients of the wcs dialect at a real daemon, by aiohttp; what the official SDK makes of it is in
tests/browser."""

import asyncio
import json
import sys
import unittest
from pathlib import Path

import aiohttp

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from tallybus_parts import Backend, OpenBus, Tallybusd, fail_config, stream_status, wait_until

PATIENCE = 60

# Each event with a status, its message in tallybus.v1 and in wcs.
FAMILY = [
    ("StreamStatusEvent", "PUBLISHING", "notifyStreamStatusEvent"),
    ("StreamKeepAliveEvent", "PUBLISHING", "StreamKeepAliveEvent"),
    ("StreamEvent", None, "notifyStreamEvent"),
    ("ConnectionStatusEvent", "ESTABLISHED", "ConnectionStatusEvent"),
    ("RegistrationStatusEvent", "REGISTERED", "registered"),
    ("RegistrationStatusEvent", "AUTHENTICATION_FAIL", "RegistrationStatusEvent"),
    ("CallStatusEvent", "TRYING", "notifyTryingResponse"),
    ("CallStatusEvent", "SESSION_PROGRESS", "notifyTryingResponse"),
    ("CallStatusEvent", "RING", "ring"),
    ("CallStatusEvent", "ESTABLISHED", "talk"),
    ("CallStatusEvent", "HOLD", "hold"),
    ("CallStatusEvent", "FINISH", "finish"),
    ("TransferStatusEvent", "COMPLETED", "notifyTransferEvent"),
    ("DataStatusEvent", "ACCEPTED", "DataStatusEvent"),
    ("OnDataEvent", None, "OnDataEvent"),
    ("SessionDebugStatusEvent", "STARTED", "notifySessionDebugEvent"),
    ("MessageStatusEvent", "SENT", "MessageStatusEvent"),
    ("BugReportStatusEvent", None, "BugReportStatusEvent"),
    ("SubscriptionStatusEvent", None, "SubscriptionStatusEvent"),
    ("XcapStatusEvent", None, "XcapStatusEvent"),
    ("RecordingStatusEvent", None, "RecordingStatusEvent"),
]


class WcsClientsTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.answers = {}
        self.backend = self.enterContext(Backend(
            lambda request: self.answers.get(request.path.rsplit("/", 1)[1], (200, request.body))))
        self.daemon = self.enterContext(Tallybusd(
            {"defaultApp": {"url": self.backend.url}, "quiet": {"url": "off"}},
            {"log": {"level": "debug"}}))
        self.bus = self.enterContext(OpenBus(self.daemon))

    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)
        self.http = await self.enterAsyncContext(aiohttp.ClientSession())

    async def open(self, path="/wcs"):
        ws = await self.http.ws_connect(f"http://{self.daemon.web}{path}")
        self.addAsyncCleanup(ws.close)
        return ws

    async def read(self, ws):
        frame = await ws.receive(PATIENCE)
        self.assertEqual(frame.type, aiohttp.WSMsgType.TEXT, f"{frame}\n{self.daemon.log()}")
        return json.loads(frame.data)

    async def say(self, ws, message, **data):
        await ws.send_json({"message": message, "data": [data]})

    async def connect(self, path="/wcs", **data):
        """The socket, and what the gateway answered."""
        ws = await self.open(path)
        await self.say(ws, "connection", **data)
        return ws, await self.read(ws)

    async def until(self, condition, what):
        await asyncio.to_thread(wait_until, condition, what)

    async def establish(self, path="/wcs", **data):
        ws, answer = await self.connect(path, **data)
        self.assertEqual(answer["message"], "getUserData", answer)
        return ws, answer["data"][0]["sessionId"]

    def posts(self, method):
        return [json.loads(request.body) for request in self.backend.requests
                if request.path.endswith("/" + method)]

    async def test_each_event_of_the_family_has_its_name_in_both_dialects(self):
        wcs, session = await self.establish()
        v1 = await self.open(f"/clients?session={session}")
        self.assertEqual((await self.read(v1))["message"], "Snapshot")
        for number, (method, status, message) in enumerate(FAMILY):
            event = {"nodeId": "n", "appKey": "defaultApp", "sessionId": session, "number": number}
            self.bus.send({**event, "status": status} if status else event, method)
            with self.subTest(method=method, status=status):
                told = await self.read(wcs)
                self.assertEqual((told["message"], told["data"][0]["number"]), (message, number))
                self.assertEqual(sorted(told), ["data", "message"])
                told = await self.read(v1)
                self.assertEqual((told["message"], told["data"][0]["number"]), (method, number))
        await self.until(lambda: sum(len(self.posts(method)) for method in
                                     {method for method, *_ in FAMILY}) == len(FAMILY),
                         "the backend had each")

    async def test_secrets_are_in_no_log(self):
        self.answers = {"connect": (500, b""), "ConnectionStatusEvent": (500, b"")}
        _, answer = await self.connect(authToken="se-cret-1", sipPassword="se-cret-2")
        self.assertEqual(answer["message"], "fail")
        self.bus.send({"sessionId": "s", "status": "ESTABLISHED", "authToken": "se-cret-3",
                       "sipPassword": "se-cret-4"}, "ConnectionStatusEvent")
        self.bus.send('{"authToken":"se-cret-5",', "ConnectionStatusEvent")
        self.bus.send('{"sessionId":7,"sipPassword":"se-cret-6"}', "ConnectionStatusEvent")
        await self.until(lambda: self.posts("ConnectionStatusEvent"), "the backend had it")
        self.assertEqual(self.posts("connect")[0]["sipPassword"], "se-cret-2")
        malformed = await self.open()
        await malformed.send_str('{"message":"connection","data":[{"authToken":"se-cret-7"}')
        await malformed.receive(PATIENCE)
        self.daemon.stop()
        self.assertIn("declined: 500", self.daemon.log())
        self.assertNotIn("se-cret", self.daemon.log())

    async def test_each_refusal_of_connect_is_told_with_its_reason_and_the_connection_breaks(self):
        for answer, reason in [((403, b'{"status":403,"reason":"no such user"}'), "no such user"),
                               ((403, b"", "Go away"), "Go away"),
                               ((500, b"{}"), "Internal Server Error")]:
            self.answers["connect"] = answer
            ws, told = await self.connect()
            self.assertEqual(told, {"message": "fail",
                                    "data": [{"status": "FAILED", "info": reason}]})
            await ws.receive(PATIENCE)
            self.assertTrue(ws.closed)

    async def test_an_app_that_has_no_backend_lets_everybody_in_and_sends_nothing(self):
        for app in ("quiet", "nobody-wrote-it"):
            await self.establish(appKey=app)
        self.assertEqual(self.backend.requests, [])

    async def test_what_connect_answers_governs_the_session_and_no_other(self):
        config = {"restClientConfig": {"StreamStatusEvent": {"clientExclude": "sdp"}}}
        self.answers["connect"] = (200, json.dumps(config).encode())
        ws, session = await self.establish("/wcs?session=other")
        self.bus.send(stream_status(session=session, sdp="v=0"))
        self.assertNotIn("sdp", (await self.read(ws))["data"][0])
        self.bus.send(stream_status(session="other", sdp="v=0", name="b", media="m2"))
        self.assertEqual((await self.read(ws))["data"][0]["sdp"], "v=0")

    async def test_a_failed_hook_is_a_fail_without_the_api_method(self):
        self.answers["connect"] = (
            200, json.dumps({"restClientConfig": fail_config()}).encode())
        self.answers["StreamStatusEvent"] = (403, b'{"status":403,"reason":"not today"}')
        ws, session = await self.establish()
        self.bus.send(stream_status(session=session))
        self.assertEqual((await self.read(ws))["message"], "notifyStreamStatusEvent")
        told = await self.read(ws)
        self.assertEqual(told["message"], "fail")
        self.assertEqual(told["data"][0]["info"], "not today")
        self.assertFalse({"apiMethod", "id"} & set(told["data"][0]))

    async def test_media_is_refused_at_once(self):
        ws, _ = await self.establish()
        for message in ("publishStream", "playStream"):
            await self.say(ws, message, mediaSessionId="m", sdp="v=0")
            self.assertEqual(await self.read(ws), {
                "message": "notifyStreamStatusEvent",
                "data": [{"mediaSessionId": "m", "status": "FAILED",
                          "info": "tallybus does not carry media signalling"}]})

    async def test_who_leaves_before_the_backend_answered_has_no_session(self):
        self.answers["connect"] = "hang"
        ws = await self.open()
        await self.say(ws, "connection")
        await self.until(lambda: self.posts("connect"), "the backend is asked")
        await ws.close()
        self.backend.released.set()
        await self.until(lambda: self.daemon.metric("tallybus_asks_total") == 1, "it was answered")
        self.assertEqual(self.daemon.metric("tallybus_asks_total", outcome="accepted"), 0)

    async def test_after_a_restart_a_client_comes_back_under_another_session(self):
        ws, first = await self.establish()
        self.daemon.kill()
        await ws.receive(PATIENCE)
        self.daemon.start()
        _, second = await self.establish()
        self.assertNotEqual(first, second)


if __name__ == "__main__":
    unittest.main()
