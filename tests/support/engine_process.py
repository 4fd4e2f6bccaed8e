"""A media engine as a process of its own, so that it can be killed: reads commands as lines on
standard input, answers each with a JSON line.

    open SESSION | status STATUS SESSION MEDIA NAME NUMBER | stats | close | quit
"""

import json
import subprocess
import sys
from pathlib import Path

SUPPORT = Path(__file__).resolve().parent


class EngineProcess:
    """The parent's side."""

    def __init__(self, endpoint, node_id="engine-1", ring_bytes=0):
        self._process = subprocess.Popen(
            ["/usr/bin/python3", __file__, endpoint, node_id, str(ring_bytes)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.pid = self._process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def ask(self, *words):
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def status(self, status, session, media, name, number=0):
        code = self.ask("status", status, session, media, name, number)
        assert code == 0, f"{status} of {name}: {code}"

    def acknowledged(self):
        return self.ask("stats")["acknowledged"]

    def kill(self):
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


def main():
    sys.path.insert(0, str(SUPPORT))
    from engine_library import EnginePublisher
    endpoint, node_id, ring_bytes = sys.argv[1:4]
    publisher = EnginePublisher(endpoint, node_id=node_id, ring_bytes=int(ring_bytes))

    def status(status, session, media, name, number):
        return publisher.status(status, session_id=session, media_session_id=media, name=name,
                                published=True, bitrate=int(number))

    def stats():
        made = publisher.stats()
        return {name: getattr(made, name) for name, _ in made._fields_}

    commands = {"open": publisher.session_open, "status": status, "stats": stats,
                "close": publisher.close, "quit": sys.exit}
    for line in sys.stdin:
        verb, *words = line.split()
        print(json.dumps(commands[verb](*words)), flush=True)


if __name__ == "__main__":
    main()
