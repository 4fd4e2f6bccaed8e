#!/usr/bin/python3
"""A real Janus dies under live WebRTC streams: every backend that saw them begin sees them end.

100 silent publishers are what two cores carry within some seconds: it is not Janus that has enough
then (a sixth of a core) but the Python of the publishers, whose handshakes take the time.
Needs TALLYBUS_BIN_DIR (tallybusd) and TALLYBUS_LIB_DIR (the plugin); ctest sets both.
"""

import os
import subprocess
import sys
import unittest
from collections import Counter, defaultdict
from pathlib import Path

SUPPORT = Path(__file__).resolve().parents[2] / "support"
sys.path.insert(0, str(SUPPORT))
from janus_server import JanusServer  # noqa: E402
from tallybus_parts import Backend, Tallybusd, wait_until  # noqa: E402

LIB_DIR = Path(os.environ.get("TALLYBUS_LIB_DIR", "build/release/lib"))
NODE, APP = "janus-1", "testApp"
STREAMS = 100
UP_SECONDS = 180
SHORT_GRACE = {"engines": {"grace": "8s"}}


class Publishers:
    """So many publishers as a process of their own; `streams` maps media sessions to sessions."""

    def __init__(self, janus, count, prefix):
        self._process = subprocess.Popen(
            ["/usr/bin/python3", SUPPORT / "janus_publishers.py", janus.url, str(janus.ROOM),
             str(count), prefix], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.streams = {}
        for line in self._process.stdout:
            session, handle = line.split()
            self.streams[f"{session}-{handle}"] = session
            if len(self.streams) == count:
                return
        self.close()
        raise AssertionError(f"{len(self.streams)} of {count} publishers came up")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


class Told:
    """What a backend was told, each event once, in the order of its coming."""

    def __init__(self, backend):
        self.by_lane = defaultdict(list)
        self.again = Counter()
        seen = set()
        for request in list(backend.requests):
            id_ = request.headers["webhook-id"]
            if id_ in seen:
                self.again[request.json["status"]] += 1
                continue
            seen.add(id_)
            self.by_lane[request.headers["tallybus-lane"]].append(request)

    def of(self, field, status):
        return [r.json[field] for lane in self.by_lane.values() for r in lane
                if field in r.json and r.json["status"] == status]


class JanusLostTest(unittest.TestCase):
    def start(self, extra=None):
        self.backend = self.enterContext(Backend())
        self.daemon = self.enterContext(Tallybusd(apps={APP: {"url": self.backend.url}},
                                                  extra=extra))
        self.janus = self.enterContext(JanusServer(LIB_DIR, endpoint=self.daemon.engine,
                                                   app_key=APP, node_id=NODE))

    def publish(self, count, prefix="cam-"):
        """Publishers whose streams have all begun at the backend."""
        publishers = self.enterContext(Publishers(self.janus, count, prefix))
        wait_until(lambda: set(publishers.streams) <=
                   set(Told(self.backend).of("mediaSessionId", "PUBLISHING")),
                   "every stream has begun at the backend", UP_SECONDS)
        return publishers.streams

    def await_ends(self, streams):
        wait_until(lambda: len(Told(self.backend).of("mediaSessionId", "FAILED")) >= len(streams)
                   and len(Told(self.backend).of("sessionId", "DISCONNECTED")) >= len(streams),
                   "all ends")
        wait_until(lambda: self.daemon.metric("tallybus_waiting_events") == 0 and
                   self.daemon.metric("tallybus_in_flight_events") == 0, "all is settled")

    def check_ends(self, streams):
        """Of these streams and of no others, each end once."""
        told = Told(self.backend)
        self.assertEqual(Counter(told.of("mediaSessionId", "FAILED")), Counter(list(streams)))
        self.assertEqual(Counter(told.of("sessionId", "DISCONNECTED")), Counter(streams.values()))
        self.assertLessEqual(set(told.again), {"ESTABLISHED", "PUBLISHING"})  # an end never
        for lane in told.by_lane.values():
            if lane[0].json["sessionId"] in streams.values():
                self.check_lane(lane)

    def check_lane(self, lane):
        sequences = [int(r.headers["tallybus-sequence"]) for r in lane]
        self.assertEqual(sequences, list(range(1, len(lane) + 1)))
        begin, end = {"StreamStatusEvent": ("PUBLISHING", "FAILED"),
                      "ConnectionStatusEvent": ("ESTABLISHED", "DISCONNECTED")}[lane[0].method]
        self.assertEqual([r.json["status"] for r in lane], [begin, end])
        self.assertEqual(lane[-1].headers["tallybus-origin"], "router")
        self.assertEqual((lane[-1].json["info"], lane[-1].json["nodeId"]),
                         ("engine lost", NODE))

    # Ant-Media#6985, #2014, #4277
    def test_janus_and_router_are_killed_and_their_streams_stay_live_for_ever(self):
        self.start(SHORT_GRACE)
        streams = self.publish(STREAMS)
        self.janus.kill()
        self.daemon.kill()
        self.daemon.start()
        self.await_ends(streams)
        self.check_ends(streams)

        # The same node again: what was told in its place is told neither by it nor once more.
        told_before = len(self.backend.requests)
        self.janus.start()
        after = self.publish(1, "other-")
        # By the time that this one counts as lost, the first would have been lost again.
        self.janus.kill()
        self.await_ends({**streams, **after})
        self.assertEqual({r.json["sessionId"] for r in self.backend.requests[told_before:]},
                         set(after.values()))
        self.check_ends({**streams, **after})

    def test_a_janus_that_crashes_and_is_started_at_once_leaves_no_stream_live(self):
        self.start()  # its grace is longer than anything here waits
        streams = self.publish(8)
        self.janus.kill()
        self.janus.start()
        after = self.publish(1, "other-")
        self.await_ends(streams)
        self.check_ends(streams)
        self.assertNotIn(list(after)[0], Told(self.backend).of("mediaSessionId", "FAILED"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
