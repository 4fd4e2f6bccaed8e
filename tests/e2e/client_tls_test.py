"""The web port under TLS: pages, WebSockets and event streams; certificates that change; peers that
speak no TLS. Certificates are made by openssl."""

import asyncio
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import unittest
import urllib.request
from pathlib import Path

import aiohttp

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from tallybus_parts import BIN, OpenBus, Tallybusd, stream_status, wait_until

PATIENCE = 60


def make_certificate(folder, name):
    """folder/cert.pem, which signs itself, and folder/key.pem, put in place at once."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
                    "-keyout", folder / "key.new", "-out", folder / "cert.new"],
                   check=True, capture_output=True)
    for file in ("key", "cert"):
        os.replace(folder / f"{file}.new", folder / f"{file}.pem")


class TlsTallybusd(Tallybusd):
    """Its own pages are asked for over TLS too, whatever certificate it shows."""

    def get(self, path):
        trusting = ssl._create_unverified_context()
        with urllib.request.urlopen(f"https://{self.web}{path}", timeout=60, context=trusting) as answer:
            return answer.status, answer.read().decode()


class ClientTlsTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.daemon = TlsTallybusd({"defaultApp": {"url": "off"}})
        self.folder = self.daemon.work_dir
        make_certificate(self.folder, "first")
        self.ca = self.folder / "ca.pem"
        self.ca.write_bytes((self.folder / "cert.pem").read_bytes())
        self.daemon.config["listen"]["tls"] = {"cert_file": f"{self.folder}/cert.pem",
                                               "key_file": f"{self.folder}/key.pem"}
        self.enterContext(self.daemon)
        self.bus = self.enterContext(OpenBus(self.daemon))

    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)
        self.http = await self.enterAsyncContext(aiohttp.ClientSession())

    async def connect(self, query):
        ws = await self.http.ws_connect(f"https://{self.daemon.web}/clients{query}", max_msg_size=0,
                                        ssl=ssl.create_default_context(cafile=self.ca))
        self.addAsyncCleanup(ws.close)
        return ws

    async def read(self, ws):
        frame = await ws.receive(PATIENCE)
        return json.loads(frame.data) if frame.type == aiohttp.WSMsgType.TEXT else ws.close_code

    def curl(self, path, *args, scheme="https"):
        return subprocess.run(["curl", "-sSi", "-m", "60", "--cacert", self.ca, *args,
                               f"{scheme}://{self.daemon.web}{path}"], capture_output=True, text=True)

    def shown(self):
        """The name in the certificate that a new connection is shown."""
        host, port = self.daemon.web.split(":")
        pem = ssl.get_server_certificate((host, int(port)))
        subject = subprocess.run(["openssl", "x509", "-noout", "-subject"], input=pem,
                                 capture_output=True, text=True, check=True).stdout
        return re.search(r"CN ?= ?(\w+)", subject)[1]

    async def test_pages_are_served_over_tls_and_the_name_is_proved(self):
        for path in ("/healthz", "/metrics"):
            self.assertIn("HTTP/1.1 200 OK", self.curl(path).stdout)
        self.assertIn("HTTP/1.1 404", self.curl("/nothing").stdout)
        two = self.curl("/healthz", f"https://{self.daemon.web}/healthz").stdout
        self.assertEqual(two.count("200 OK"), 2, "one connection serves several requests")
        self.assertNotEqual(self.curl("/healthz", "--tls-max", "1.1").returncode, 0)
        untrusted = self.curl("/healthz", "--cacert", "/etc/ssl/certs/ca-certificates.crt")
        self.assertEqual(untrusted.returncode, 60, "curl knows no such authority")

    async def test_web_sockets_and_event_streams_are_served_over_tls(self):
        ws = await self.connect("?session=s1")
        self.assertEqual((await self.read(ws))["message"], "Snapshot")
        curl = subprocess.Popen(["curl", "-sN", "--cacert", self.ca,
                                 f"https://{self.daemon.web}/events?session=s1"],
                                stdout=subprocess.PIPE, text=True)
        self.addCleanup(curl.communicate)
        self.addCleanup(curl.kill)
        self.assertEqual(curl.stdout.readline(), "event: Snapshot\n")
        large = "x" * 200_000  # more than a record of TLS, more than the socket takes at once
        for i in range(40):
            self.bus.send(stream_status(f"S{i}", info=large))
        for i in range(5):
            event = await self.read(ws)
            self.assertEqual(event["data"][0]["status"], f"S{i}")
            self.assertEqual(event["data"][0]["info"], large)
        while "S4" not in (line := curl.stdout.readline()):
            self.assertTrue(line, "the stream goes on")
        await ws.send_str('{"message":"Ping"}')
        while (await self.read(ws)).get("message") != "Pong":
            pass

    async def test_a_stopping_daemon_says_1001_over_tls(self):
        ws = await self.connect("?session=s1")
        await self.read(ws)
        stopping = asyncio.get_running_loop().run_in_executor(None, self.daemon.stop)
        self.assertEqual(await self.read(ws), 1001)
        await stopping

    async def test_a_new_certificate_is_shown_to_new_connections_and_old_ones_go_on(self):
        ws = await self.connect("?session=s1")
        await self.read(ws)
        self.assertEqual(self.shown(), "first")
        make_certificate(self.folder, "second")
        self.daemon.look_again()
        wait_until(lambda: self.shown() == "second", "the new certificate")
        self.bus.send(stream_status("A"))
        self.assertEqual((await self.read(ws))["data"][0]["status"], "A")
        make_certificate(self.folder, "third")
        wait_until(lambda: self.shown() == "third", "it is seen without a signal")

    async def test_a_pair_that_does_not_fit_keeps_the_old_one_and_is_told(self):
        other = self.folder / "other"
        other.mkdir()
        make_certificate(other, "other")
        os.replace(other / "key.pem", self.folder / "key.pem")
        self.daemon.look_again()
        self.daemon.await_log("stays as it was: listen.tls.key_file: ")
        self.assertEqual(self.shown(), "first")
        os.replace(other / "cert.pem", self.folder / "cert.pem")
        self.daemon.look_again()
        wait_until(lambda: self.shown() == "other", "the pair that fits")

    async def test_who_speaks_no_tls_is_refused_and_counted(self):
        refused = self.daemon.metric("tallybus_web_refused_total", reason="tls")
        self.assertNotEqual(self.curl("/healthz", scheme="http").returncode, 0)
        wait_until(lambda: self.daemon.metric("tallybus_web_refused_total", reason="tls") == refused + 1,
                   "it is counted")

    async def test_a_handshake_that_does_not_come_ends_after_its_time(self):
        host, port = self.daemon.web.split(":")
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as silent:
            silent.sendall(b"\x16\x03\x01")
            with self.assertRaises(TimeoutError):
                silent.settimeout(1)
                silent.recv(1)
            silent.settimeout(PATIENCE)
            self.assertEqual(silent.recv(1), b"")
        # The connection ends a moment before it is counted.
        wait_until(lambda: self.daemon.metric("tallybus_web_refused_total", reason="tls") == 1,
                   "it is counted")

    def test_files_that_are_wrong_are_named_before_it_serves(self):
        (self.folder / "cert.pem").write_text("nonsense")
        done = subprocess.run([BIN / "tallybusd", "--check", "--config", self.daemon.config_path],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"listen.tls.cert_file: {self.folder}/cert.pem cannot be read", done.stderr)


if __name__ == "__main__":
    unittest.main()
