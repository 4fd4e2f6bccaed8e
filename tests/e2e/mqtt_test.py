"""A route to MQTT: a reader whose session stays hears every event, in the order of its lane, also
where the broker is stopped while they come."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from broker_load import daemon_with_route, out_of_order, run_under_load  # noqa: E402
from mqtt_peer import Mosquitto, Reader  # noqa: E402
from tallybus_parts import wait_until  # noqa: E402


def first_arrivals(messages):
    """QoS 1: what comes twice has the same webhook-id."""
    seen = {}
    for message in messages:
        seen.setdefault(message[1]["webhook-id"], message)
    return list(seen.values())


class MqttTest(unittest.TestCase):
    def test_a_broker_that_is_stopped_under_load_has_told_every_event_in_order(self):
        with Mosquitto() as broker, daemon_with_route("mqtt", broker.url) as daemon, \
                Reader(broker) as reader:
            sent = run_under_load(daemon, broker.stop, broker.start)
            heard = wait_until(
                lambda: len(first := first_arrivals(reader.messages())) >= sent and first,
                lambda: f"all are heard: {len(first_arrivals(reader.messages()))} of {sent}")
        self.assertEqual(sorted(event["bitrate"] for _, _, event in heard), list(range(sent)))
        self.assertEqual(out_of_order(heard), [])
        for topic, _, _ in heard:
            self.assertEqual(len(topic.split("/")), 4, topic)


if __name__ == "__main__":
    unittest.main()
