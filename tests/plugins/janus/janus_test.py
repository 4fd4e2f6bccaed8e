#!/usr/bin/python3
"""A real Janus with the built plugin, real WebRTC clients, a real tallybusd: what arrives?

Needs TALLYBUS_BIN_DIR (tallybusd) and TALLYBUS_LIB_DIR (the plugin); ctest sets both. With
TALLYBUS_FORM=in_engine there is no tallybusd: the router runs inside Janus.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(REPOSITORY / "tests/support"), str(REPOSITORY / "examples/janus")]

import janus_server  # noqa: E402
import publish  # noqa: E402
import zmq  # noqa: E402
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription  # noqa: E402

BIN_DIR = Path(os.environ.get("TALLYBUS_BIN_DIR", REPOSITORY / "build/dev/bin"))
LIB_DIR = Path(os.environ.get("TALLYBUS_LIB_DIR", REPOSITORY / "build/dev/lib"))
IN_ENGINE = os.environ.get("TALLYBUS_FORM") == "in_engine"
PUBLISH = REPOSITORY / "examples/janus/publish.py"
ARRIVE_SECONDS = 60
NODE, APP = "test-node", "testApp"
CONFIG = """\
listen: {{ engine: {2}, open: "ipc://{0}/open.sock", clients: "ipc://{0}/clients.sock",
           web: off, admin: off }}
spool: {{ path: memory }}
apps: {{ {1}: {{}} }}
"""


class Router:
    """The router with its client channel, to which all messages of all sessions are subscribed."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="tb-")
        self._config = Path(self._folder.name) / "tallybus.yaml"
        socket = f"ipc://{self._folder.name}/engine.sock"
        self._config.write_text(CONFIG.format(self._folder.name, APP,
                                              "off" if IN_ENGINE else json.dumps(socket)))
        self.endpoint = f"embedded:{self._config}" if IN_ENGINE else socket
        self._process = None
        self._context = zmq.Context()
        self._channel = self._context.socket(zmq.SUB)
        self.received = []

    def start(self):
        """Starts tallybusd, where Janus does not bring the router."""
        if IN_ENGINE:
            return
        with open(self._log_path(), "wb") as log:
            self._process = subprocess.Popen([BIN_DIR / "tallybusd", "--config", self._config],
                                             stdout=log, stderr=subprocess.STDOUT)

    def _log_path(self):
        return Path(self._folder.name) / "log"

    def listen(self):
        """Subscribes, once Janus runs and before anything happens there."""
        try:
            self._subscribe(self._folder.name)
        except BaseException:
            if not IN_ENGINE:
                print(self._log_path().read_text(errors="replace"), file=sys.stderr)
            raise

    def _subscribe(self, folder):
        """The subscription has arrived when an event of ours comes back."""
        self._channel.setsockopt(zmq.SUBSCRIBE, b"session/")
        self._channel.connect(f"ipc://{folder}/clients.sock")
        with self._context.socket(zmq.PUSH) as bus:
            bus.setsockopt(zmq.LINGER, 0)
            bus.connect(f"ipc://{folder}/open.sock")

            def heard():
                bus.send_multipart([b"OnDataEvent", json.dumps({"appKey": APP,
                                                                "sessionId": "ours"}).encode()])
                return self._channel.poll(50)
            janus_server.wait_until(heard, 60, "the router tells of an event")

    def stop(self):
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._context.destroy(linger=0)
        self._folder.cleanup()

    def events(self, session=None):
        """All (message, object) so far, of one session or of every one."""
        while self._channel.poll(0):
            topic, message, body, _ = self._channel.recv_multipart()
            self.received.append((topic.decode(), message.decode(), json.loads(body)))
        return [(message, body) for topic, message, body in self.received
                if session is None or topic == f"session/{session}"]

    def wait_for(self, session, status):
        """Waits for the first event of that status and returns its object."""
        def found():
            return [b for _, b in self.events(session) if b["status"] == status]
        try:
            return janus_server.wait_until(found, ARRIVE_SECONDS, f"{status} of {session}")[0]
        except TimeoutError as error:
            raise AssertionError(f"{error}; arrived: {self.events()}") from error

    def statuses(self, session):
        """Waits for the session's end and returns all its statuses in order."""
        self.wait_for(session, "DISCONNECTED")
        return [body["status"] for _, body in self.events(session)]


def require_programs():
    for name, there in {"tallybusd": (BIN_DIR / "tallybusd").exists(),
                        "the plugin": (LIB_DIR / janus_server.EVENT_HANDLER).exists(),
                        "Janus": janus_server.janus_is_installed()}.items():
        if not there:
            raise AssertionError(f"{name} is not there")


async def answer(session, handle, offer):
    """Answers an offer of Janus as a viewer and returns the connection once it is up."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    await connection.setRemoteDescription(RTCSessionDescription(offer["sdp"], offer["type"]))
    await connection.setLocalDescription(await connection.createAnswer())
    up = session.expect_up(handle)
    await session.request(handle, {"request": "start"},
                          {"type": "answer", "sdp": connection.localDescription.sdp})
    await publish.connected(connection, up)
    return connection


class JanusTest(unittest.TestCase):
    """One Janus and one tallybusd for all; every test has sessions of its own."""

    @classmethod
    def setUpClass(cls):
        require_programs()
        cls.router = Router()
        cls.router.start()
        cls.addClassCleanup(cls.router.stop)
        cls.janus = cls.enterClassContext(janus_server.JanusServer(
            LIB_DIR, endpoint=cls.router.endpoint, app_key=APP, node_id=NODE,
            handler={"jsep": True}))
        cls.router.listen()

    def test_the_example_publishes_until_it_is_told_to_stop(self):
        with subprocess.Popen([PUBLISH, "--url", self.janus.url, "--display", "cam-1"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as example:
            line = example.stdout.readline()
            self.assertRegex(line, r"^publishing 1234/cam-1 session=\d+ handle=\d+$")
            session, handle = (word.split("=")[1] for word in line.split()[2:])
            event = self.router.wait_for(session, "PUBLISHING")
            example.communicate("\n", timeout=60)
        self.assertEqual(example.returncode, 0)
        self.assertEqual(self.router.statuses(session),
                         ["ESTABLISHED", "PUBLISHING", "UNPUBLISHED", "DISCONNECTED"])
        expected = {"nodeId": NODE, "appKey": APP, "sessionId": session,
                    "mediaSessionId": f"{session}-{handle}", "name": "1234/cam-1",
                    "published": True, "hasVideo": True, "hasAudio": True,
                    "mediaProvider": "WebRTC", "record": False}
        self.assertEqual({key: event[key] for key in expected}, expected)
        self.assertTrue(event["sdp"].startswith("v=0"), event["sdp"][:20])

    def test_a_session_is_told_as_a_connection(self):
        async def connect():
            async with publish.JanusSession(self.janus.url) as session:
                return session.id
        session = str(asyncio.run(connect()))
        self.router.wait_for(session, "DISCONNECTED")
        self.assertEqual(self.router.events(session), [
            ("ConnectionStatusEvent", {"nodeId": NODE, "appKey": APP, "sessionId": session,
                                       "status": "ESTABLISHED"}),
            ("ConnectionStatusEvent", {"nodeId": NODE, "appKey": APP, "sessionId": session,
                                       "status": "DISCONNECTED", "info": "session destroyed"})])

    def test_a_session_that_is_destroyed_ends_its_stream_first(self):
        async def publish_and_go():
            async with publish.JanusSession(self.janus.url) as session:
                publisher = publish.Publisher(session, self.janus.ROOM, "cam-2", audio_only=True)
                await publisher.join()
                await publisher.publish()
                event = await asyncio.to_thread(self.router.wait_for, session.id, "PUBLISHING")
                self.assertFalse(event["hasVideo"])
            await publisher.drop()
            return session.id
        session = asyncio.run(publish_and_go())
        self.assertEqual(self.router.statuses(session),
                         ["ESTABLISHED", "PUBLISHING", "UNPUBLISHED", "DISCONNECTED"])

    def test_another_publication_of_a_handle_is_another_media_session(self):
        async def publish_twice():
            async with publish.JanusSession(self.janus.url) as session:
                publisher = publish.Publisher(session, self.janus.ROOM, "cam-3", audio_only=True)
                await publisher.join()
                for _ in range(2):
                    await publisher.publish()
                    await publisher.unpublish()
                return session.id, publisher.handle
        session, handle = asyncio.run(publish_twice())
        self.router.wait_for(session, "DISCONNECTED")
        self.assertEqual([(body["mediaSessionId"], body["status"])
                          for message, body in self.router.events(session)
                          if message == "StreamStatusEvent"],
                         [(f"{session}-{handle}", "PUBLISHING"),
                          (f"{session}-{handle}", "UNPUBLISHED"),
                          (f"{session}-{handle}-2", "PUBLISHING"),
                          (f"{session}-{handle}-2", "UNPUBLISHED")])

    def test_a_subscriber_plays_and_stops(self):
        async def subscribe():
            async with publish.JanusSession(self.janus.url) as sender, \
                    publish.JanusSession(self.janus.url) as viewer:
                publisher = publish.Publisher(sender, self.janus.ROOM, "", audio_only=True)
                feed = await publisher.join()
                await publisher.publish()
                handle = await viewer.attach(publish.VIDEO_ROOM)
                offer = await viewer.request(handle, {
                    "request": "join", "ptype": "subscriber", "room": self.janus.ROOM,
                    "streams": [{"feed": feed}]})
                connection = await answer(viewer, handle, offer["jsep"])
                await viewer.request(handle, {"request": "leave"})
                await connection.close()
                await publisher.drop()
                return viewer.id, feed
        session, feed = asyncio.run(subscribe())
        self.assertEqual(self.router.statuses(session),
                         ["ESTABLISHED", "PLAYING", "STOPPED", "DISCONNECTED"])
        event = self.router.wait_for(session, "PLAYING")
        self.assertEqual(event["name"], f"{self.janus.ROOM}/{feed}")
        self.assertEqual((event["published"], event["hasVideo"], event["hasAudio"]),
                         (False, False, True))

    def test_a_viewer_of_a_mountpoint_plays_and_stops(self):
        async def watch():
            async with publish.JanusSession(self.janus.url) as viewer:
                handle = await viewer.attach("janus.plugin.streaming")
                offer = await viewer.request(handle, {"request": "watch",
                                                      "id": self.janus.MOUNTPOINT})
                connection = await answer(viewer, handle, offer["jsep"])
                await viewer.request(handle, {"request": "stop"})
                await connection.close()
                return viewer.id
        session = asyncio.run(watch())
        self.assertEqual(self.router.statuses(session),
                         ["ESTABLISHED", "PLAYING", "STOPPED", "DISCONNECTED"])
        self.assertEqual(self.router.wait_for(session, "PLAYING")["name"],
                         str(self.janus.MOUNTPOINT))

    def test_a_hang_up_before_media_flows_is_a_failure_with_its_reason(self):
        async def offer_and_hang_up():
            async with publish.JanusSession(self.janus.url) as session:
                publisher = publish.Publisher(session, self.janus.ROOM, "cam-4")
                await publisher.join()
                silent = RTCPeerConnection(RTCConfiguration(iceServers=[]))
                silent.addTrack(publish.GeneratedAudio())
                await silent.setLocalDescription(await silent.createOffer())
                sdp = "".join(line for line in silent.localDescription.sdp.splitlines(True)
                              if "candidate" not in line)  # nobody can be reached
                await session.request(publisher.handle, {"request": "publish"},
                                      {"type": "offer", "sdp": sdp})
                await session.command("hangup", publisher.handle)
                await asyncio.to_thread(self.router.wait_for, session.id, "FAILED")
                await silent.close()
                return session.id
        session = asyncio.run(offer_and_hang_up())
        self.assertEqual(self.router.statuses(session), ["ESTABLISHED", "FAILED", "DISCONNECTED"])
        self.assertEqual(self.router.wait_for(session, "FAILED")["info"], "Janus API")

    def test_janus_log_says_once_where_it_connects_and_that_it_did(self):
        for text in (f"this is node {NODE}, app {APP}",
                     f"connecting to the router at {self.router.endpoint}",
                     f"connected to the router at {self.router.endpoint}"):
            janus_server.wait_until(lambda: text in self.janus.log(), 60, text)
            lines = [line for line in self.janus.log().splitlines() if "Tallybus" in line]
            self.assertEqual(sum(text in line for line in lines), 1, lines)


class ShutdownTest(unittest.TestCase):
    def test_a_janus_that_is_shut_down_ends_what_is_live(self):
        require_programs()
        router = Router()
        router.start()
        self.addCleanup(router.stop)
        janus = self.enterContext(janus_server.JanusServer(LIB_DIR, endpoint=router.endpoint,
                                                           app_key=APP))
        router.listen()
        with subprocess.Popen([PUBLISH, "--url", janus.url, "--display", "cam-5", "--audio-only"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True) as example:
            session = example.stdout.readline().split()[2].split("=")[1]
            router.wait_for(session, "PUBLISHING")
            janus.stop()
            self.assertEqual(router.statuses(session),
                             ["ESTABLISHED", "PUBLISHING", "UNPUBLISHED", "DISCONNECTED"])
            example.communicate("\n", timeout=60)
        self.assertNotEqual(example.returncode, 0)


class RefusalTest(unittest.TestCase):
    """A wrong file: Janus runs on, so its log must say why there are no events."""

    def log_with(self, text):
        require_programs()
        files = {"janus.eventhandler.tallybusevh.jcfg": text}
        with janus_server.JanusServer(LIB_DIR, files=files) as janus:
            janus.stop()
            return [line for line in janus.log().splitlines() if "Tallybus" in line]

    def assert_refused(self, setting, *words):
        lines = self.log_with(f"general: {{ enabled = true\n{setting} }}\n")
        self.assertEqual(len(lines), 1, lines)
        for word in ("[ERR]", "no events will be sent", *words):
            self.assertIn(word, lines[0])

    def test_an_unknown_key_is_refused(self):
        self.assert_refused('backend = "http://x"', "general.backend", "known are enabled")

    def test_a_group_where_a_value_belongs_is_refused(self):
        self.assert_refused('endpoint: { host = "x" }', "general.endpoint", "single value")

    def test_a_number_for_an_endpoint_is_refused(self):
        self.assert_refused("endpoint = 5583", "general.endpoint", "ipc:///run/tallybus")

    def test_an_unknown_group_is_refused(self):
        lines = self.log_with("generel: { enabled = true }\n")
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("generel", lines[0])

    def test_a_file_that_cannot_be_read_is_refused(self):
        lines = self.log_with("general: { enabled = \n")
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("janus.eventhandler.tallybusevh.jcfg", lines[0])

    def test_the_sample_is_valid_and_disabled(self):
        sample = REPOSITORY / "plugins/janus/janus.eventhandler.tallybusevh.jcfg"
        lines = self.log_with(sample.read_text())
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("disabled: set enabled = true", lines[0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
