"""A page in Debian's Chromium, driven through playwright-core by chromium.mjs.

    with Pages({"client": ROOT / "apps" / "web-client"}) as pages, Chromium(pages.url) as page:
        page.evaluate("1 + 1")

TALLYBUS_BROWSER_PACKAGES names the folder of the npm packages, see packages.py.
"""

import functools
import http.server
import json
import os
import queue
import subprocess
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGES = Path(os.environ.get("TALLYBUS_BROWSER_PACKAGES", "build/release/tests/browser")).resolve()
START_SECONDS = 60


class Pages:
    """Serves an empty page at `url`, and below it the files of `folders`, by the name of each. Another
    host of loopback is another origin, and a foreign one to tallybusd."""

    def __init__(self, folders, host="127.0.0.1"):
        class Handler(http.server.SimpleHTTPRequestHandler):
            extensions_map = {".mjs": "text/javascript", ".js": "text/javascript",
                              ".html": "text/html", "": "application/octet-stream"}

            def translate_path(self, path):
                name, _, rest = path.split("?")[0].lstrip("/").partition("/")
                below = (Path(folders[name]) / rest).resolve() if name in folders else HERE / "none"
                return str(below)

            def do_GET(self):
                if self.path != "/":
                    return super().do_GET()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(b"<!doctype html><link rel=icon href=data:,><title>test</title>")

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer((host, 0), Handler)
        self.url = f"http://{host}:{self._server.server_address[1]}/"

    def __enter__(self):
        serve = functools.partial(self._server.serve_forever, poll_interval=0.05)
        threading.Thread(target=serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


class PageError(Exception):
    """What a page threw, as text."""


class Chromium:
    """One Chromium with a fresh profile and one page, which shows `url`."""

    def __init__(self, url):
        self._url = url
        self._answers = queue.Queue()
        self._id = 0  # of the last command
        self._process = None

    def __enter__(self):
        self._process = subprocess.Popen(
            ["node", HERE / "chromium.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "TALLYBUS_BROWSER_PACKAGES": str(PACKAGES)})
        threading.Thread(target=self._read, daemon=True).start()
        try:
            self.version = self._answer(START_SECONDS)
            self.open(self._url)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._process.stdin.close()  # chromium.mjs then closes Chromium, and ends
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.terminate()  # playwright takes Chromium along
            self._process.wait(60)
        self._process.stdout.close()

    def open(self, url, seconds=120):
        self._command({"open": url}, seconds)

    def evaluate(self, expression, seconds=120):
        """The value of a JavaScript expression in the page, awaited if it is a promise. PageError
        where it throws, and after `seconds`."""
        return self._command({"evaluate": expression}, seconds)

    def _command(self, command, seconds):
        self._id += 1
        self._process.stdin.write(json.dumps({"id": self._id, **command}) + "\n")
        self._process.stdin.flush()
        return self._answer(seconds)

    def _read(self):
        for line in self._process.stdout:
            self._answers.put(json.loads(line))
        self._answers.put({"id": None, "error": "chromium.mjs ended"})

    def _answer(self, seconds):
        deadline = time.monotonic() + seconds
        answer = {"id": -1}
        while answer["id"] not in (self._id, None):  # of one that was given up it may come late
            try:
                answer = self._answers.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                raise PageError(f"no answer within {seconds} s") from None
        if "error" in answer:
            raise PageError(answer["error"])
        return answer["value"]
