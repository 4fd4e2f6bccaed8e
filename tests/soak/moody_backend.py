"""The soak's backend: answers by script, badly now and then, and remembers what it took."""

import random
import socket
import struct
import threading
import time

from ledger import Taken
from tallybus_parts import Backend


class MoodyBackend(Backend):
    """What it answered 200 is in `taken`, one ledger.Taken each."""

    MOODS = (("500", 3), ("429", 1), ("401", 0.05), ("hang", 0.3), ("reset", 1), ("never read", 0.2),
             ("slow", 1))

    def __init__(self, seed):
        super().__init__()
        self.choice = random.Random(seed)
        self.kind = False  # a kind one answers 200 at once, always
        self.taken = []
        self.counts = {}
        self._lock = threading.Lock()
        original = self._server.RequestHandlerClass.do_POST
        backend = self

        def do_post(handler):
            if not backend.kind and backend.choice.random() < 0.002:
                backend.count("never read")
                backend.released.wait(5)
                handler.close_connection = True
                return
            original(handler)

        self._server.RequestHandlerClass.do_POST = do_post

    def count(self, mood):
        with self._lock:
            self.counts[mood] = self.counts.get(mood, 0) + 1

    def mood(self):
        if self.kind:
            return "200"
        at = self.choice.random() * 100
        for mood, percent in self.MOODS:
            at -= percent
            if at < 0:
                return mood
        return "200"

    def _reply(self, handler, request):
        self.requests.clear()  # they are kept in `taken`, without their bodies
        mood = self.mood()
        self.count(mood)
        if mood == "reset":
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                          struct.pack("ii", 1, 0))
            handler.close_connection = True
            handler.connection.close()
        elif mood in ("hang", "never read"):
            self.released.wait(5)
            handler.close_connection = True
        else:
            self.answer_with(handler, request, mood)

    def answer_with(self, handler, request, mood):
        body = b"taken" if mood in ("200", "slow") else b""
        status = 200 if body else int(mood)
        handler.send_response(status)
        if status == 429:
            handler.send_header("Retry-After", "1")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        # Before the bytes leave: what follows may be the client's next request.
        place = self.take(request) if status == 200 else None
        try:
            for byte in body:
                handler.wfile.write(bytes([byte]))
                if mood == "slow":
                    handler.wfile.flush()
                    time.sleep(0.02)
            handler.wfile.flush()
        finally:
            if place is not None:
                self.taken[place] = self.taken[place]._replace(answered=time.monotonic())

    def take(self, request):
        with self._lock:
            self.taken.append(Taken.of(request, time.monotonic()))
            return len(self.taken) - 1
