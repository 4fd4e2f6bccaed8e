"""The main job: an event reaches its client and its backend, and a failed backend becomes an
ErrorEvent for the client."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from tallybus_parts import (Backend, Client, OpenBus, Tallybusd, fail_config,  # noqa: E402
                            stream_status)


class StraightLineTest(unittest.TestCase):
    def test_an_event_reaches_client_and_backend_as_the_same_bytes_and_id(self):
        with Backend() as backend, \
                Tallybusd(apps={"defaultApp": {"url": backend.url}}) as daemon, \
                Client(daemon, "s1") as client, OpenBus(daemon) as bus:
            body = '{"appKey":"defaultApp", "nodeId":"n1","sessionId":"s1",\t"mediaSessionId":"m1",' \
                   '"status":"PUBLISHING","zulu":1,"alpha":{"b":2}}'
            bus.send(body)
            request, = backend.await_requests(1)
            message, = client.await_messages(1)
            self.assertEqual(request.path, "/rest/my_api/StreamStatusEvent")
            self.assertEqual(request.body.decode(), body)
            self.assertEqual(message.body.decode(), body)
            self.assertEqual((message.topic, message.name), ("session/s1", "StreamStatusEvent"))
            self.assertEqual(message.meta["id"], request.headers["webhook-id"])
            self.assertRegex(message.meta["id"], r"^[0-9a-f]{16}-\d+$")
            self.assertEqual(message.meta["time"], request.headers["tallybus-time"])

    def test_a_failed_backend_becomes_one_final_error_event_for_the_client(self):
        with Backend(lambda request: 500) as backend, \
                Tallybusd(apps={"defaultApp": {"url": backend.url,
                                               "rest_client_config": fail_config()}}) as daemon, \
                Client(daemon, "s1") as client, OpenBus(daemon) as bus:
            bus.send(stream_status())
            event, error = client.await_messages(2)
            self.assertEqual(event.name, "StreamStatusEvent")
            self.assertEqual(error.name, "ErrorEvent")
            said = dict(error.json)
            self.assertRegex(said.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertEqual(said, {
                "nodeId": "n1", "appKey": "defaultApp", "sessionId": "s1", "mediaSessionId": "m1",
                "name": "b4e7", "method": "StreamStatusEvent", "eventId": event.meta["id"],
                "route": "defaultApp/backend", "status": "FAILED", "httpStatus": 500,
                "info": "Internal Server Error", "attempt": 1, "final": True})
            daemon.await_metric(1, "tallybus_error_events_total")
            self.assertEqual(len(backend.requests), 1)


if __name__ == "__main__":
    unittest.main()
