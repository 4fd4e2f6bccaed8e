"""npm's official standardwebhooks and cloudevents take what a real daemon sends, and refuse what is
not its."""

import base64
import gzip
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from tallybus_parts import (Backend, OpenBus, Tallybusd, stream_status,  # noqa: E402
                            wait_until)

PACKAGES = Path(os.environ.get("TALLYBUS_RECEIVERS_PACKAGES", "build/release/tests/receivers"))
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
PAIR = ("whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6"
        "Kvg==")
PUBLIC = "1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="


def body_of(request):
    packed = request.headers.get("content-encoding") == "gzip"
    return (gzip.decompress(request.body) if packed else request.body).decode()


def judge(*requests, secret=SECRET, cloud_events=False):
    asked = [{"headers": r.headers, "body": body_of(r), "secret": secret,
              "cloudEvents": cloud_events} for r in requests]
    done = subprocess.run(["node", HERE / "official_libraries.mjs", PACKAGES.resolve()],
                          input=json.dumps(asked), capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)


class OfficialLibrariesTest(unittest.TestCase):
    def send(self, *events, count=1, **app):
        """The requests of a daemon whose app has these keys."""
        with Backend() as backend, Tallybusd({"defaultApp": {"url": backend.url, **app}}) as daemon:
            with OpenBus(daemon) as bus:
                for event in events:
                    bus.send(event)
                return list(backend.await_requests(count))

    def test_a_signed_event_is_verified(self):
        request, = self.send(stream_status(name="caméra \u2028"), signing=[{"key": SECRET}])
        said, = judge(request)
        self.assertEqual(said["verified"]["name"], "caméra \u2028")
        forged, = judge(request, secret=OLD)
        self.assertIn("No matching signature", forged["error"])

    def test_a_compressed_body_is_verified_as_it_was(self):
        request, = self.send(stream_status(sdp="a=b\r\n" * 1000), signing=[{"key": SECRET}],
                             compress={"over": "1KiB"})
        self.assertEqual(request.headers["content-encoding"], "gzip")
        self.assertLess(len(request.body), 1000)
        self.assertEqual(judge(request)[0]["verified"]["sdp"], "a=b\r\n" * 1000)

    def test_while_keys_change_the_old_and_the_new_one_verify(self):
        request, = self.send(stream_status(), signing=[
            {"key": PAIR}, {"key": SECRET, "until": "2100-01-01T00:00:00Z"},
            {"key": OLD, "until": "2020-01-01T00:00:00Z"}])
        self.assertNotIn("error", judge(request)[0])
        self.assertIn("No matching signature", judge(request, secret=OLD)[0]["error"])
        first = request.headers["webhook-signature"].split(" ")[0]
        self.assertTrue(first.startswith("v1a,"))
        content = ".".join((request.headers["webhook-id"], request.headers["webhook-timestamp"],
                            body_of(request)))
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(PUBLIC))
        key.verify(base64.b64decode(first[4:]), content.encode())

    def test_a_key_in_a_file_is_read_again_at_a_reload(self):
        with tempfile.TemporaryDirectory() as folder, Backend() as backend:
            key = Path(folder, "key")
            key.write_text(OLD + "\n")
            app = {"url": backend.url, "signing": [{"key": f"file:{key}"}]}
            with Tallybusd({"defaultApp": app}) as daemon, OpenBus(daemon) as bus:
                bus.send(stream_status())
                backend.await_requests(1)
                key.write_text(SECRET + "\n")
                daemon.process.send_signal(signal.SIGHUP)
                wait_until(lambda: "reloaded" in daemon.log(), daemon.log)
                bus.send(stream_status())
                before, after = backend.await_requests(2)
                self.assertNotIn(SECRET[6:], daemon.log())
        self.assertNotIn("error", judge(before, secret=OLD)[0])
        self.assertNotIn("error", judge(after)[0])

    def test_a_cloud_event_is_one(self):
        request, = self.send(stream_status(sessionId="/10.0.0.1:1/x", mediaSessionId="m 1"),
                             format="cloudevents", signing=[{"key": SECRET}])
        said, = judge(request, cloud_events=True)
        self.assertNotIn("error", said)
        event, = said["events"]
        self.assertEqual(said["valid"], [True])
        self.assertEqual(event["id"], request.headers["webhook-id"])
        self.assertEqual(event["source"], "/n1/defaultApp")
        self.assertEqual(event["type"], "tallybus.StreamStatusEvent")
        self.assertEqual(event["subject"], "m 1")
        self.assertEqual(event["sequence"], "0" * 19 + "1")
        self.assertEqual(event["partitionkey"], request.headers["tallybus-lane"])
        self.assertEqual(event["data"]["mediaSessionId"], "m 1")
        self.assertEqual(request.path, "/rest/my_api")

    def test_a_batch_of_cloud_events_is_one(self):
        events = [stream_status(name=f"cam{i}", mediaSessionId=f"m{i}") for i in range(5)]
        requests = self.send(*events, format="cloudevents-batch", signing=[{"key": SECRET}],
                             compress={"over": "1KiB"}, batch={"max_events": 5, "max_wait": "2s"})
        said = judge(*requests, cloud_events=True)
        self.assertFalse([s for s in said if "error" in s], said)
        taken = [event for s in said for event in s["events"]]
        self.assertEqual([e["subject"] for e in taken], [f"m{i}" for i in range(5)])
        self.assertEqual(requests[0].headers["tallybus-batch"], "5")
        self.assertTrue(all(valid for s in said for valid in s["valid"]))

    def send_two(self, form):
        events = [stream_status(name=f"cam{i}", mediaSessionId=f"m{i}") for i in range(2)]
        request, = self.send(*events, format=form, signing=[{"key": SECRET}],
                             batch={"max_events": 2, "max_wait": "5s"})
        return request

    def test_an_array_is_verified_as_one(self):
        said, = judge(self.send_two("json-array"))
        self.assertEqual([event["name"] for event in said["verified"]], ["cam0", "cam1"])

    def test_lines_have_a_good_signature_but_the_library_parses_them_and_fails(self):
        request = self.send_two("ndjson")
        self.assertIn("SyntaxError", judge(request)[0]["error"])
        self.assertIn("No matching signature", judge(request, secret=OLD)[0]["error"])


if __name__ == "__main__":
    unittest.main()
