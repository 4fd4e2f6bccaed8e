"""Debian's nats-server with JetStream, and a client that speaks as much of its protocol as a test
needs: make a stream, read it."""

import base64
import json
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from tallybus_parts import reserved_port, wait_until


class NatsServer:
    """Its port and what its streams hold stay over a restart."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="tallybus-nats-"))
        self.port = reserved_port()
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.folder)

    @property
    def url(self):
        return f"nats://127.0.0.1:{self.port}"

    def start(self):
        ports = self.folder / "ports"
        shutil.rmtree(ports, ignore_errors=True)
        ports.mkdir()
        config = self.folder / "server.conf"
        config.write_text(f'listen: "127.0.0.1:{self.port}"\n'
                          f'jetstream {{ store_dir: "{self.folder}/store" }}\n'
                          f'ports_file_dir: "{ports}"\n')
        self.process = subprocess.Popen(["/usr/sbin/nats-server", "-c", config,
                                         "-l", self.folder / "log"])
        wait_until(lambda: [p for p in ports.iterdir() if p.stat().st_size], "nats-server listens")

    def kill(self):
        self.process.kill()
        self.process.wait()


class NatsClient:
    def __init__(self, server):
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self._file = self._socket.makefile("rb")
        self._file.readline()  # INFO
        self._send(b'CONNECT {"verbose":false}\r\nSUB answers 1\r\n')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self._socket.close()

    def _send(self, data):
        self._socket.sendall(data)

    def ask(self, subject, question):
        """What the server answers to a JSON object."""
        body = json.dumps(question).encode()
        self._send(f"PUB {subject} answers {len(body)}\r\n".encode() + body + b"\r\n")
        while True:
            words = self._file.readline().split()
            if words[0] == b"PING":
                self._send(b"PONG\r\n")
            elif words[0] == b"MSG":
                answer = self._file.read(int(words[-1]) + 2)
                return json.loads(answer)

    def add_stream(self, **more):
        answer = self.ask("$JS.API.STREAM.CREATE.EVENTS",
                          {"name": "EVENTS", "subjects": ["tallybus.>"], "storage": "file",
                           "retention": "limits", "discard": "old", "num_replicas": 1, **more})
        assert "error" not in answer, answer

    def messages(self):
        """All of the stream, in its order: (subject, headers, JSON object)."""
        state = self.ask("$JS.API.STREAM.INFO.EVENTS", {})["state"]
        for sequence in range(1, state["last_seq"] + 1):
            stored = self.ask("$JS.API.STREAM.MSG.GET.EVENTS", {"seq": sequence})["message"]
            lines = base64.b64decode(stored["hdrs"]).decode().split("\r\n")[1:]
            headers = dict(line.split(": ", 1) for line in lines if line)
            yield stored["subject"], headers, json.loads(base64.b64decode(stored["data"]))
