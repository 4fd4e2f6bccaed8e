#!/usr/bin/python3
"""Many audio-only publishers of a Janus video room in one process, each with a session of its own.

    janus_publishers.py URL ROOM COUNT PREFIX

Prints `session handle` for each whose media flows, in the order in which they came up, and goes on
until standard input ends. Then it ends as it is: it tells Janus nothing, which may be gone.
"""

import asyncio
import fractions
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples" / "janus"))
import publish  # noqa: E402
from aiortc import MediaStreamTrack  # noqa: E402
from av import AudioFrame  # noqa: E402

AT_ONCE = 4  # handshakes under way; more of them wait longer than a handshake may take


class Silence(MediaStreamTrack):
    """A silent microphone as Opus sends it with discontinuous transmission: a frame now and then."""

    kind = "audio"
    RATE, SAMPLES, GAP_SECONDS = 48000, 960, 0.4

    def __init__(self):
        super().__init__()
        self._count = 0
        self._clock = publish.Clock()

    async def recv(self):
        await self._clock.wait_for(self._count * self.GAP_SECONDS)
        frame = AudioFrame(format="s16", layout="mono", samples=self.SAMPLES)
        frame.planes[0].update(bytes(2 * self.SAMPLES))
        frame.sample_rate = self.RATE
        frame.pts = int(self._count * self.GAP_SECONDS * self.RATE)
        frame.time_base = fractions.Fraction(1, self.RATE)
        self._count += 1
        return frame


class Publisher(publish.Publisher):
    def tracks(self):
        return [Silence()]


async def bring_up(url, room, display, gate):
    async with gate:
        session = await publish.JanusSession(url).__aenter__()
        publisher = Publisher(session, room, display)
        await publisher.join()
        await publisher.publish()
        print(session.id, publisher.handle, flush=True)
        return publisher


async def main():
    url, room, count, prefix = sys.argv[1:5]
    gate = asyncio.Semaphore(AT_ONCE)
    # Kept: a connection that nobody holds ends.
    up = await asyncio.gather(*(bring_up(url, int(room), f"{prefix}{n}", gate)
                                for n in range(int(count))))
    await asyncio.to_thread(sys.stdin.read)
    return up


async def run_and_end():
    try:
        await main()
    except publish.JanusError as error:
        print(f"janus_publishers.py: {error}", file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(run_and_end())
