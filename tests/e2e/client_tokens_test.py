"""Tokens of web clients, made by PyJWT: who may listen to what, and every token that must not count."""

import asyncio
import base64
import json
import os
import subprocess
import sys
import time
import unittest
from pathlib import Path

import aiohttp
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from tallybus_parts import (BIN, OpenBus, Tallybusd, first_of_stream, stream_status,
                            wait_until)

PATIENCE = 60
SECRET = "an HS256 secret, known to the backend and to us"


def public_pem(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM,
                                         serialization.PublicFormat.SubjectPublicKeyInfo)


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


class ClientTokensTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.ed25519 = Ed25519PrivateKey.generate()
        self.daemon = Tallybusd({"app": {}, "other": {}})
        self.secret_file = self.daemon.work_dir / "secret"
        self.secret_file.write_text(SECRET + "\n")
        (self.daemon.work_dir / "key.pem").write_bytes(public_pem(self.ed25519))
        self.daemon.config["clients"] = {"auth": "token", "token": {
            "hs256_secret_file": str(self.secret_file),
            "ed25519_key_file": str(self.daemon.work_dir / "key.pem")}}
        for app in self.daemon.config["apps"].values():
            app["url"] = "off"
        self.enterContext(self.daemon)
        self.bus = self.enterContext(OpenBus(self.daemon))
        self.http = None

    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)
        self.http = await self.enterAsyncContext(aiohttp.ClientSession(read_bufsize=2 << 20))

    def token(self, key=SECRET, algorithm="HS256", seconds=600, **claims):
        return jwt.encode({"exp": time.time() + seconds, **(claims or {"session": "s1"})}, key, algorithm)

    async def connect(self, token=None, query="", **headers):
        """A WebSocket whose handshake brings the token, if any, in the header."""
        if token:
            headers["Authorization"] = f"Bearer {token}"
        ws = await self.http.ws_connect(f"http://{self.daemon.web}/clients{query}", headers=headers)
        self.addAsyncCleanup(ws.close)
        return ws

    async def read(self, ws):
        """The next frame as an object, or (close code, reason)."""
        frame = await ws.receive(PATIENCE)
        if frame.type == aiohttp.WSMsgType.TEXT:
            return json.loads(frame.data)
        return ws.close_code, frame.extra

    async def watch(self, ws, *items, **more):
        await ws.send_str(json.dumps({"message": "Watch", "data": list(items), **more}))
        return await self.read(ws)

    async def status(self, path, token=None):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.http.get(f"http://{self.daemon.web}{path}", headers=headers) as answer:
            if answer.status == 401:
                self.assertEqual(answer.headers["WWW-Authenticate"], "Bearer")
                self.assertGreater(len(await answer.text()), 10, "it says why")
            return answer.status

    def publish(self, status="PUBLISHING", app="app", **fields):
        self.bus.send(stream_status(status, **fields) | {"appKey": app})

    def bad_tokens(self):
        good = self.token()
        head, claims, signature = good.split(".")
        rsa = generate_private_key(65537, 2048)
#RS256 confusion : the public key, which everybody may know, as the secret of an HMAC.
        confused_text = f'{part({"alg": "HS256"})}.{claims}'.encode()
        mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
        confused_mac = mac.sign(confused_text, public_pem(self.ed25519))
        return {
            "expired": self.token(seconds=-1),
            "alg none": f'{part({"alg": "none"})}.{claims}.',
            "alg none, the signature left": f'{part({"alg": "none"})}.{claims}.{signature}',
            "RS256": self.token(rsa, "RS256"),
            "the public key as a secret":
                f"{confused_text.decode()}.{base64.urlsafe_b64encode(confused_mac).rstrip(b'=').decode()}",
            "wrong secret": self.token("another secret that is as long as ours is"),
            "wrong key": self.token(Ed25519PrivateKey.generate(), "EdDSA"),
            "claims changed": f'{head}.{part({"session": "s1", "exp": 4e9})}.{signature}',
            "truncated": good[:-3],
            "without its signature": f"{head}.{claims}",
            "without an end": jwt.encode({"session": "s1"}, SECRET, "HS256"),
            "grants nothing": self.token(sub="me"),
            "nonsense": "nonsense",
            "100 KB long": self.token(session="s1", padding="x" * 75_000),
        }

    async def test_no_bad_token_counts_in_any_of_three_places(self):
        for name, token in self.bad_tokens().items():
            with self.subTest(name):
                for path in ("/events?session=s1", "/clients"):
                    self.assertEqual(await self.status(path, token), 401)
                self.assertEqual(await self.status(f"/events?session=s1&access_token={token}"), 401)
                code, reason = await self.watch(await self.connect(), {"session": "s1"}, token=token)
                self.assertEqual(code, 4401)
                self.assertIn("token", reason)
                self.assertNotIn(token[:20], reason)
        bad = len(self.bad_tokens())
        wait_until(lambda: self.daemon.metric("tallybus_client_refused_total", reason="unauthorized")
                   + self.daemon.metric("tallybus_web_refused_total", reason="headers") == 3 * bad,
                   "all refusals are counted")
        self.daemon.await_metric(bad, "tallybus_client_closes_total", reason="unauthorized")
        self.daemon.await_metric(4, "tallybus_client_tokens_refused_total",
                                 reason="the token has expired")
        for leak in (self.token()[:20], SECRET):
            self.assertNotIn(leak, self.daemon.log())
            self.assertNotIn(leak, self.daemon.get("/metrics")[1])

    async def test_good_tokens_count_in_all_three_places(self):
        eddsa = self.token(self.ed25519, "EdDSA")
        for token in (self.token(), eddsa):
            for ws in (await self.connect(token), await self.connect(query=f"?access_token={token}")):
                self.assertEqual((await self.watch(ws, {"session": "s1"}))["message"], "Snapshot")
            snapshot = await self.watch(await self.connect(), {"session": "s1"}, token=token)
            self.assertEqual(snapshot["message"], "Snapshot")
            self.assertIn("event: Snapshot", first_of_stream(self.daemon, "session=s1", "-H",
                                                             f"Authorization: Bearer {token}"))

    async def test_without_a_token_nothing_is_told(self):
        self.publish(session="s1")
        self.assertEqual(await self.status("/events?session=s1"), 401)
        ws = await self.connect(query="?session=s1")
        self.assertEqual((await self.watch(ws, {"session": "s1"}))[0], 4401)

    async def test_another_session_than_the_tokens_is_refused(self):
        token = self.token(session="s1")
        self.assertEqual(await self.status("/events?session=s2", token), 403)
        self.assertEqual(await self.status("/events?app=app", token), 403)
        for item in ({"session": "s2"}, {"stream": "s1"}, {"app": "app"}):
            self.assertEqual((await self.watch(await self.connect(token), item))[0], 4403)

    async def test_a_foreign_page_is_refused_though_its_token_is_good(self):
        with self.assertRaises(aiohttp.WSServerHandshakeError) as refused:
            await self.connect(self.token(), Origin="https://evil.example")
        self.assertEqual(refused.exception.status, 403)

    async def test_the_app_bounds_the_session_in_snapshot_events_and_replay(self):
        for app in ("app", "other"):
            self.publish(app=app, session="s1", media=app, name=f"in-{app}")
        wait_until(lambda: self.daemon.metric("tallybus_events_accepted_total") >= 2, "both are there")
        ws = await self.connect(self.token(session="s1", streams=["in-other"], app="app"))
        snapshot = await self.watch(ws, {"session": "s1"}, {"stream": "in-other"})
        self.assertEqual([s["appKey"] for s in snapshot["data"]], ["app"])
        for status, app in (("A", "other"), ("B", "app"), ("C", "other"), ("D", "app")):
            self.publish(status, app=app, session="s1", media=app, name=f"in-{app}")
        told = [await self.read(ws) for _ in range(2)]
        self.assertEqual([e["data"][0]["status"] for e in told], ["B", "D"])
        back = await self.connect(self.token(session="s1", app="app"))
        resumed = await self.watch(back, {"session": "s1"}, after=told[0]["id"])
        self.assertEqual(resumed["message"], "Resumed")
        self.assertEqual((await self.read(back))["data"][0]["status"], "D")

    async def test_an_app_alone_is_all_of_that_app(self):
        ws = await self.connect(self.token(app="app"))
        for item in ({"app": "app"}, {"session": "s1"}, {"stream": "any"}):
            self.assertEqual((await self.watch(ws, item))["message"], "Snapshot")
        self.publish("A", app="other")
        self.publish("B", app="app")
        self.assertEqual((await self.read(ws))["data"][0]["status"], "B")
        self.assertEqual((await self.watch(ws, {"app": "other"}))[0], 4403)

    async def test_a_token_that_expires_ends_the_connection(self):
        token = self.token(seconds=12)
        ws = await self.connect(token, "?session=s1")
        curl = subprocess.Popen(["curl", "-sN", f"http://{self.daemon.web}/events?session=s1"
                                 f"&access_token={token}"], stdout=subprocess.PIPE, text=True)
        self.assertEqual((await self.read(ws))["message"], "Snapshot")
        self.assertEqual(await self.read(ws), (4401, "token expired"))
        self.assertIn("Snapshot", curl.communicate(timeout=PATIENCE)[0])

    async def test_keys_are_changed_without_a_restart(self):
        old, other = self.token(), "another secret that is as long as ours is"
        new_file = self.secret_file.with_suffix(".new")
        new_file.write_text(other)
        os.replace(new_file, self.secret_file)
        self.daemon.look_again()
        self.daemon.await_log("the keys for tokens were read")
        self.assertEqual(await self.status("/clients", old), 401)
        snapshot = await self.watch(await self.connect(self.token(other)), {"session": "s1"})
        self.assertEqual(snapshot["message"], "Snapshot")

    def test_what_cannot_be_safe_is_refused_before_it_serves(self):
        def said(config):
            (self.daemon.work_dir / "bad.yaml").write_text(json.dumps(config))
            done = subprocess.run([BIN / "tallybusd", "--check", "--config",
                                   self.daemon.work_dir / "bad.yaml"], capture_output=True, text=True)
            self.assertEqual(done.returncode, 1)
            return done.stderr
        self.assertIn("set clients.auth: token", said({"listen": {"web": "0.0.0.0:0"}}))
        missing = {"auth": "token", "token": {"hs256_secret_file": "/nowhere"}}
        self.assertIn("clients.token.hs256_secret_file: /nowhere: cannot be read", said({"clients": missing}))


if __name__ == "__main__":
    unittest.main()
