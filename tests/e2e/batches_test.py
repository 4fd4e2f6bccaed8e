"""Batches: several events in a request, each lane in order, none lost; and a bad one found alone."""

import json
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from tallybus_parts import (BIN, Backend, Client, OpenBus, Tallybusd, fail_config,  # noqa: E402
                            stream_status, wait_until)

STREAMS = 5


def batching(url, form="json-array", **more):
    return {"defaultApp": {"url": url, "format": form,
                           "batch": {"max_events": 20, "max_wait": "500ms"}, **more}}


def events_of(request):
    """The objects of one request, as its Content-Type says."""
    if request.headers["content-type"] == "application/x-ndjson":
        return [json.loads(line) for line in request.body.decode().splitlines()]
    return json.loads(request.body)


def publish(bus, count):
    for i in range(count):
        bus.send(stream_status(name=f"cam{i % STREAMS}", mediaSessionId=f"m{i % STREAMS}",
                               info=str(i)))


class BatchesTest(unittest.TestCase):
    def arrived(self, backend):
        return [event for request in list(backend.requests) for event in events_of(request)]

    def await_events(self, backend, count):
        wait_until(lambda: len({e["tallybus"]["id"] for e in self.arrived(backend)}) >= count,
                   f"{count} events")

    def in_spool(self, daemon):
        listed = subprocess.run([BIN / "tallybus", "spool", "ls", "--json", "--limit=0", "--admin",
                                 f"unix:{daemon.admin}"], capture_output=True, text=True, check=True)
        return len(listed.stdout.splitlines())

    def assert_order(self, events):
        """Each lane from 1 without a hole; an event that came again counts once."""
        lanes = {}
        for event in events:
            meta = event["tallybus"]
            lane = lanes.setdefault(meta["lane"], [])
            if meta["sequence"] not in lane:
                lane.append(meta["sequence"])
        self.assertEqual(len(lanes), STREAMS)
        for lane, sequences in lanes.items():
            self.assertEqual(sequences, list(range(1, len(sequences) + 1)), lane)

    def test_events_share_a_request_in_either_format_and_lanes_keep_their_order(self):
        for form, kind in (("json-array", "application/json;charset=UTF-8"),
                           ("ndjson", "application/x-ndjson")):
            with self.subTest(form), Backend() as backend, \
                    Tallybusd(apps=batching(backend.url + "?key=1", form)) as daemon, \
                    Client(daemon, "s1") as client, OpenBus(daemon) as bus:
                publish(bus, 300)
                self.await_events(backend, 300)
                self.assertLess(len(backend.requests), 100)
                for request in backend.requests:
                    self.assertEqual(request.path, "/rest/my_api?key=1")
                    self.assertEqual(request.headers["content-type"], kind)
                    self.assertEqual(request.headers["tallybus-batch"],
                                     str(len(events_of(request))))
                self.assert_order(self.arrived(backend))
                told = {m.meta["id"]: m for m in client.await_messages(300)}
                for event in self.arrived(backend):
                    meta = event.pop("tallybus")
                    self.assertEqual(event, told[meta["id"]].json)
                    self.assertEqual(meta["time"], told[meta["id"]].meta["time"])
                    self.assertEqual(meta["method"], "StreamStatusEvent")

    def test_a_bad_event_is_found_alone_and_is_a_dead_letter(self):
        def answer(request):
            return 422 if any(e["info"] == "77" for e in events_of(request)) else 200
        with Backend(answer) as backend, \
                Tallybusd(apps=batching(backend.url, delivery="guaranteed",
                                        rest_client_config=fail_config())) as daemon, \
                Client(daemon, "s1") as client, OpenBus(daemon) as bus:
            publish(bus, 200)
            wait_until(lambda: daemon.metric("tallybus_events_delivered_total") == 199,
                       "all others arrive")
            daemon.await_metric(1, "tallybus_events_rejected_total")
            error, = [m for m in client.await_messages(201) if m.name == "ErrorEvent"]
            self.assertEqual(error.json["httpStatus"], 422)
            self.assertTrue(error.json["final"])

    def test_nothing_is_lost_or_out_of_order_over_a_kill(self):
        with Backend(lambda request: 503) as backend:
            daemon = Tallybusd(apps=batching(backend.url, delivery="guaranteed", max_connections=2))
            with daemon:
                with OpenBus(daemon) as bus:
                    publish(bus, 200)
                    wait_until(lambda: daemon.metric("tallybus_events_accepted_total") == 200,
                               "all are accepted")
                wait_until(lambda: backend.requests, "an attempt")
                wait_until(lambda: self.in_spool(daemon) == 200, "all are in the spool")
                daemon.kill()
                backend.requests.clear()
                backend.answer = lambda request: 200
                daemon.start()
                self.await_events(backend, 200)
                self.assert_order(self.arrived(backend))


if __name__ == "__main__":
    unittest.main()
