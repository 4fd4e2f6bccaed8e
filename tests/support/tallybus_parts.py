"""The parts of an end-to-end test: a tallybusd, a backend that answers by script, a client on the
client channel, a publisher on the open bus. All on loopback and free ports, all waits bounded.

TALLYBUS_BIN_DIR names the folder of the binaries. TALLYBUS_FORM=in_engine runs the router in an
engine's process in the place of tallybusd.
"""

import http.server
import json
import os
import re
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import zmq

BIN = Path(os.environ.get("TALLYBUS_BIN_DIR", "build/release/bin")).resolve()
PROGRAM = {"sidecar": "tallybusd", "in_engine": "engine_host"}[
    os.environ.get("TALLYBUS_FORM", "sidecar")]
POLL_SECONDS = 0.02
# Sanitizers make everything slower; waits end as soon as what they wait for is there.
PATIENCE_SECONDS = 120


def wait_until(condition, what, seconds=PATIENCE_SECONDS):
    """Polls condition() until it is true and returns its value; AssertionError after `seconds`,
    saying `what` (a text, or a function whose text tells how far it came)."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            told = what() if callable(what) else what
            raise AssertionError(f"not within {seconds} s: {told}")
        time.sleep(POLL_SECONDS)


class Tallybusd:
    """A running daemon. `apps` and `extra` are its configuration as Python objects; JSON is YAML."""

    def __init__(self, apps=None, extra=None, args=(), work_dir=None, engine=None, expect_start=True,
                 program=PROGRAM, environment=None):
        self._temporary = None if work_dir else tempfile.TemporaryDirectory(prefix="tallybus-")
        self.work_dir = Path(work_dir or self._temporary.name)
        self.engine = engine or f"ipc://{self.work_dir}/engine.sock"
        self.admin = f"{self.work_dir}/admin.sock"
        self.config = {"node": {"name": "test-node"},
                       "listen": {"engine": self.engine, "open": "tcp://127.0.0.1:0",
                                  "clients": "tcp://127.0.0.1:0", "web": "127.0.0.1:0",
                                  "admin": f"unix:{self.admin}"},
                       "spool": {"path": f"{self.work_dir}/spool"}}
        if apps is not None:
            self.config["apps"] = apps
        for key, value in (extra or {}).items():
            self.config.setdefault(key, {}).update(value)
        self.log_path = self.work_dir / "tallybusd.log"
        self._args = list(args)
        self._expect_start = expect_start
        self.program = program
        self.environment = environment or {}
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Stops it and removes its folder."""
        try:
            self.stop()
        finally:
            if self._temporary:
                self._temporary.cleanup()

    @property
    def config_path(self):
        return self.work_dir / "tallybus.yaml"

    def write_config(self):
        self.config_path.write_text(json.dumps(self.config, indent=1))

    def start(self):
        self.write_config()
        self._log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [BIN / self.program, "--config", self.config_path, *self._args],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                env={**os.environ, **self.environment})
        if self._expect_start:
            self._await_ready()

    def _await_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"tallybusd ended with {self.process.returncode}:\n{self.log()}")
            return re.search(r"ready: engine=(\S+) open=(\S+) clients=(\S+) web=(\S+) admin=\S+\n",
                             self.log())
        _, self.open, self.clients, self.web = wait_until(ready, "tallybusd is ready").groups()

    def log(self):
        """What it printed since its last start."""
        with open(self.log_path, "rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def await_log(self, pattern):
        """Waits until its log has this, and returns the match: a line may come after what it tells
        was seen elsewhere, in an engine it always does."""
        return wait_until(lambda: re.search(pattern, self.log()),
                          lambda: f"{pattern!r} in the log:\n{self.log()[-8000:]}")

    def own_lines(self):
        """The lines of the log that are not of the engine around it."""
        return [line for line in self.log().splitlines() if not line.startswith("engine_host: ")]

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def look_again(self):
        """At its files of keys and of the certificate: at once by SIGHUP, which an engine keeps for
        itself; there within 10 s of a change."""
        if PROGRAM == "tallybusd":
            self.process.send_signal(signal.SIGHUP)

    def stop(self, seconds=PATIENCE_SECONDS):
        """Ends it by SIGTERM; a sanitizer's finding or a hang fails the test."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"tallybusd did not stop:\n{self.log()[-4000:]}") from None
        self.process = None
        if code != 0:
            raise AssertionError(f"tallybusd ended with {code}:\n{self.log()[-8000:]}")

    def get(self, path):
        """(status, body) of the web port."""
        try:
            with urllib.request.urlopen(f"http://{self.web}{path}",
                                        timeout=PATIENCE_SECONDS) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name, **labels):
        """The sum of a metric's samples that carry these labels; 0 where there is none."""
        total = 0.0
        for line in self.get("/metrics")[1].splitlines():
            match = re.match(r"(\w+)(?:\{(.*)\})? (\S+)$", line)
            if not match or match[1] != name:
                continue
            has = dict(re.findall(r'(\w+)="([^"]*)"', match[2] or ""))
            if all(has.get(k) == v for k, v in labels.items()):
                total += float(match[3])
        return total

    def await_metric(self, value, name, **labels):
        """Waits until that sum is `value`."""
        wait_until(lambda: self.metric(name, **labels) == value,
                   lambda: f"{name} {labels} is {value}: it is {self.metric(name, **labels)}")


def first_of_stream(daemon, query, *args):
    """What curl shows of /events?QUERY up to its first event, or to its end where there is none."""
    told = ""
    with subprocess.Popen(["curl", "-siN", *args, f"http://{daemon.web}/events?{query}"],
                          stdout=subprocess.PIPE, text=True) as curl:
        for line in curl.stdout:
            told += line
            if line.startswith("event: "):
                break
        curl.kill()
    return told


class Request:
    def __init__(self, handler, body):
        self.path = handler.path
        self.headers = {k.lower(): v for k, v in handler.headers.items()}
        self.body = body
        self.time = time.monotonic()
        self.connection = handler.client_address

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def method(self):
        return self.path.rsplit("/", 1)[1]


class Backend:
    """Answers each request by `answer(request)`: a status, (status, body), (status, body, reason),
    "hang" until the test ends, or "reset". Keeps every request in `requests`. `tls` is the context
    of one that speaks https."""

    def __init__(self, answer=lambda request: (200, request.body), port=0, tls=None):
        self.answer = answer
        self.requests = []
        self.released = threading.Event()
        backend = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = 64 << 10

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                request = Request(self, body)
                backend.requests.append(request)
                backend._reply(self, request)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 256

            def handle_error(self, *_):
                pass  # a peer that went away is no fault of the test

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}/rest/my_api"
        if tls:  # each connection's thread shakes hands, so that nobody waits for another
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True,
                                                  do_handshake_on_connect=False)
        self._thread = threading.Thread(
            target=lambda: self._server.serve_forever(poll_interval=0.05), daemon=True)

    def _reply(self, handler, request):
        answer = self.answer(request)
        if answer == "hang":
            self.released.wait(60)
            handler.close_connection = True
            return
        if answer == "reset":
            linger = struct.pack("ii", 1, 0)
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            handler.close_connection = True
            handler.connection.close()
            return
        if isinstance(answer, int):
            answer = (answer, b"")
        status, body, reason = (*answer, None)[:3]
        handler.send_response(status, reason)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        handler.wfile.flush()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def await_requests(self, count, seconds=PATIENCE_SECONDS):
        wait_until(lambda: len(self.requests) >= count,
                   lambda: f"{count} requests (there are {len(self.requests)})", seconds)
        return self.requests[:count]


_reserved = []


def reserved_port():
    """A port that refuses connections, and that nobody is given by chance while this process lives:
    a server that sets SO_REUSEADDR, as most do, may listen there, again and again."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    _reserved.append(holder)
    return holder.getsockname()[1]


def refused_url():
    """A URL at which nobody listens."""
    return f"http://127.0.0.1:{reserved_port()}/rest/my_api"


class Message:
    def __init__(self, frames):
        self.topic, self.name, self.body, meta = frames
        self.topic, self.name = self.topic.decode(), self.name.decode()
        self.json = json.loads(self.body)
        self.meta = json.loads(meta)


class Client:
    """Reads a session's messages (or all sessions') from the client channel."""

    def __init__(self, daemon, session=""):
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RCVHWM, 0)
        self._socket.connect(daemon.clients)
        self._socket.subscribe(f"session/{session}".encode())
        self.messages = []
        # The router must know of the subscription before the test publishes.
        wait_until(lambda: daemon.metric("tallybus_client_subscriptions") >= 1, "the subscription")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()
        self._context.term()

    def poll(self, seconds=0.0):
        """Takes what has come; waits up to `seconds` for a first message."""
        timeout = int(seconds * 1000)
        while self._socket.poll(timeout):
            self.messages.append(Message(self._socket.recv_multipart()))
            timeout = 0
        return self.messages

    def await_messages(self, count, seconds=PATIENCE_SECONDS):
        deadline = time.monotonic() + seconds
        while len(self.poll(0.05)) < count:
            if time.monotonic() > deadline:
                names = [(m.name, m.json.get("status")) for m in self.messages]
                raise AssertionError(f"{count} messages wanted, there are {names}")
        return self.messages[:count]


class OpenBus:
    """Publishes on the open bus as any ZeroMQ program would."""

    def __init__(self, daemon):
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.PUSH)
        self._socket.setsockopt(zmq.LINGER, PATIENCE_SECONDS * 1000)
        self._socket.connect(daemon.open)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()
        self._context.term()

    def send(self, body, method="StreamStatusEvent"):
        if isinstance(body, dict):
            body = json.dumps(body, separators=(",", ":"))
        if isinstance(body, str):
            body = body.encode()
        self._socket.send_multipart([method.encode() if isinstance(method, str) else method, body])

    def send_frames(self, frames):
        self._socket.send_multipart(frames)


def stream_status(status="PUBLISHING", name="b4e7", session="s1", media="m1", **fields):
    return {"nodeId": "n1", "appKey": "defaultApp", "sessionId": session, "mediaSessionId": media,
            "name": name, "published": True, "hasVideo": True, "hasAudio": True, "status": status,
            **fields}


def fail_config(**fields):
    """An app's config under which a failed StreamStatusEvent makes an ErrorEvent."""
    return {"StreamStatusEvent": {"restOnError": "FAIL", **fields}}
