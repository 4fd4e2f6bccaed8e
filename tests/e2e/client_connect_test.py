"""clients.auth: connect. A real backend says which web clients may watch what they ask for."""

import asyncio
import json
import sys
import unittest
from pathlib import Path

import aiohttp

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from tallybus_parts import (Backend, OpenBus, Tallybusd, first_of_stream, stream_status,
                            wait_until)

PATIENCE = 60


class ClientConnectTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.verdict = lambda request: (200, b"{}")
        self.backend = self.enterContext(Backend(
            lambda request: self.verdict(request) if request.method == "connect" else 200))
        self.daemon = self.enterContext(Tallybusd(
            {"defaultApp": {"url": self.backend.url, "timeout": "5s"},
             "other": {"url": self.backend.url.replace("my_api", "other")}, "mute": {"url": "off"}},
            {"clients": {"auth": "connect"}}))
        self.bus = self.enterContext(OpenBus(self.daemon))

    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)
        self.http = await self.enterAsyncContext(aiohttp.ClientSession())

    async def connect(self, query="", **headers):
        ws = await self.http.ws_connect(f"http://{self.daemon.web}/clients{query}", headers=headers,
                                        protocols=["tallybus.v1"])
        self.addAsyncCleanup(ws.close)
        return ws

    async def read(self, ws):
        frame = await ws.receive(PATIENCE)
        if frame.type == aiohttp.WSMsgType.TEXT:
            return json.loads(frame.data)
        return ws.close_code, frame.extra

    async def watch(self, ws, *items, **more):
        await ws.send_str(json.dumps({"message": "Watch", "data": list(items), **more}))
        return await self.read(ws)

    def connects(self):
        return [r for r in self.backend.requests if r.method == "connect"]

    def curl(self, query, *args):
        return first_of_stream(self.daemon, query, *args)

    async def test_the_backend_is_asked_with_token_origin_and_watch_and_grants_just_that(self):
        ws = await self.connect(Origin="http://localhost:3000")
        snapshot = await self.watch(ws, {"session": "s1"}, {"stream": "cam"}, token="the-token")
        self.assertEqual(snapshot["message"], "Snapshot")
        asked, = self.connects()
        self.assertRegex(asked.json["sessionId"], r"^web/[0-9a-f]{16}$")
        self.assertEqual({**asked.json, "sessionId": "x"},
                         {"nodeId": "test-node", "appKey": "defaultApp", "sessionId": "x",
                          "authToken": "the-token", "origin": "http://localhost:3000",
                          "watch": [{"session": "s1"}, {"stream": "cam"}]})
        self.bus.send(stream_status("A", session="s2", name="not-asked-for"))
        self.bus.send(stream_status("B", session="s1"))
        self.assertEqual((await self.read(ws))["data"][0]["status"], "B")
        self.assertNotIn("the-token", self.daemon.log() + self.daemon.get("/metrics")[1])

    async def test_what_is_not_granted_yet_is_asked_for_and_what_is_is_not(self):
        ws = await self.connect("?session=s1")
        self.assertEqual((await self.read(ws))["message"], "Snapshot")
        await self.watch(ws, {"session": "s1"})
        self.assertEqual(len(self.connects()), 1, "it is granted")
        await self.watch(ws, {"session": "s2"})
        self.assertEqual(self.connects()[1].json["watch"], [{"session": "s2"}])
        for session in ("s1", "s2"):
            self.bus.send(stream_status("A", session=session, media=session))
            self.assertEqual((await self.read(ws))["data"][0]["sessionId"], session)
        self.verdict = lambda request: (403, b"", "not s3")
        code, reason = await self.watch(ws, {"session": "s3"})
        self.assertEqual((code, "not s3" in reason), (4401, True))

    async def test_watches_in_a_row_are_asked_for_one_after_the_other(self):
        ws = await self.connect()
        for i in range(5):
            await ws.send_str(json.dumps({"message": "Watch", "data": [{"session": f"s{i}"}]}))
        for _ in range(5):
            self.assertEqual((await self.read(ws))["message"], "Snapshot")
        self.assertEqual([r.json["watch"][0]["session"] for r in self.connects()],
                         [f"s{i}" for i in range(5)])

    async def test_a_no_is_told_with_its_reason(self):
        self.verdict = lambda request: (403, b"", "go away")
        code, text = await self.watch(await self.connect(), {"session": "s1"}, token="t")
        self.assertEqual((code, "go away" in text), (4401, True))
        head = self.curl("session=s1")
        self.assertTrue(head.startswith("HTTP/1.1 401 Unauthorized"), head)
        self.assertIn("WWW-Authenticate: Bearer", head)
        self.assertIn("go away", head)
        wait_until(lambda: self.daemon.metric("tallybus_client_connections") == 0, "all are gone")

    async def test_a_backend_that_fails_or_is_silent_is_to_be_asked_later(self):
        for answer, reason in ((500, "Internal"), (429, ""), ("hang", "timed out")):
            self.verdict = lambda request, answer=answer: answer
            code, text = await self.watch(await self.connect(), {"session": "s1"}, token="t")
            self.assertEqual((code, reason in text), (1013, True), text)
            head = self.curl("session=s1")
            self.assertTrue(head.startswith("HTTP/1.1 503 Service Unavailable"), head)
            self.assertIn("Retry-After: 5", head)
            self.assertIn(reason, head)
        wait_until(lambda: self.daemon.metric("tallybus_client_connections") == 0, "all are gone")

    async def test_an_event_stream_begins_with_the_backends_yes(self):
        answer = self.curl("session=s1&access_token=t")
        self.assertIn("HTTP/1.1 200 OK", answer)
        self.assertIn("event: Snapshot", answer)
        self.assertEqual(self.connects()[0].json["authToken"], "t")

    async def test_the_app_says_who_is_asked_and_bounds_what_is_told(self):
        ws = await self.connect("?session=s1&app=other")
        self.assertEqual((await self.read(ws))["message"], "Snapshot")
        asked, = self.connects()
        self.assertEqual((asked.json["appKey"], asked.path), ("other", "/rest/other/connect"))
        self.bus.send(stream_status("A", session="s1"))
        self.bus.send(stream_status("B", session="s1") | {"appKey": "other"})
        self.assertEqual((await self.read(ws))["data"][0]["status"], "B")
        self.assertEqual((await self.watch(ws, {"app": "defaultApp"}))[0], 4403)

    async def test_an_app_whose_backend_is_not_asked_lets_nobody_in(self):
        self.assertEqual((await self.watch(await self.connect(), {"app": "mute"}))[0], 4401)

    async def test_who_leaves_while_the_backend_thinks_does_no_harm(self):
        self.verdict = lambda request: "hang"
        ws = await self.connect("?session=s1")
        wait_until(self.connects, "it is asked")
        await ws.close()
        self.curl("session=s1", "-m", "1")
        wait_until(lambda: self.daemon.metric("tallybus_client_connections") == 0, "both are gone")
        self.verdict = lambda request: (200, b"{}")
        self.assertEqual((await self.read(await self.connect("?session=s1")))["message"], "Snapshot")


if __name__ == "__main__":
    unittest.main()
