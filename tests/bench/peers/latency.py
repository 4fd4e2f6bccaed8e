"""How long an event is on its way through a sender: from when it is given to it until the backend has
read its request whole, at a pace that the sender keeps up with."""

import contextlib
import dataclasses
import time

from figure import StampServer
from nginx_server import NginxServer
from peers.measure import BenchFailed

WARM_SECONDS = 1
SECONDS = 3
PATIENCE = 20
LEAST_BYTES = 390  # a stamp has no room in less


class LatencyBench:
    """Its backend is stamp_server; over HTTPS an nginx stands before it, for each sender alike."""

    def __init__(self, setup):
        self._setup = dataclasses.replace(setup, size=max(setup.size, LEAST_BYTES))
        self._stack = contextlib.ExitStack()
        self._server = StampServer(setup.build)

    @property
    def size(self):
        return self._setup.size

    def __enter__(self):
        over_tls = self._setup.nginx.ca_file is not None
        self._setup.nginx = self._stack.enter_context(self._server)
        if over_tls:
            self._setup.nginx = self._stack.enter_context(NginxServer(
                self._setup.new_folder("latency"), tls=True, before=self._server.base))
        return self

    def __exit__(self, *_):
        self._stack.close()

    def measure(self, arm):
        """{"p50": ns, "p99": ns, "p999": ns}"""
        with arm.sending_to(self._setup) as fed:
            self._round(fed, WARM_SECONDS)
            ages = self._round(fed, SECONDS)
            return {p: ages[p] for p in ("p50", "p99", "p999")}

    def _round(self, arm, seconds):
        self._server.stats()
        arm.feed(seconds)
        wanted = arm.pace * seconds
        give_up = time.monotonic() + PATIENCE
        while self._server.seen() < wanted and time.monotonic() < give_up:
            time.sleep(0.05)
        age = self._server.stats()["age"]
        if age["count"] != wanted:
            raise BenchFailed(f"{arm.name}, {arm.pace} events/s: {age['count']} came of {wanted}")
        return age
