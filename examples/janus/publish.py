#!/usr/bin/python3
"""Publishes a generated camera to a Janus video room over WebRTC.

    publish.py --url http://127.0.0.1:8088/janus --room 1234 --display cam-1 --seconds 10

Prints one line when media flows, holds for --seconds or until a line on standard input, then
unpublishes, leaves and destroys its session. Needs Debian's python3-aiortc and python3-aiohttp,
and talks to nobody but the given Janus.
"""

import argparse
import asyncio
import fractions
import json
import math
import secrets
import signal
import struct
import sys

try:
    import aiohttp
    from aiortc import (MediaStreamTrack, RTCConfiguration, RTCPeerConnection,
                        RTCSessionDescription)
    from av import AudioFrame, VideoFrame
except ImportError as error:
    sys.exit(f"publish.py: {error}; apt install python3-aiortc python3-aiohttp, and run it with "
             "/usr/bin/python3")

VIDEO_ROOM = "janus.plugin.videoroom"
ANSWER_SECONDS = 15
CONNECT_SECONDS = 20
HTTP_SECONDS = 40  # Janus ends an idle long poll after 30 s


class JanusError(Exception):
    """Janus refused, did not answer or could not be reached."""


class JanusSession:
    """A session over Janus's HTTP API: requests by POST, events by long poll."""

    def __init__(self, url):
        self._url = url.rstrip("/")
        self._http = None
        self._poller = None
        self._answers = {}
        self._up = {}
        self.id = None

    async def __aenter__(self):
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=HTTP_SECONDS))
        try:
            self.id = (await self._post(self._url, {"janus": "create"}))["data"]["id"]
        except BaseException:
            await self._http.close()
            raise
        self._poller = asyncio.create_task(self._poll())
        return self

    async def __aexit__(self, *_):
        self._poller.cancel()
        try:
            await self.command("destroy")
        finally:
            await self._http.close()

    async def attach(self, plugin):
        """Attaches to a plugin and returns the handle's id."""
        answer = await self._post(self._path(), {"janus": "attach", "plugin": plugin})
        return answer["data"]["id"]

    async def request(self, handle, body, jsep=None):
        """Sends a plugin request and returns its event: {"plugindata":.., "jsep":..}."""
        message = {"janus": "message", "body": body, "transaction": secrets.token_hex(8)}
        if jsep is not None:
            message["jsep"] = jsep
        future = asyncio.get_running_loop().create_future()
        self._answers[message["transaction"]] = future
        try:
            answer = await self._post(self._path(handle), message)
            if answer["janus"] == "ack":
                answer = await asyncio.wait_for(future, ANSWER_SECONDS)
        except asyncio.TimeoutError:
            raise JanusError(f"{body['request']}: no answer in {ANSWER_SECONDS} s") from None
        finally:
            del self._answers[message["transaction"]]
        data = answer.get("plugindata", {}).get("data", {})
        if "error" in data:
            raise JanusError(f"{body['request']}: {data['error']}")
        return answer

    def expect_up(self, handle):
        """Returns a future that is done once Janus says that this handle's media is up. Ask for
        it before the offer or answer is sent."""
        self._up[handle] = asyncio.get_running_loop().create_future()
        return self._up[handle]

    async def command(self, name, handle=None):
        """Sends a command of Janus's core: detach, hangup, destroy."""
        await self._post(self._path(handle), {"janus": name})

    def _path(self, handle=None):
        return f"{self._url}/{self.id}" + (f"/{handle}" if handle else "")

    async def _poll(self):
        while True:
            try:
                events = await self._exchange("GET", self._path() + "?maxev=10")
            except JanusError:
                return  # whoever waits for an answer runs into its own time limit
            for event in events if isinstance(events, list) else [events]:
                self._settle(event)

    def _settle(self, event):
        future = None
        if event["janus"] == "event":
            future = self._answers.get(event.get("transaction"))
        elif event["janus"] == "webrtcup":
            future = self._up.get(event["sender"])
        if future is not None and not future.done():
            future.set_result(event)

    async def _post(self, url, message):
        message.setdefault("transaction", secrets.token_hex(8))
        answer = await self._exchange("POST", url, json=message)
        if answer.get("janus") == "error":
            raise JanusError(f"{message['janus']}: {answer['error']['reason']}")
        return answer

    async def _exchange(self, method, url, **arguments):
        try:
            async with self._http.request(method, url, **arguments) as answer:
                return json.loads(await answer.text())
        except (aiohttp.ClientError, asyncio.TimeoutError, ValueError) as error:
            raise JanusError(f"no Janus at {self._url}: {error or 'timed out'}") from error


class GeneratedVideo(MediaStreamTrack):
    """A grey picture with a bar that moves; small and slow, to be cheap to encode."""

    kind = "video"
    WIDTH, HEIGHT, RATE = 160, 120, 10

    def __init__(self):
        super().__init__()
        self._count = 0
        self._clock = Clock()

    async def recv(self):
        await self._clock.wait_for(self._count / self.RATE)
        frame = VideoFrame(self.WIDTH, self.HEIGHT, "yuv420p")
        for plane in frame.planes:
            plane.update(b"\x80" * plane.buffer_size)
        luma = frame.planes[0]
        bar = self._count * 4 % (self.WIDTH - 16)
        row = b"\x50" * bar + b"\xe0" * 16 + b"\x50" * (luma.line_size - bar - 16)
        luma.update(row * (luma.buffer_size // luma.line_size))
        frame.pts = self._count
        frame.time_base = fractions.Fraction(1, self.RATE)
        self._count += 1
        return frame


class GeneratedAudio(MediaStreamTrack):
    """A quiet tone of 440 Hz."""

    kind = "audio"
    RATE, SAMPLES = 48000, 960

    def __init__(self):
        super().__init__()
        self._count = 0
        self._clock = Clock()

    async def recv(self):
        start = self._count * self.SAMPLES
        await self._clock.wait_for(start / self.RATE)
        tone = [int(3000 * math.sin(2 * math.pi * 440 * (start + i) / self.RATE))
                for i in range(self.SAMPLES)]
        frame = AudioFrame(format="s16", layout="mono", samples=self.SAMPLES)
        frame.planes[0].update(struct.pack(f"<{self.SAMPLES}h", *tone))
        frame.sample_rate = self.RATE
        frame.pts = start
        frame.time_base = fractions.Fraction(1, self.RATE)
        self._count += 1
        return frame


class Clock:
    """Paces a track: seconds since its first frame."""

    def __init__(self):
        self._start = None

    async def wait_for(self, seconds):
        now = asyncio.get_running_loop().time()
        if self._start is None:
            self._start = now
        await asyncio.sleep(max(0.0, self._start + seconds - now))


class Publisher:
    """One participant of a video room that sends generated media."""

    def __init__(self, session, room, display, audio_only=False):
        self._session = session
        self._room = room
        self._display = display
        self._audio_only = audio_only
        self._connection = None
        self.handle = None

    async def join(self):
        """Attaches and joins the room; returns the feed's id."""
        self.handle = await self._session.attach(VIDEO_ROOM)
        answer = await self._session.request(self.handle, {
            "request": "join", "ptype": "publisher", "room": self._room,
            "display": self._display})
        return answer["plugindata"]["data"]["id"]

    def tracks(self):
        return [GeneratedAudio()] + ([] if self._audio_only else [GeneratedVideo()])

    async def publish(self):
        """Offers the media and returns once it flows."""
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        for track in self.tracks():
            self._connection.addTrack(track)
        await self._connection.setLocalDescription(await self._connection.createOffer())
        offer = self._connection.localDescription
        up = self._session.expect_up(self.handle)
        answer = await self._session.request(self.handle, {"request": "publish"},
                                             {"type": offer.type, "sdp": offer.sdp})
        if "jsep" not in answer:
            raise JanusError("publish: Janus did not answer the offer")
        await self._connection.setRemoteDescription(RTCSessionDescription(
            answer["jsep"]["sdp"], answer["jsep"]["type"]))
        await connected(self._connection, up)

    async def unpublish(self):
        await self._session.request(self.handle, {"request": "unpublish"})
        await self.drop()

    async def leave(self):
        await self._session.request(self.handle, {"request": "leave"})

    async def drop(self):
        """Closes the media and tells Janus nothing."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None


async def connected(connection, up):
    """Returns once both sides call the connection up; JanusError where that takes too long."""
    changed = asyncio.Event()
    connection.on("connectionstatechange", changed.set)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            while connection.connectionState in ("new", "connecting"):
                changed.clear()
                await changed.wait()
            if connection.connectionState == "connected":
                await up  # ours may be up a little before Janus's
                return
    except asyncio.TimeoutError:
        pass
    raise JanusError(f"WebRTC is {connection.connectionState} after at most {CONNECT_SECONDS} s: "
                     "can this host and Janus reach each other by UDP?")


async def hold(seconds):
    """Returns after `seconds` (0: never), on a line or the end of standard input, or a signal."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)

    def readable():
        line = sys.stdin.readline()
        if not line:
            loop.remove_reader(sys.stdin)
        if line or not seconds:  # with --seconds a closed standard input ends nothing
            over.set()

    try:
        loop.add_reader(sys.stdin, readable)
    except (OSError, ValueError):
        pass  # a file or /dev/null cannot be waited for: --seconds or a signal ends it
    try:
        await asyncio.wait_for(over.wait(), seconds or None)
    except asyncio.TimeoutError:
        pass


async def run(options):
    async with JanusSession(options.url) as session:
        publisher = Publisher(session, options.room, options.display, options.audio_only)
        try:
            feed = await publisher.join()
            await publisher.publish()
            print(f"publishing {options.room}/{options.display or feed} session={session.id} "
                  f"handle={publisher.handle}", flush=True)
            await hold(options.seconds)
            await publisher.unpublish()
            await publisher.leave()
        finally:
            await publisher.drop()
    print("done", flush=True)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--url", default="http://127.0.0.1:8088/janus", help="Janus's HTTP API")
    parser.add_argument("--room", type=int, default=1234, help="number of the video room")
    parser.add_argument("--display", default="", help="display name; none: the feed's id counts")
    parser.add_argument("--seconds", type=float, default=0.0,
                        help="how long to publish; 0: until a line on standard input")
    parser.add_argument("--audio-only", action="store_true", help="send no video")
    options = parser.parse_args()
    if options.seconds < 0:
        parser.error("--seconds must not be negative")
    return options


def main():
    try:
        asyncio.run(run(parse_options()))
    except JanusError as error:
        sys.exit(f"publish.py: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
