#!/usr/bin/python3
"""./dev demo: a real WebRTC stream in Janus, its events at a client and at a backend, and a failing
backend that becomes an ErrorEvent. Three columns show who saw what; the exit status is 0 only when
every step was seen.
"""

import argparse
import contextlib
import json
import queue
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from janus_server import JanusServer  # noqa: E402

COLUMNS = ("engine", "client", "backend")
STEP_SECONDS = 40
PUBLISH = [sys.executable, str(ROOT / "examples" / "janus" / "publish.py")]


class Screen:
    """Prints lines of three sources side by side."""

    def __init__(self):
        total = min(max(shutil.get_terminal_size((132, 24)).columns, 96), 180)
        self._width = (total - 10 - 6) // 3
        self._lock = threading.Lock()
        self._began = time.monotonic()

    def title(self, text):
        with self._lock:
            print(f"\n== {text}", flush=True)

    def header(self):
        with self._lock:
            print(" " * 8 + "  | ".join(name.ljust(self._width) for name in COLUMNS))
            print("-" * (8 + 3 * self._width + 8), flush=True)

    def line(self, column, text):
        rows = textwrap.wrap(text, self._width, subsequent_indent="  ") or [""]
        at = f"{time.monotonic() - self._began:6.2f}  "
        with self._lock:
            for row in rows:
                cells = [row if name == column else "" for name in COLUMNS]
                print(at + "  | ".join(c.ljust(self._width) for c in cells).rstrip(), flush=True)
                at = " " * 8


class Program:
    """A child process whose lines are read by a thread: each is shown, and kept for `expect`."""

    def __init__(self, name, command, show):
        self.name = name
        self._lines = queue.Queue()
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT, text=True)
        self._thread = threading.Thread(target=self._read, args=(show,), daemon=True)
        self._thread.start()

    def _read(self, show):
        for line in self._process.stdout:
            line = line.rstrip("\n")
            show(line)
            self._lines.put(line)

    def say(self, text):
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()

    def expect(self, wanted, what):
        """The first line for which wanted(line) is true; those before it are passed over."""
        deadline = time.monotonic() + STEP_SECONDS
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise StepFailed(f"{self.name}: not seen within {STEP_SECONDS} s: {what}") from None
            found = wanted(line)
            if found:
                return found

    def stop(self):
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._thread.join(5)


class StepFailed(Exception):
    """Something that the demo promises was not seen."""


def as_json(line):
    try:
        return json.loads(line)
    except ValueError:
        return None


def describe(method, body):
    words = [method, body.get("status", "")]
    if body.get("name"):
        words.append(body["name"])
    if method == "ErrorEvent":
        words.append(f"for {body['method']}: {body.get('httpStatus', '')} {body['info']}")
    return " ".join(words)


def event_of(line, method, **fields):
    """The line's event where it is of this method and has these fields."""
    said = as_json(line)
    if not said or said.get("message", said.get("method")) != method:
        return None
    body = event_body(said)
    return said if all(body.get(k) == v for k, v in fields.items()) else None


def event_body(said):
    body = said.get("body", said.get("data", {}))
    return body[0] if isinstance(body, list) else body


class Demo:
    def __init__(self, build, work_dir):
        self._bin = build / "bin"
        self._lib = build / "lib"
        self._dir = work_dir
        self._screen = Screen()
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return self._stack.__exit__(*exc)

    def run(self):
        self._screen.title("starting: backend, tallybusd, Janus with the plugin, a client")
        backend = self._backend("127.0.0.1:0", "200")
        address = backend.expect(lambda l: l.startswith("listening on http://") and l.split("//")[1],
                                 "the backend listens")
        daemon = self._daemon(address)
        janus = self._stack.enter_context(JanusServer(
            plugin_dir=self._lib, endpoint=f"ipc://{self._dir}/engine.sock",
            app_key="defaultApp", node_id="janus-demo"))
        client = self._client(daemon)
        self._screen.header()
        self._screen.line("engine", f"Janus runs at {janus.url}, room {JanusServer.ROOM}")

        self._screen.title("1  a camera starts and stops; the backend answers 200")
        self._publish(janus, client, backend)
        backend.stop()

        self._screen.title("2  the backend answers 500 now; restOnError is FAIL")
        backend = self._backend(address, "500")
        backend.expect(lambda l: l.startswith("listening on"), "the backend listens again")
        self._publish(janus, client, backend, error=True)

    def _publish(self, janus, client, backend, error=False):
        camera = self._program("publisher", [*PUBLISH, "--url", janus.url, "--room",
                                             str(JanusServer.ROOM), "--display", "camera-1"],
                               lambda line: self._screen.line("engine", line))
        camera.expect(lambda l: l.startswith("publishing "), "media flows into Janus")
        name = f"{JanusServer.ROOM}/camera-1"
        self._both_see(client, backend, error, status="PUBLISHING", name=name)
        self._screen.line("engine", "the camera stops")
        camera.say("stop")
        self._both_see(client, backend, error, status="UNPUBLISHED", name=name)
        camera.expect(lambda l: l == "done", "the publisher ends")
        camera.stop()

    def _both_see(self, client, backend, error, **fields):
        """The same event, by id, at client and backend; then, if wanted, its one ErrorEvent."""
        at_backend = backend.expect(lambda l: event_of(l, "StreamStatusEvent", **fields),
                                    f"POST of {fields['status']}")
        if at_backend["path"] != "/rest/my_api/StreamStatusEvent":
            raise StepFailed(f"backend: POST to {at_backend['path']}")
        at_client = client.expect(lambda l: event_of(l, "StreamStatusEvent", **fields),
                                  f"StreamStatusEvent {fields['status']}")
        if at_client["id"] != at_backend["id"]:
            raise StepFailed(f"two ids for one event: {at_client['id']}, {at_backend['id']}")
        if error:
            client.expect(lambda l: event_of(l, "ErrorEvent", eventId=at_client["id"],
                                             httpStatus=500, final=True), "its ErrorEvent")

    def _program(self, name, command, show):
        program = Program(name, command, show)
        self._stack.callback(program.stop)
        return program

    def _backend(self, address, answers):
        def show(line):
            said = as_json(line)
            self._screen.line("backend", line if said is None else
                              f"POST {describe(said['method'], event_body(said))}"
                              f" -> {said['answer']}")
        host, port = address.rsplit(":", 1)
        return self._program("backend", [self._bin / "tallybus", "receive", "--address", host,
                                         "--port", port, "--answer", answers, "--json"], show)

    def _daemon(self, backend):
        config = self._dir / "tallybus.yaml"
        config.write_text(textwrap.dedent(f"""\
            node: {{ name: demo }}
            listen:
              engine: ipc://{self._dir}/engine.sock
              open: tcp://127.0.0.1:0
              clients: tcp://127.0.0.1:0
              web: 127.0.0.1:0
              admin: unix:{self._dir}/admin.sock
            apps:
              defaultApp:
                url: http://{backend}/rest/my_api
                methods: [StreamStatusEvent]
                rest_client_config:
                  StreamStatusEvent: {{ restOnError: FAIL }}
            """))
        daemon = self._program("tallybusd", [self._bin / "tallybusd", "--config", config],
                               lambda line: None)
        ready = daemon.expect(lambda l: " ready: " in l and l, "tallybusd is ready")
        return dict(word.split("=", 1) for word in ready.split(" ready: ")[1].split())

    def _client(self, daemon):
        def show(line):
            said = as_json(line)
            self._screen.line("client", line if said is None else
                              describe(said["message"], event_body(said)))
        return self._program("client", [self._bin / "tallybus", "tail", "--from", daemon["clients"],
                                        "--json"], show)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tallybus-demo-") as work_dir:
        try:
            with Demo(options.build.resolve(), Path(work_dir)) as demo:
                demo.run()
        except StepFailed as failure:
            print(f"\nFAILED: {failure}", flush=True)
            return 1
    print("\nEvery step was seen: engine -> ZeroMQ -> client and backend, and the ErrorEvents.",
          flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
