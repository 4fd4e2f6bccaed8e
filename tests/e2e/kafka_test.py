"""A route to Kafka: the topic has every event, in the order of its lane, also where the broker goes
away while they come."""

import json
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from broker_load import daemon_with_route, out_of_order, run_under_load  # noqa: E402
from tallybus_parts import BIN  # noqa: E402


class MockCluster:
    """librdkafka's own, in a process of its own."""

    def __enter__(self):
        self._process = subprocess.Popen([BIN / "kafka_mock_cluster"], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)
        self.url = self._process.stdout.readline().strip()
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.communicate()

    def _say(self, command):
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()

    def down(self):
        self._say("down")

    def up(self):
        self._say("up")

    def messages(self):
        """(partition, headers, event), each partition in its order."""
        line, heard = self._say("dump"), []
        while line.strip():
            told = json.loads(line)
            heard.append((told["partition"], told["headers"], told["event"]))
            line = self._process.stdout.readline()
        return heard


class KafkaTest(unittest.TestCase):
    def test_a_broker_that_goes_away_under_load_has_every_event_in_order(self):
        with MockCluster() as cluster, daemon_with_route("kafka", cluster.url) as daemon:
            sent = run_under_load(daemon, cluster.down, cluster.up)
            first = {}
            for message in cluster.messages():
                first.setdefault(message[1]["webhook-id"], message)
        messages = list(first.values())
        self.assertEqual(sorted(event["bitrate"] for _, _, event in messages), list(range(sent)))
        self.assertEqual(out_of_order(messages), [])
        partitions = {}
        for partition, headers, _ in messages:
            partitions.setdefault(headers["tallybus-lane"], set()).add(partition)
        self.assertEqual([lane for lane, its in partitions.items() if len(its) > 1], [])


if __name__ == "__main__":
    unittest.main()
