"""Web clients of a real daemon: WebSocket by aiohttp, server-sent events by curl."""

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import unittest
from pathlib import Path

import aiohttp

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from tallybus_parts import Backend, OpenBus, Tallybusd, stream_status, wait_until

PATIENCE = 60


def watch(*items, **more):
    return json.dumps({"message": "Watch", "data": list(items), **more})


class EventStream:
    """curl -N on /events; messages as dicts of their fields, comments left out."""

    def __init__(self, daemon, query, *args):
        self._curl = subprocess.Popen(["curl", "-sN", *args, f"http://{daemon.web}/events?{query}"],
                                      stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._curl.kill()
        self._curl.communicate()

    def read(self):
        fields = {}
        for line in self._curl.stdout:
            line = line.rstrip("\n")
            if not line and fields:
                return fields
            if line and not line.startswith(":"):
                name, value = line.split(": ", 1)
                fields[name] = json.loads(value) if name == "data" else value
        return None


class WebClientsTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.backend = self.enterContext(Backend())
        self.start({})

    def start(self, clients):
        self.daemon = self.enterContext(Tallybusd({"defaultApp": {"url": self.backend.url}},
                                                  {"clients": clients} if clients else None))
        self.bus = self.enterContext(OpenBus(self.daemon))

    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)
        self.http = await self.enterAsyncContext(aiohttp.ClientSession())

    async def connect(self, query="", **more):
        ws = await self.http.ws_connect(f"http://{self.daemon.web}/clients{query}",
                                        protocols=["tallybus.v1"], **more)
        self.addAsyncCleanup(ws.close)
        return ws

    async def read(self, ws):
        """The next frame as an object, or the close code."""
        frame = await ws.receive(PATIENCE)
        if frame.type == aiohttp.WSMsgType.TEXT:
            return json.loads(frame.data)
        return ws.close_code

    async def read_close(self, ws):
        while not isinstance(last := await self.read(ws), int):
            pass
        return last

    def publish(self, *statuses, **fields):
        for status in statuses:
            self.bus.send(stream_status(status, **fields))

    async def test_snapshot_first_and_then_the_events_in_order(self):
        self.publish("PUBLISHING", sdp="v=0")
        self.backend.await_requests(1)
        ws = await self.connect()
        self.assertEqual(ws.protocol, "tallybus.v1")
        await ws.send_str(watch({"session": "s1"}))
        snapshot = await self.read(ws)
        self.assertEqual(snapshot["message"], "Snapshot")
        self.assertEqual(snapshot["sequence"], 0)
        self.assertEqual([s["status"] for s in snapshot["data"]], ["PUBLISHING"])
        self.assertNotIn("sdp", snapshot["data"][0])
        statuses = [f"STATUS_{i}" for i in range(50)]
        self.publish(*statuses)
        for sequence, status in enumerate(statuses, 1):
            event = await self.read(ws)
            self.assertEqual((event["message"], event["sequence"], event["data"][0]["status"]),
                             ("StreamStatusEvent", sequence, status))
        ids = [request.headers["webhook-id"] for request in self.backend.await_requests(51)]
        self.assertEqual(event["id"], ids[50], "one id on both sides")
        await ws.send_str('{"message":"Ping"}')
        self.assertEqual(await self.read(ws), {"message": "Pong"})

    async def test_each_session_hears_of_itself_alone(self):
        one, two = await self.connect("?session=s1"), await self.connect("?session=s2")
        for ws in (one, two):
            self.assertEqual((await self.read(ws))["message"], "Snapshot")
        for i in range(20):
            self.publish("PUBLISHING", session=f"s{i % 2 + 1}", name=f"cam-{i}", media=f"m{i}")
        for ws, names in ((one, range(0, 20, 2)), (two, range(1, 20, 2))):
            told = [(await self.read(ws))["data"][0]["name"] for _ in names]
            self.assertEqual(told, [f"cam-{i}" for i in names])

    async def test_an_event_without_a_session_reaches_who_watches_its_stream_or_app(self):
        stream, app = await self.connect("?stream=cam"), await self.connect("?app=defaultApp")
        for ws in (stream, app):
            await self.read(ws)
        self.bus.send({"name": "cam", "published": True, "status": "PUBLISHING"})
        for ws in (stream, app):
            self.assertEqual((await self.read(ws))["data"][0]["status"], "PUBLISHING")

    async def test_malformed_frames_end_in_their_close_codes(self):
        for send, code in ((lambda ws: ws.send_bytes(b"x"), 1003),
                           (lambda ws: ws.send_str("nonsense"), 4400),
                           (lambda ws: ws.send_str(watch()), 4400),
                           (lambda ws: ws.send_str(" " * 5000), 1009)):
            ws = await self.connect("?session=s1")
            await self.read(ws)
            await send(ws)
            self.assertEqual(await self.read_close(ws), code)
        wait_until(lambda: self.daemon.metric("tallybus_client_closes_total") == 4, "all are counted")
        wait_until(lambda: self.daemon.metric("tallybus_client_connections") == 0, "all are gone")

    async def test_a_foreign_page_and_a_foreign_subprotocol_are_refused(self):
        for headers, protocols, status in (({"Origin": "https://evil.example"}, (), 403),
                                           ({"Host": "evil.example"}, (), 403),
                                           ({}, ("wcs",), 400)):
            with self.assertRaises(aiohttp.WSServerHandshakeError) as refused:
                await self.http.ws_connect(f"http://{self.daemon.web}/clients", headers=headers,
                                           protocols=protocols)
            self.assertEqual(refused.exception.status, status)
        self.daemon.await_metric(3, "tallybus_client_refused_total")

    async def test_the_address_that_is_listened_on_is_a_name_for_it(self):
        self.daemon = self.enterContext(Tallybusd(extra={"listen": {"web": "127.0.0.5:0"}}))
        self.assertTrue(self.daemon.web.startswith("127.0.0.5:"))
        self.assertEqual((await self.read(await self.connect("?app=a")))["message"], "Snapshot")

    async def test_who_comes_back_resumes_behind_what_it_saw(self):
        ws = await self.connect("?session=s1")
        await self.read(ws)
        self.publish("A", "B", "C", "D")
        # All have come: what is on its way when nobody watches any more need not be kept.
        seen = [await self.read(ws) for _ in "ABCD"][1]["id"]
        await ws.close()
        self.backend.await_requests(4)
        back = await self.connect()
        await back.send_str(watch({"session": "s1"}, after=seen))
        self.assertEqual((await self.read(back))["message"], "Resumed")
        self.assertEqual([(await self.read(back))["data"][0]["status"] for _ in "CD"], ["C", "D"])
        other = await self.connect()
        await other.send_str(watch({"session": "s1"}, after="unknown-1"))
        gap, snapshot = await self.read(other), await self.read(other)
        self.assertEqual((gap["message"], gap["data"]), ("Gap", [{"missed": None}]))
        self.assertEqual(snapshot["message"], "Snapshot")

    async def test_who_reads_slowly_is_told_of_its_gap(self):
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        host, port = self.daemon.web.split(":")
        raw.connect((host, int(port)))
        with contextlib.closing(raw):
            raw.sendall(b"GET /events?session=s1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            stream = raw.makefile("r")
            while "Snapshot" not in stream.readline():
                pass
            for i in range(600):
                self.publish("PUBLISHING", info=f"{i} " + "x" * 4000)
            wait_until(lambda: self.daemon.metric("tallybus_client_gaps_total", reason="slow") > 0,
                       "a gap began")
            numbers, missed = [], 0
            while len(numbers) + missed < 600:
                line = stream.readline()
                if line.startswith("data: "):
                    frame = json.loads(line[6:])
                    if frame["message"] == "Gap":
                        missed += frame["data"][0]["missed"]
                        self.assertEqual(frame["sequence"], len(numbers) + missed)
                    elif frame["message"] == "StreamStatusEvent":
                        numbers.append(int(frame["data"][0]["info"].split()[0]))
            self.assertGreater(missed, 0)
            self.assertEqual(numbers, sorted(numbers))
        wait_until(lambda: self.daemon.metric("tallybus_alerts_active", alert="ClientGaps") == 1,
                   "the alert ClientGaps")

    async def test_event_streams_resume_by_last_event_id(self):
        with EventStream(self.daemon, "session=s1") as events:
            self.assertEqual(events.read()["event"], "Snapshot")
            self.publish("A", "B", "C")
            told = [events.read() for _ in range(3)]
        self.assertEqual([t["data"]["data"][0]["status"] for t in told], ["A", "B", "C"])
        self.assertEqual([t["id"] for t in told], [t["data"]["id"] for t in told])
        with EventStream(self.daemon, "session=s1", "-H", f"Last-Event-ID: {told[0]['id']}") as back:
            self.assertEqual(back.read()["event"], "Resumed")
            self.assertEqual([back.read()["id"] for _ in range(2)], [t["id"] for t in told[1:]])

    async def test_at_shutdown_clients_get_1001_and_streams_end(self):
        ws = await self.connect("?session=s1")
        await self.read(ws)
        with EventStream(self.daemon, "session=s1") as events:
            events.read()
            stopping = asyncio.get_running_loop().run_in_executor(None, self.daemon.stop)
            self.assertEqual(await self.read_close(ws), 1001)
            self.assertIsNone(events.read())
            await stopping

    async def test_client_exclude_holds_for_snapshot_events_and_replay(self):
        hide = {"StreamStatusEvent": {"clientExclude": "mediaSessionId,hasVideo"}}
        daemon = self.enterContext(Tallybusd(
            {"defaultApp": {"url": self.backend.url, "rest_client_config": hide}}))
        bus = self.enterContext(OpenBus(daemon))
        self.daemon, self.bus = daemon, bus
        ws = await self.connect("?session=s1")
        await self.read(ws)
        self.publish("PUBLISHING")
        event = await self.read(ws)
        self.publish("PAUSED")
        self.backend.await_requests(2)
        again = await self.connect("?session=s1")
        snapshot = await self.read(again)
        back = await self.connect(f"?session=s1&after={event['id']}")
        await self.read(back)
        for frame in (event, snapshot, await self.read(back)):
            self.assertIn("hasAudio", frame["data"][0])
            self.assertNotIn("mediaSessionId", frame["data"][0])
            self.assertNotIn("hasVideo", frame["data"][0])

    async def test_more_than_clients_max_are_turned_away(self):
        self.start({"max": 2})
        kept = [await self.connect("?session=s1") for _ in range(2)]
        with self.assertRaises(aiohttp.WSServerHandshakeError) as refused:
            await self.connect("?session=s1")
        self.assertEqual(refused.exception.status, 503)
        await kept[0].close()
        wait_until(lambda: self.daemon.metric("tallybus_client_connections") == 1, "one left")
        self.assertEqual((await self.read(await self.connect("?session=s1")))["message"], "Snapshot")


if __name__ == "__main__":
    unittest.main()
