"""A route to NATS: every event is in the stream once and in the order of its lane, also where the
server is killed while they come."""

import json
import subprocess
import sys
import unittest
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from broker_load import daemon_with_route, delivered, out_of_order, run_under_load  # noqa: E402
from nats_peer import NatsClient, NatsServer  # noqa: E402
from tallybus_parts import BIN, OpenBus, stream_status, wait_until  # noqa: E402


class NatsTest(unittest.TestCase):
    def test_a_server_that_is_killed_under_load_has_every_event_once_and_in_order(self):
        with NatsServer() as server, daemon_with_route("nats", server.url) as daemon:
            with NatsClient(server) as client:
                client.add_stream()
            sent = run_under_load(daemon, server.kill, server.start)
            with NatsClient(server) as client:
                messages = list(client.messages())
        ids = Counter(headers["Nats-Msg-Id"] for _, headers, _ in messages)
        self.assertEqual([i for i, n in ids.items() if n > 1], [], "more than once")
        self.assertEqual(sorted(event["bitrate"] for _, _, event in messages), list(range(sent)))
        self.assertEqual(out_of_order(messages), [])
        for subject, _, _ in messages:
            self.assertEqual(len(subject.split(".")), 4, subject)

    def test_without_a_stream_they_wait_for_one_and_the_log_says_so(self):
        with NatsServer() as server, daemon_with_route("nats", server.url) as daemon, \
                OpenBus(daemon) as bus:
            for number in range(5):
                bus.send(stream_status(bitrate=number))
            daemon.await_log("add a stream for it")
            self.assertEqual(daemon.metric("tallybus_events_given_up_total"), 0)
            with NatsClient(server) as client:
                client.add_stream()
                subprocess.run([BIN / "tallybus", "endpoint", "resume", "broker", "--admin",
                                f"unix:{daemon.admin}"], check=True, capture_output=True)
                wait_until(lambda: delivered(daemon) == 5, "the held are taken")
                self.assertEqual([e["bitrate"] for _, _, e in client.messages()], list(range(5)))

    def test_explain_tells_the_message_that_arrives_then(self):
        event = stream_status(name="c\na.m", nodeId="n1", appKey="defaultApp")
        with NatsServer() as server, daemon_with_route("nats", server.url) as daemon, \
                NatsClient(server) as client, OpenBus(daemon) as bus:
            client.add_stream()
            told = subprocess.run(
                [BIN / "tallybus", "explain", "--config", daemon.config_path, "--event", "-"],
                input=json.dumps(event), capture_output=True, text=True, check=True).stdout
            bus.send(event)
            wait_until(lambda: delivered(daemon) == 1, "the message")
            (subject, headers, _), = client.messages()
        head = told.split("subject ", 1)[1].partition("\n\n")[0].splitlines()
        self.assertEqual(head[0], subject)
        lines = dict(line.strip().split(": ", 1) for line in head[1:])
        self.assertEqual(set(lines), set(headers))
        for name in set(headers) - {"webhook-id", "Nats-Msg-Id", "tallybus-time"}:
            self.assertEqual(lines[name], headers[name], name)


if __name__ == "__main__":
    unittest.main()
