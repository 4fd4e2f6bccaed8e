"""A Janus whose video room is janus_load_plugin, with the event handlers that are wanted, and
sampleevh in it: what Janus itself brings along to POST its events."""

import contextlib
import json
import shutil
import time
import urllib.request
from pathlib import Path

from janus_server import JanusServer, janus_is_installed
from peers.measure import (Arm, BenchFailed, Memory, limit_of, require, run_daemon,
                           thread_cpu_seconds, version)
from tallybus_parts import wait_until

HANDLES = 16
SAMPLE = "libjanus_sampleevh.so"
# So janus_timed_handler names the threads of the handler; the others name themselves.
HANDLER_THREADS = "handler|tallybus|ZMQ"


def library_folder():
    if not janus_is_installed():
        raise BenchFailed("janus is not installed: ./dev installs cmake/debian-packages.txt")
    return next(p for p in Path("/usr/lib").glob("*/janus") if (p / "events" / SAMPLE).exists())


class LoadedJanus:
    """`handlers`: {name: library}, each behind janus_timed_handler. `files`: their settings."""

    def __init__(self, setup, name, handlers, files):
        self._setup, self._handlers = setup, handlers
        self.folder = setup.new_folder(name)
        plugins, events = self.folder / "load", self.folder / "handlers"
        self._janus = JanusServer(None, work_dir=self.folder, files=files, janus={
            "general": {"plugins_folder": str(plugins), "events_folder": str(events),
                        "server_name": "janus", "session_timeout": 0},
            "events": {"broadcast": True}})
        self._places = (plugins, events)

    def __enter__(self):
        for place in self._places:
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
        plugins, events = self._places
        (plugins / "libjanus_videoroom.so").symlink_to(
            self._setup.build / "bench" / "janus_load_plugin.so")
        for name, library in self._handlers.items():
            # A copy: Janus would take two links to one file for one library.
            shutil.copy(self._setup.build / "bench" / "janus_timed_handler.so",
                        events / f"{name}.so")
            (events / f"{name}.so.target").write_text(f"{library}\n{self.result_path(name)}\n")
        self._janus.start()
        try:
            handles = [self._attach() for _ in range(HANDLES)]
        except BaseException:
            self._janus.kill()
            raise
        self._handle = handles[0]
        self.load(0)
        wait_until(lambda: self._ask(request="status")["ready"], "the events are made")
        return self

    def __exit__(self, *_):
        self._janus.stop()

    def result_path(self, name):
        return self.folder / f"{name}.json"

    @property
    def pid(self):
        return self._janus.pid

    @property
    def log(self):
        return self._janus.log()

    def _post(self, path, message):
        request = urllib.request.Request(
            self._janus.url + path, json.dumps({"transaction": "t", **message}).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            said = json.load(answer)
        if said["janus"] != "success":
            raise BenchFailed(f"Janus: {said}")
        return said

    def _attach(self):
        session = self._post("", {"janus": "create"})["data"]["id"]
        handle = self._post(f"/{session}", {"janus": "attach", "plugin": "janus.plugin.videoroom"})
        return f"/{session}/{handle['data']['id']}"

    def _ask(self, **body):
        return self._post(self._handle, {"janus": "message", "body": body})["plugindata"]["data"]

    def load(self, events, rate=0, stamped=False):
        """`rate`: events a second; 0: as fast as they go."""
        self._ask(request="load", events=events, bytes=self._setup.size, rate=rate,
                  stamped=stamped)

    def await_done(self, events):
        wait_until(lambda: self.done() >= events, "Janus is through", limit_of(events))

    def done(self):
        """How many events nobody in Janus holds any more."""
        return self._ask(request="status")["done"]


def sample_settings(url, grouping):
    return {"janus.eventhandler.sampleevh.jcfg":
            'general: {\n  enabled = true\n  events = "plugins"\n  json = "compact"\n'
            f'  grouping = {"true" if grouping else "false"}\n  backend = "{url}"\n}}\n'}


class SampleHandler(Arm):
    """CPU is that of sampleevh's own thread, not of the Janus around it; memory is what Janus grew
    by."""
    name = "Janus sampleevh"

    def __init__(self, setup, grouping):
        self._setup, self._grouping = setup, grouping
        self.pace = 5_000 if grouping else 1_000  # near what it can, it would be a backlog's
        self.configuration = (f"Janus {version(require('janus'), '--version')}, json compact, grouping "
                              f"{'on, up to 100 a POST' if grouping else 'off'}, one connection a "
                              "POST as it does; CPU of its thread alone, memory that Janus grew by")
        self._stack = self._janus = self._idle = None

    def __enter__(self):
        self._stack = contextlib.ExitStack()
        library = library_folder() / "events" / SAMPLE
        self._janus = self._stack.enter_context(LoadedJanus(
            self._setup, f"janus-grouping-{self._grouping}", {"sampleevh": library},
            sample_settings(self._setup.url, self._grouping)))
        self._idle = Memory(self._janus.pid)
        self._idle.look()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def run(self, events):
        pid = self._janus.pid
        result = run_daemon(
            self._setup, pid, events, lambda: self._janus.load(events),
            requests=None if self._grouping else events,
            arrived=lambda: self._janus.done() >= events,
            cpu=lambda: thread_cpu_seconds(pid, HANDLER_THREADS))
        if "event lost" in self._janus.log:
            raise BenchFailed("sampleevh has lost events")
        result.rss, result.anon = result.rss - self._idle.rss, result.anon - self._idle.anon
        return result

    def feed(self, pace, seconds):
        self._janus.load(pace * seconds, pace, stamped=True)
        time.sleep(seconds)  # to ask Janus meanwhile would cost it
        self._janus.await_done(pace * seconds)
