"""The parts of a test with plugins: the hostile ones of the build tree, and the far end of the template.

TALLYBUS_BUILD_DIR names the build tree.
"""

import json
import os
import socketserver
import subprocess
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("TALLYBUS_BUILD_DIR", ROOT / "build" / "release")).resolve()
HOSTILE = BUILD / "tests" / "test_plugins"
SANITIZED = bool(os.environ.get("TALLYBUS_SANITIZED"))
PUBLISHING = {"sessionId": "s1", "name": "cam-1", "published": True, "status": "PUBLISHING"}


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


class LineServer:
    """The far end of the template: keeps (attributes, event) of each request."""

    def __init__(self):
        self.arrived = []
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                attributes = json.loads(self.rfile.readline())
                event = bytearray()
                while not event.endswith(b"\0"):
                    event += self.rfile.read(1)
                server.arrived.append((attributes, json.loads(event[:-1])))
                self.wfile.write(b"OK\n")

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"tcp://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
