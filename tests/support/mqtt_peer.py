"""Debian's mosquitto, and a reader who hears all that it took, over its restarts."""

import json
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from tallybus_parts import reserved_port, wait_until


class Mosquitto:
    """Its port stays over a restart; so does, after an orderly stop, what a reader has not heard."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="tallybus-mqtt-"))
        self.port = reserved_port()
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder)

    @property
    def url(self):
        return f"mqtt://127.0.0.1:{self.port}"

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def start(self):
        config = self.folder / "mosquitto.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser root\n"
                          f"persistence true\npersistence_location {self.folder}/\n"
                          f"max_queued_messages 0\nlog_dest file {self.folder}/log\n")
        self.process = subprocess.Popen(["/usr/sbin/mosquitto", "-c", config],
                                        stderr=subprocess.DEVNULL)
        wait_until(self._listens, "mosquitto listens")

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Reader:
    """mosquitto_sub with a session that stays: (topic, user properties, JSON object) of each."""

    def __init__(self, broker):
        self._file = broker.folder / "heard"
        with open(self._file, "wb") as heard:
            self._process = subprocess.Popen(
                ["mosquitto_sub", "-p", str(broker.port), "-V", "5", "-i", "reader", "-c",
                 "-x", "3600", "-q", "1", "-t", "tallybus/#", "-t", "ready", "-F", "%j"],
                stdout=heard, stderr=subprocess.DEVNULL)
        wait_until(lambda: self._says_ready(broker), "the reader reads")

    def _says_ready(self, broker):
        subprocess.run(["mosquitto_pub", "-p", str(broker.port), "-t", "ready", "-n"], check=True)
        return self._file.stat().st_size > 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()

    def messages(self):
        heard = []
        for line in self._file.read_text().splitlines(keepends=True):
            if not line.endswith("\n"):
                break
            told = json.loads(line)
            if told["topic"] != "ready":
                heard.append((told["topic"], told["properties"]["user-properties"],
                              json.loads(told["payload"])))
        return heard
