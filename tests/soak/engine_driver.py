"""The soak's media engine: a process of its own that lives through many streams' lives until it is
killed, and keeps a journal of what it did.

    engine_driver.py ENDPOINT NODE FIRST JOURNAL RATE SEED

Journal lines: `T n life status` before a publish, `P n` once it was accepted, `A k` when the first
k of this process's events are acknowledged. Every event's bitrate is its number n.
"""

import os
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from engine_library import FULL, OK, EnginePublisher  # noqa: E402

STREAMS = 2000


class Life:
    """One stream from PUBLISHING to UNPUBLISHED; a flapping one is short."""

    def __init__(self, name, number, choice):
        self.name = name
        self.media = f"{name}-{number}"
        updates = 0 if choice.random() < 0.3 else choice.randrange(1, 6)
        self.left = ["PUBLISHING"] + ["PUBLISHING"] * updates + ["UNPUBLISHED"]


class Engine:
    def __init__(self, endpoint, node, first, journal, seed):
        self.publisher = EnginePublisher(endpoint, node_id=node, ring_bytes=32 << 20)
        self.journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.number = first
        self.choice = random.Random(seed)
        self.live = {}
        self.acknowledged = 0

    def note(self, *words):
        os.write(self.journal, (" ".join(map(str, words)) + "\n").encode())

    def step(self):
        name = f"cam-{self.choice.randrange(STREAMS)}"
        life = self.live.get(name)
        if life is None:
            life = self.live[name] = Life(name, self.number, self.choice)
        status = life.left.pop(0)
        if not life.left:
            del self.live[name]
        self.publish(life, status)
        # A flap: closed and opened again at once under the same name.
        if status == "PUBLISHING" and self.choice.random() < 0.05:
            self.live.pop(name, None)
            self.publish(life, "UNPUBLISHED")

    def publish(self, life, status):
        self.note("T", self.number, life.media, status)
        while True:
            code = self.publisher.status(status, session_id=f"s-{life.name}",
                                         media_session_id=life.media, name=life.name,
                                         published=True, bitrate=self.number)
            if code != FULL:
                break
            time.sleep(0.01)
        assert code == OK, code
        self.note("P", self.number)
        self.number += 1

    def note_acknowledged(self):
        now = self.publisher.stats().acknowledged
        if now != self.acknowledged:
            self.acknowledged = now
            self.note("A", now)

    def finish(self):
        """Ends every life, and stays until all is acknowledged."""
        for life in list(self.live.values()):
            self.publish(life, "UNPUBLISHED")
        while self.publisher.stats().ring_used:
            self.note_acknowledged()
            time.sleep(0.05)
        self.note_acknowledged()
        self.publisher.close()


def main():
    endpoint, node, first, journal, rate, seed = sys.argv[1:7]
    engine = Engine(endpoint, node, int(first), journal, int(seed))
    stop = Path(journal + ".stop")
    pause = 1 / float(rate)
    while not stop.exists():
        for _ in range(20):
            engine.step()
            time.sleep(pause)
        engine.note_acknowledged()
    engine.finish()


if __name__ == "__main__":
    main()
