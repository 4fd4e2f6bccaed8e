"""A route to NATS: every event is in the stream once and in the order of its lane, also where the
server is killed while they come."""

import subprocess
import sys
import threading
import time
import unittest
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from nats_peer import NatsClient, NatsServer  # noqa: E402
from tallybus_parts import BIN, OpenBus, Tallybusd, stream_status, wait_until  # noqa: E402

STREAMS = 20
KILLS = 3


def daemon_with_route(url, **more):
    daemon = Tallybusd(apps={"defaultApp": {}})
    daemon.config["routes"] = [{"name": "stream", "transport": "nats", "endpoints": [url],
                                "retry": ["100ms"] * 60, **more}]
    return daemon


class Load:
    """Publishes numbered events, of one stream after the other, until it is told to stop."""

    def __init__(self, daemon):
        self._daemon = daemon
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.sent = 0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        with OpenBus(self._daemon) as bus:
            while not self._stop.is_set():
                stream = self.sent % STREAMS
                bus.send(stream_status(session=f"s{stream}", media=f"m{stream}",
                                       name=f"cam.{stream} *", bitrate=self.sent))
                self.sent += 1
                time.sleep(0.0005)


class NatsTest(unittest.TestCase):
    def test_a_server_that_is_killed_under_load_has_every_event_once_and_in_order(self):
        with NatsServer() as server, daemon_with_route(server.url) as daemon:
            with NatsClient(server) as client:
                client.add_stream()

            def delivered():
                return daemon.metric("tallybus_events_delivered_total", route="stream")

            with Load(daemon) as load:
                for _ in range(KILLS):
                    before = delivered()
                    wait_until(lambda: delivered() > before + 300, "some are delivered")
                    server.kill()
                    sent = load.sent
                    wait_until(lambda: load.sent > sent + 300, "the load goes on")
                    server.start()
                before = delivered()
                wait_until(lambda: delivered() > before, "it goes on")
            wait_until(lambda: delivered() == load.sent,
                       lambda: f"all are delivered: {delivered()} of {load.sent}")
            with NatsClient(server) as client:
                messages = list(client.messages())
            self.check(messages, load.sent)

    def check(self, messages, sent):
        ids = Counter(headers["Nats-Msg-Id"] for _, headers, _ in messages)
        self.assertEqual([i for i, n in ids.items() if n > 1], [], "more than once")
        numbers = [event["bitrate"] for _, _, event in messages]
        self.assertEqual(sorted(numbers), list(range(sent)), "every event once")
        last = {}
        for subject, headers, event in messages:
            lane = headers["tallybus-lane"]
            sequence, number = last.get(lane, (0, -1))
            self.assertEqual(int(headers["tallybus-sequence"]), sequence + 1, lane)
            self.assertGreater(event["bitrate"], number, lane)
            last[lane] = (sequence + 1, event["bitrate"])
            self.assertEqual(len(subject.split(".")), 4, subject)
        self.assertEqual(len(last), STREAMS)

    def test_without_a_stream_they_wait_for_one_and_the_log_says_so(self):
        with NatsServer() as server, daemon_with_route(server.url) as daemon, \
                OpenBus(daemon) as bus:
            for number in range(5):
                bus.send(stream_status(bitrate=number))
            wait_until(lambda: "add a stream for it" in daemon.log(), "the mend in the log")
            self.assertEqual(daemon.metric("tallybus_events_given_up_total"), 0)
            with NatsClient(server) as client:
                client.add_stream()
                subprocess.run([BIN / "tallybus", "endpoint", "resume", "stream", "--admin",
                                f"unix:{daemon.admin}"], check=True, capture_output=True)
                wait_until(lambda: daemon.metric("tallybus_events_delivered_total") == 5,
                           "the held are taken")
                self.assertEqual([e["bitrate"] for _, _, e in client.messages()], list(range(5)))


if __name__ == "__main__":
    unittest.main()
