"""A real Janus with the Tallybus event handler, in a folder and on ports of its own.

    with JanusServer(plugin_dir="build/dev/lib", endpoint="ipc:///tmp/x.sock") as janus:
        ... publish to janus.url, room JanusServer.ROOM, and read janus.log() ...

What Janus prints goes to `log_path`, which outlives the context when `work_dir` was given.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from tallybus_parts import reserved_port

EVENT_HANDLER = "libjanus_tallybusevh.so"
POLL_SECONDS = 0.05


class JanusFailed(Exception):
    """Janus did not start or did not stop; the text holds the end of its log."""


def janus_is_installed():
    return shutil.which("janus") is not None and _library_folder() is not None


def wait_until(condition, seconds, what):
    """Polls condition() until it is true and returns its value; TimeoutError after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(POLL_SECONDS)


class JanusServer:
    """plugin_dir: folder of libjanus_tallybusevh.so, or None for Janus without it.

    endpoint, app_key and node_id go into the event handler's file; `handler` holds further
    settings of that file ({"jsep": True}), `janus` ones of janus.jcfg by group
    ({"general": {"session_timeout": 5}}), `files` whole files by name, which replace ours.
    admin_secret opens the Admin API; the handler gets its address and `handler_secret`, by default
    the right one.
    """

    ROOM = 1234
    MOUNTPOINT = 7

    def __init__(self, plugin_dir, endpoint=None, app_key=None, node_id=None, handler=None,
                 janus=None, files=None, work_dir=None, start_seconds=60, stop_seconds=60,
                 admin_secret=None, handler_secret=None):
        self._plugin_dir = Path(plugin_dir).resolve() if plugin_dir else None
        named = {"endpoint": endpoint, "app_key": app_key, "node_id": node_id}
        self._handler = {"enabled": True, **{k: v for k, v in named.items() if v is not None},
                         **(handler or {})}
        self._janus = janus or {}
        self._admin_secret = admin_secret
        self._handler_secret = handler_secret or admin_secret
        self._files = files or {}
        self._temporary = None if work_dir else tempfile.TemporaryDirectory(prefix="janus-")
        self.work_dir = Path(work_dir or self._temporary.name)
        self.log_path = self.work_dir / "janus.log"
        self._start_seconds = start_seconds
        self._stop_seconds = stop_seconds
        self._process = None
        self.url = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            self._discard()

    @property
    def pid(self):
        return self._process.pid

    def log(self):
        """A thread of Janus's own writes it: what it tells may have been seen before. Whole once
        Janus was stopped."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def start(self):
        """Starts Janus and returns when its HTTP API answers."""
        port = reserved_port()
        self.url = f"http://127.0.0.1:{port}/janus"
        self._write_config(port, reserved_port() if self._admin_secret else None)
        self._spawn()
        try:
            wait_until(self._answers, self._start_seconds, "Janus answers on its HTTP port")
        except (TimeoutError, JanusFailed) as error:
            self.kill()
            raise JanusFailed(f"{error}\n{self._log_end()}") from error

    def stop(self):
        """Asks Janus to end, which lets the event handler say its last events."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(self._stop_seconds)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise JanusFailed(f"Janus did not stop\n{self._log_end()}") from error
        self._process = None

    def kill(self):
        """Ends Janus as a crash would: no last events."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _spawn(self):
        command = ["janus", "--configs-folder", str(self.work_dir / "etc"), "--disable-colors"]
        with open(self.log_path, "ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=subprocess.STDOUT, cwd=self.work_dir)

    def _answers(self):
        if self._process.poll() is not None:
            raise JanusFailed(f"Janus ended with {self._process.returncode}")
        try:
            with urllib.request.urlopen(f"{self.url}/info", timeout=60) as answer:
                return json.load(answer).get("janus") == "server_info"
        except (urllib.error.URLError, OSError, ValueError):
            return False

    def _log_end(self):
        return "\n".join(self.log().splitlines()[-40:])

    def _discard(self):
        self.kill()
        if self._temporary is not None:
            self._temporary.cleanup()

    def _write_config(self, port, admin_port):
        etc = self.work_dir / "etc"
        shutil.rmtree(etc, ignore_errors=True)
        etc.mkdir(parents=True)
        silence = self.work_dir / "silence.alaw"
        silence.write_bytes(b"\xd5" * 8000)
        handler, admin = self._handler, {"admin_http": False}
        if admin_port:
            admin = {"admin_http": True, "admin_port": admin_port, "admin_ip": "127.0.0.1"}
            handler = {**handler, "admin_url": f"http://127.0.0.1:{admin_port}/admin",
                       "admin_secret": self._handler_secret}
        files = {
            "janus.jcfg": _jcfg(self._core_settings()),
            "janus.transport.http.jcfg": _jcfg({
                "general": {"http": True, "port": port, "ip": "127.0.0.1", "https": False},
                "admin": admin}),
            "janus.plugin.videoroom.jcfg": _jcfg({
                f"room-{self.ROOM}": {"description": "Room", "publishers": 100,
                                      "bitrate": 128000, "audiocodec": "opus",
                                      "videocodec": "vp8"}}),
            "janus.plugin.streaming.jcfg": _jcfg({
                "silence": {"type": "live", "id": self.MOUNTPOINT, "description": "Silence",
                            "filename": str(silence), "audio": True, "video": False}}),
            "janus.eventhandler.tallybusevh.jcfg": _jcfg({"general": handler}),
            **self._files,
        }
        for name, text in files.items():
            (etc / name).write_text(text)

    def _core_settings(self):
        folders = {kind: self._folder(kind, names) for kind, names in {
            "plugins": ["libjanus_videoroom.so", "libjanus_streaming.so"],
            "transports": ["libjanus_http.so"],
            "loggers": []}.items()}
        settings = {
            "general": {**{f"{kind}_folder": path for kind, path in folders.items()},
                        "configs_folder": str(self.work_dir / "etc"),
                        "events_folder": str(self._plugin_dir or self._folder("events", [])),
                        **({"admin_secret": self._admin_secret} if self._admin_secret else {}),
                        "debug_level": 4},
            "media": {"ipv6": False},
            "events": {"broadcast": self._plugin_dir is not None, "stats_period": 1,
                       "disable": self._other_libraries()},
        }
        for group, values in self._janus.items():
            settings.setdefault(group, {}).update(values)
        return settings

    def _other_libraries(self):
        """A build folder holds more libraries than ours, and Janus tries to load them all."""
        names = os.listdir(self._plugin_dir) if self._plugin_dir else []
        return ",".join(sorted(n for n in names if n.endswith(".so") and n != EVENT_HANDLER))

    def _folder(self, kind, names):
        folder = self.work_dir / kind
        folder.mkdir(exist_ok=True)
        for name in names:
            link = folder / name
            if not link.exists():
                link.symlink_to(_library_folder() / kind / name)
        return str(folder)


def _library_folder():
    found = sorted(Path("/usr/lib").glob("*/janus")) + sorted(Path("/usr/lib").glob("janus"))
    return found[0] if found else None


def _jcfg(groups):
    lines = []
    for group, settings in groups.items():
        lines.append(f"{group}: {{")
        lines += [f"\t{key} = {_jcfg_value(value)}" for key, value in settings.items()]
        lines.append("}")
    return "\n".join(lines) + "\n"


def _jcfg_value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
