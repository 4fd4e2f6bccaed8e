"""A load of numbered events over several streams, for a route to a broker."""

import threading
import time

from tallybus_parts import OpenBus, Tallybusd, stream_status, wait_until

STREAMS = 20


def daemon_with_route(transport, url, **more):
    daemon = Tallybusd(apps={"defaultApp": {}})
    daemon.config["routes"] = [{"name": "broker", "transport": transport, "endpoints": [url],
                                "retry": ["100ms"] * 60, **more}]
    return daemon


def delivered(daemon):
    return daemon.metric("tallybus_events_delivered_total", route="broker")


class Load:
    """Publishes until it is told to stop; an event's bitrate is its number."""

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

    def await_delivered(self, more):
        before = delivered(self._daemon)
        wait_until(lambda: delivered(self._daemon) > before + more, f"{more} more are delivered")

    def await_sent(self, more):
        before = self.sent
        wait_until(lambda: self.sent > before + more, "the load goes on")


def run_under_load(daemon, stop, start, rounds=3):
    """Stops and starts the broker that often; how many events were sent. All are delivered then."""
    with Load(daemon) as load:
        for _ in range(rounds):
            load.await_delivered(300)
            stop()
            load.await_sent(300)
            start()
        load.await_delivered(1)
    wait_until(lambda: delivered(daemon) == load.sent,
               lambda: f"all are delivered: {delivered(daemon)} of {load.sent}", 240)
    return load.sent


def out_of_order(messages):
    """Lanes whose sequence or number does not rise by one step after the other, or lack one."""
    wrong, last = [], {}
    for _, attributes, event in messages:
        lane = attributes["tallybus-lane"]
        sequence, number = last.get(lane, (0, -1))
        if int(attributes["tallybus-sequence"]) != sequence + 1 or event["bitrate"] <= number:
            wrong.append(f"{lane} #{attributes['tallybus-sequence']} after #{sequence}")
        last[lane] = (int(attributes["tallybus-sequence"]), event["bitrate"])
    return wrong
