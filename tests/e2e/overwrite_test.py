"""restPolicy OVERWRITE between real programs: the client gets the backend's fields, in order, and a
backend that hangs delays its own stream alone, and that no longer than the timeout."""

import json
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from engine_library import EnginePublisher  # noqa: E402
from tallybus_parts import (BIN, Backend, Client, OpenBus, Tallybusd, refused_url,  # noqa: E402
                            stream_status, wait_until)

OVERWRITE = {"StreamStatusEvent": {"restPolicy": "OVERWRITE",
                                   "restOverwrite": "info,width,nodeId"}}


def app(url, config=None, **fields):
    return {"defaultApp": {"url": url, "rest_client_config": config or OVERWRITE, **fields}}


def answering(**fields):
    """A backend that echoes the event with some fields of its own."""
    return lambda request: (200, json.dumps({**request.json, **fields}).encode())


class OverwriteTest(unittest.TestCase):
    def ended(self, daemon, end):
        return daemon.metric("tallybus_overwrite_copies_total", end=end)

    def assert_ended(self, daemon, end):
        daemon.await_metric(1, "tallybus_overwrite_copies_total", end=end)

    def test_the_client_gets_the_listed_fields_of_the_answer_and_no_others(self):
        answer = answering(info="room 7", width="wide", nodeId="evil", name="evil")
        with Backend(answer) as backend, Tallybusd(apps=app(backend.url)) as daemon, \
                Client(daemon, "s1") as client, OpenBus(daemon) as bus:
            sent = stream_status(width=0)
            bus.send(sent)
            message, = client.await_messages(1)
            self.assertEqual(message.json, {**sent, "info": "room 7"})
            request, = backend.await_requests(1)
            self.assertEqual(request.json, sent)
            self.assertEqual(message.meta["id"], request.headers["webhook-id"])
            self.assert_ended(daemon, "overwritten")
            daemon.await_metric(1, "tallybus_overwrite_fields_total", result="wrong_type")

    def test_a_sessions_own_config_overwrites_and_its_exclusions_come_after(self):
        config = {"StreamStatusEvent": {**OVERWRITE["StreamStatusEvent"],
                                        "restExclude": "sdp", "clientExclude": "width"}}
        with Backend(answering(info="yes", width=640)) as backend, \
                Tallybusd(apps={"defaultApp": {"url": backend.url}}) as daemon, \
                Client(daemon, "s1") as client, EnginePublisher(daemon.engine) as engine:
            engine.session_open("s1", rest_client_config=json.dumps(config))
            engine.status("PUBLISHING", session_id="s1", media_session_id="m1", name="n",
                          published=True, sdp="v=0")
            message, = client.await_messages(1)
            self.assertEqual((message.json["info"], message.json["sdp"]), ("yes", "v=0"))
            self.assertNotIn("width", message.json)
            self.assertNotIn("sdp", backend.await_requests(1)[0].json)

    def test_an_answer_that_is_of_no_use_lets_the_event_go_as_it_is(self):
        for answer, end in (((200, b"<html>"), "not_json"), (204, "no_body"), (500, "failed"),
                            ("reset", "failed"), ("refused", "failed")):
            with self.subTest(answer=answer), Backend(lambda r, a=answer: a) as backend:
                url = refused_url() if answer == "refused" else backend.url
                with Tallybusd(apps=app(url, retry="none")) as daemon, \
                        Client(daemon, "s1") as client, OpenBus(daemon) as bus:
                    sent = stream_status()
                    bus.send(sent)
                    self.assertEqual(client.await_messages(1)[0].json, sent)
                    self.assert_ended(daemon, end)

    def test_a_stream_stays_in_order_behind_its_slow_answer(self):
        """Statuses that wait and events of other methods, which ask for no answer."""
        slow = threading.Event()

        def answer(request):
            slow.wait(60)
            return answering(info="seen")(request)
        with Backend(answer) as backend, \
                Tallybusd(apps=app(backend.url, timeout="1m")) as daemon, \
                Client(daemon, "s1") as client, OpenBus(daemon) as bus:
            for i in range(10):
                bus.send(stream_status(width=i))
                bus.send(stream_status(width=i), "RecordingStatusEvent")
            backend.await_requests(1)
            wait_until(lambda: daemon.metric("tallybus_client_copies_waiting") == 20, "all wait")
            self.assertEqual(client.poll(0.2), [])
            slow.set()
            messages = client.await_messages(20)
            self.assertEqual([(m.name, m.json["width"]) for m in messages],
                             [(name, i) for i in range(10)
                              for name in ("StreamStatusEvent", "RecordingStatusEvent")])
            self.assertEqual([m.json.get("info") for m in messages], ["seen", None] * 10)

    def test_a_backend_that_hangs_delays_its_own_stream_alone_until_the_timeout(self):
        def answer(request):
            return "hang" if request.json["name"] == "slow" else answering(info="ok")(request)
        with Backend(answer) as backend, \
                Tallybusd(apps=app(backend.url, timeout="10s", retry="none")) as daemon, \
                Client(daemon, "s1") as client, OpenBus(daemon) as bus:
            started = time.monotonic()
            bus.send(stream_status(name="slow", media="m1"))
            backend.await_requests(1)
            for i in range(20):
                bus.send(stream_status(name="quick", media="m2", width=i))
            quick = client.await_messages(20)
            self.assertEqual({m.json["name"] for m in quick}, {"quick"})
            self.assertEqual([m.json["info"] for m in quick], ["ok"] * 20)
            self.assertLess(time.monotonic() - started, 10)
            slow = client.await_messages(21)[20]
            self.assertGreaterEqual(time.monotonic() - started, 10)
            self.assertEqual(slow.json, stream_status(name="slow", media="m1"))
            # The attempt's own timeout ends a moment later, and may be seen first.
            wait_until(lambda: self.ended(daemon, "timed_out") + self.ended(daemon, "failed") == 1,
                       "its end is counted")
            backend.released.set()

    def test_with_batches_it_is_warned_of_and_clients_get_the_event_at_once(self):
        with Backend() as backend:
            apps = app(backend.url, format="json-array", batch={"max_wait": "50ms"})
            with Tallybusd(apps=apps) as daemon, Client(daemon, "s1") as client, \
                    OpenBus(daemon) as bus:
                bus.send(stream_status())
                self.assertEqual(client.await_messages(1)[0].json, stream_status())
                self.assert_ended(daemon, "batch")
                daemon.await_log("OVERWRITE does nothing where the app sends batches")
                checked = subprocess.run(
                    [BIN / "tallybusd", "--config", daemon.config_path, "--check"],
                    capture_output=True, text=True, timeout=60)
                self.assertEqual(checked.returncode, 0)
                self.assertIn("warning: apps.defaultApp.rest_client_config.StreamStatusEvent."
                              "restPolicy: OVERWRITE", checked.stdout)


if __name__ == "__main__":
    unittest.main()
