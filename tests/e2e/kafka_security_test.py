"""A route to Kafka over TLS and under a name: nobody else's broker is believed, and credentials
reach the broker as it asks for them. Debian has no broker: librdkafka's mock has a gate before
it."""

import re
import ssl
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from broker_load import daemon_with_route, delivered  # noqa: E402
from kafka_gate import MECHANISMS, KafkaGate  # noqa: E402
from kafka_test import MockCluster  # noqa: E402
from tallybus_parts import OpenBus, stream_status, wait_until  # noqa: E402

DELIVERED, REFUSED = "delivered", "Local: Authentication failure"
USER = {"user": "tallybus", "password": "s3cret, =\u0436"}


class KafkaSecurityTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="tallybus-")))
        for name, place in (("right", "IP:127.0.0.1"), ("other", "IP:127.0.0.1"),
                            ("elsewhere", "DNS:elsewhere.test")):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                            "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                            f"/CN={name}", "-addext", f"subjectAltName={place}", "-keyout",
                            cls.folder / f"{name}.key", "-out", cls.folder / f"{name}.pem"],
                           check=True, capture_output=True)

    def tls(self, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        return context

    def believes(self, name):
        return {"tls": {"ca_file": f"{self.folder}/{name}.pem"}}

    def deliver(self, scheme, options, **gate):
        """What becomes of an event's first attempt."""
        with MockCluster() as cluster, KafkaGate(cluster, **gate) as peer, \
                daemon_with_route("kafka", f"{scheme}://{peer.place}", options=options) as daemon:
            with OpenBus(daemon) as bus:
                bus.send(stream_status())

            def outcome():
                failed = re.search(r"attempt 1 failed: (.*?) \(", daemon.log())
                return failed[1] if failed else delivered(daemon) == 1 and DELIVERED
            found = wait_until(outcome, daemon.log)
            self.assertEqual(len(cluster.messages()), 1 if found == DELIVERED else 0)
            self.assertNotIn("s3cret", daemon.log())
            return found

    def test_a_broker_is_believed_by_its_authority_and_under_its_name_alone(self):
        right = self.tls("right")
        for scheme in "kafkas", "kafka":  # a file of authorities asks for TLS
            self.assertEqual(self.deliver(scheme, self.believes("right"), context=right), DELIVERED)
        for says, options, name in (("another authority", self.believes("other"), "right"),
                                    ("the system's authorities", {}, "right"),
                                    ("another name", self.believes("elsewhere"), "elsewhere")):
            with self.subTest(says):
                self.assertEqual(self.deliver("kafkas", options, context=self.tls(name)),
                                 "TLS failure")

    def test_each_mechanism_proves_the_password_with_tls_and_without(self):
        for name in MECHANISMS:
            with self.subTest(name):
                options = {**USER, "mechanism": name}
                self.assertEqual(self.deliver("kafka", options, mechanism=name, **USER), DELIVERED)
                self.assertEqual(self.deliver("kafkas", {**options, **self.believes("right")},
                                              context=self.tls("right"), mechanism=name, **USER),
                                 DELIVERED)
                wrong = {**USER, "password": "another"}
                self.assertEqual(self.deliver("kafka", options, mechanism=name, **wrong), REFUSED)

    def test_credentials_that_a_broker_does_not_take_hold_the_events(self):
        other = {**USER, "user": "another"}
        self.assertEqual(self.deliver("kafka", USER, mechanism="PLAIN", **other), REFUSED)
        self.assertEqual(self.deliver("kafka", USER, mechanism="SCRAM-SHA-256", **USER), REFUSED)


if __name__ == "__main__":
    unittest.main()
