"""`tallybusd --check`: what is around a configuration, and its own tests."""

import contextlib
import json
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from tallybus_parts import (BIN, Backend, OpenBus, Tallybusd, stream_status,  # noqa: E402
                            wait_until)

APP = "defaultApp"
ROOT = Path(__file__).resolve().parents[2]
BAD_FILE, BAD_ENVIRONMENT = 1, 3


class CheckTest(unittest.TestCase):
    def setUp(self):
        self.backend = self.enterContext(Backend())
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="tallybus-")))
        self.config = {
            "listen": {"engine": f"ipc://{self.folder}/engine.sock", "open": "tcp://127.0.0.1:0",
                       "clients": "tcp://127.0.0.1:0", "web": "127.0.0.1:0",
                       "admin": f"unix:{self.folder}/admin.sock"},
            "spool": {"path": f"{self.folder}/state/spool", "max_size": "1MiB"},
            "apps": {APP: {"url": self.backend.url}}}
        self.path = self.folder / "tallybus.yaml"

    def check(self, code, *flags, text=None):
        """The lines of both outputs for what is configured."""
        self.path.write_text(text or json.dumps(self.config, indent=1))
        done = subprocess.run([BIN / "tallybusd", "--config", self.path, "--check", *flags],
                              capture_output=True, text=True, timeout=60)
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, code, said)
        self.assertNotIn("s3cret", said)
        return done.stdout.splitlines(), done.stderr.splitlines()

    def wrong(self, pattern):
        """One finding and the summary; the file by itself is good."""
        _, errors = self.check(BAD_ENVIRONMENT)
        self.assertEqual(len(errors), 2, errors)
        self.assertRegex(errors[0], pattern)
        self.assertIn("1 error around the file; --no-environment checks the file alone", errors[1])
        self.assertEqual(self.check(0, "--no-environment")[0], [f"{self.path}: good"])

    def serve_tls(self, wants_client=False, version=None):
        """A TLS peer whose authority nobody knows: its port, and its certificate."""
        cert, key = self.folder / "cert.pem", self.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=x",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                       check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        context.num_tickets = 0  # or who leaves without having read them resets the connection
        if wants_client:
            context.load_verify_locations(cert)
            context.verify_mode = ssl.CERT_REQUIRED
        if version:
            context.minimum_version = context.maximum_version = version
        listener = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        self.heard = []

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with contextlib.suppress(OSError):  # it may not believe us
                    with context.wrap_socket(connection, server_side=True) as peer:
                        self.heard.append(peer.recv(4096))
        threading.Thread(target=serve, daemon=True).start()
        return listener.getsockname()[1], cert

    def test_what_is_all_right_is_good_and_leaves_nothing(self):
        out, err = self.check(0)
        self.assertEqual(out, [f"{self.path}: good; tested: the spool, 5 listeners, 1 endpoint"])
        self.assertEqual(err, [])
        self.assertEqual([p.name for p in self.folder.iterdir()], ["tallybus.yaml"])
        self.assertEqual(self.backend.requests, [])

    def test_beside_the_daemon_that_runs_all_is_its_own(self):
        with Tallybusd(apps=self.config["apps"]) as daemon:
            self.config = {**daemon.config, "listen": {
                **daemon.config["listen"], "open": daemon.open, "clients": daemon.clients,
                "web": daemon.web}}
            out, _ = self.check(0)
            who = rf"is in use by the router that runs \(tallybusd, pid {daemon.process.pid}\)"
            for key in ("spool.path", *(f"listen.{k}" for k in self.config["listen"])):
                self.assertEqual(len([line for line in out if re.match(
                    rf"note: {key}: \S+ {who}$", line)]), 1, (key, out))
            # With a spool in memory the admin door shows who it is.
            self.config["spool"] = {"path": "memory"}
            self.assertEqual(len([line for line in self.check(0)[0] if re.search(who, line)]), 5)
            # Nothing of it was disturbed.
            self.assertEqual(daemon.get("/healthz")[0], 200)
            done = subprocess.run([BIN / "tallybus", "status", "--admin", f"unix:{daemon.admin}"],
                                  capture_output=True, timeout=60)
            self.assertEqual(done.returncode, 0)
            # Whose spool is another one is somebody else.
            self.config["spool"] = {"path": f"{self.folder}/other"}
            _, errors = self.check(BAD_ENVIRONMENT)
            self.assertEqual(len(errors), 6, errors)
            self.assertIn(f"in use by tallybusd, pid {daemon.process.pid}; stop that one",
                          " ".join(errors))

    def test_the_spool_that_a_daemon_left_is_read_and_left_as_it_is(self):
        with Tallybusd(apps=self.config["apps"]) as daemon:
            self.config, spool = daemon.config, daemon.work_dir / "spool"
            for end in daemon.kill, daemon.stop:  # with a log beside the file, and without
                with OpenBus(daemon) as bus:
                    bus.send(stream_status())
                self.backend.await_requests(1)
                end()
                files = {path: path.read_bytes() for path in spool.iterdir()}
                self.assertEqual(spool / "spool.db-wal" in files, end == daemon.kill)
                self.assertEqual(self.check(0)[1], [])
                self.assertEqual({path: path.read_bytes() for path in spool.iterdir()}, files)
                daemon.start()
            daemon.stop()
            subprocess.run(["sqlite3", spool / "spool.db", "PRAGMA user_version=99"], check=True,
                           timeout=60)
            self.wrong(r"spool.path: .* was written by tallybusd \S+ \(schema 99\), and this is")
            with open(spool / "spool.db", "r+b") as file:
                file.write(b"no header at all")
            self.wrong(rf"tallybusd: spool.path: {spool}/spool.db is damaged: .* To set it aside and "
                       f"start empty: mv {spool} {spool}.damaged")

    def test_a_spool_that_cannot_be_there_is_named(self):
        self.config["spool"]["path"] = f"{self.path}/spool"
        self.wrong(r"tallybusd: spool.path: .*Not a directory.*; name another directory")

    def test_a_spool_on_a_disk_for_reading_alone_is_named(self):
        # A namespace of its own, so that even root cannot write there.
        self.path.write_text(json.dumps(self.config))
        (self.folder / "state").mkdir()
        done = subprocess.run(
            ["unshare", "--mount", "--map-root-user", "sh", "-c",
             f"mount -t tmpfs -o ro none {self.folder}/state && "
             f"exec {BIN}/tallybusd --config {self.path} --check"],
            capture_output=True, text=True, timeout=60)
        if "unshare" in done.stderr or "mount:" in done.stderr:
            self.skipTest("no mount namespace here: " + done.stderr.strip())
        self.assertEqual(done.returncode, BAD_ENVIRONMENT, done.stderr)
        self.assertRegex(done.stderr, "spool.path: .*Read-only file system; mount it for writing")

    def test_a_disk_that_is_too_small_is_a_warning(self):
        self.config["spool"]["max_size"] = "1TiB"
        out, _ = self.check(0)
        self.assertRegex(out[0], r"warning: spool.path: .*MiB left, and spool.max_size allows")

    def test_a_port_that_somebody_has_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            place = f"127.0.0.1:{taken.getsockname()[1]}"
            self.config["listen"]["web"] = place
            self.wrong(f"listen.web: {place}: in use by another program; stop that one, or "
                       "set listen.web to another")

    def test_a_backend_that_is_away_is_named_with_its_route_and_without_its_path(self):
        self.backend.close()
        self.config["apps"][APP]["url"] = f"http://127.0.0.1:{self.backend.port}/x?key=s3cret"
        self.wrong(f"route {APP}/backend: http://127.0.0.1:{self.backend.port}: connection refused")

    def test_a_name_that_nobody_knows_is_named(self):
        self.config["routes"] = [{"name": "billing", "endpoints": ["https://no-such.invalid/x"]}]
        self.wrong("route billing: https://no-such.invalid:443: (the name is not found|timed out: "
                   "DNS did not answer)")

    def test_a_certificate_is_believed_by_the_routes_own_authorities(self):
        port, cert = self.serve_tls()
        route = {"name": "billing", "endpoints": [f"https://127.0.0.1:{port}/x"]}
        self.config["routes"] = [route]
        self.wrong(f"route billing: https://127.0.0.1:{port}: its certificate is not valid: .*"
                   "; mend it, or name its authority in tls.ca_file")
        route["tls"] = {"ca_file": str(cert)}
        self.check(0)
        wait_until(lambda: self.heard, "the peer saw the end")
        self.assertEqual(self.heard, [b""], "no byte after the handshake")
        # What speaks no TLS.
        route["endpoints"] = [f"https://127.0.0.1:{self.backend.port}/x"]
        self.wrong("no TLS: ")

    def test_a_peer_that_wants_a_client_certificate_says_so_after_the_handshake(self):
        port, cert = self.serve_tls(wants_client=True, version=ssl.TLSVersion.TLSv1_3)
        route = {"name": "billing", "endpoints": [f"https://127.0.0.1:{port}/x"],
                 "tls": {"ca_file": str(cert)}}
        self.config["routes"] = [route]
        head = f"route billing: https://127.0.0.1:{port}: TLS failure: the peer "
        self.wrong(head + "wants a client certificate; set tls.cert_file$")
        # One that it does not know, and the one that it does.
        other, key = self.folder / "other.pem", self.folder / "other.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj", "/CN=y",
                        "-keyout", key, "-out", other], check=True, capture_output=True)
        route["tls"].update(cert_file=str(other), key_file=str(key))
        self.wrong(head + r"does not take the certificate in tls.cert_file \(unknown CA\)")
        route["tls"].update(cert_file=str(cert), key_file=str(self.folder / "key.pem"))
        self.check(0)

    def test_so_does_one_of_tls_1_2_which_ends_the_handshake(self):
        port, cert = self.serve_tls(wants_client=True, version=ssl.TLSVersion.TLSv1_2)
        route = {"name": "billing", "endpoints": [f"https://127.0.0.1:{port}/x"],
                 "tls": {"ca_file": str(cert)}}
        self.config["routes"] = [route]
        self.wrong("TLS failure: the peer wants a client certificate; set tls.cert_file$")
        route["tls"].update(cert_file=str(cert), key_file=str(self.folder / "key.pem"))
        self.check(0)

    def test_a_daemon_names_it_too(self):
        """Where the alert is not lost to a reset: the peer reads on and leaves later."""
        _, cert = self.serve_tls()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, self.folder / "key.pem")
        context.load_verify_locations(cert)
        context.verify_mode = ssl.CERT_REQUIRED
        listener = self.enterContext(socket.create_server(("127.0.0.1", 0)))

        def refuse(connection):
            heard, says = ssl.MemoryBIO(), ssl.MemoryBIO()
            peer = context.wrap_bio(heard, says, server_side=True)
            while piece := connection.recv(65536):
                heard.write(piece)
                with contextlib.suppress(ssl.SSLError):  # it wants more, or has refused
                    peer.do_handshake()
                connection.sendall(says.read())

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    with listener.accept()[0] as connection, contextlib.suppress(OSError):
                        refuse(connection)
        threading.Thread(target=serve, daemon=True).start()
        for http2 in (True, False):
            with self.subTest(http2=http2), Tallybusd(apps={APP: {
                    "url": f"https://127.0.0.1:{listener.getsockname()[1]}/x",
                    "tls": {"ca_file": str(cert), "http2": http2}}}) as daemon:
                with OpenBus(daemon) as bus:
                    bus.send(stream_status("PUBLISHING"))
                daemon.await_log(r"TLS failure \(the peer wants a client certificate\)")

    def test_a_brokers_authority_asks_for_tls(self):
        port, cert = self.serve_tls()
        route = {"name": "stream", "transport": "mqtt", "endpoints": [f"mqtts://127.0.0.1:{port}"]}
        self.config["routes"] = [route]
        self.path.write_text(json.dumps(self.config))
        done = subprocess.run([BIN / "tallybusd", "--config", self.path, "--print-config"],
                              capture_output=True, text=True, timeout=60)
        if "there is no transport mqtt" in done.stderr:
            self.skipTest("this build has no mqtt")
        self.wrong(f"route stream: mqtts://127.0.0.1:{port}: its certificate is not valid")
        route["endpoints"] = [f"mqtt://127.0.0.1:{port}"]
        route["options"] = {"tls": {"ca_file": str(cert)}}
        self.check(0)
        wait_until(lambda: self.heard, "the peer saw the end")
        self.assertEqual(self.heard, [b""])

    def test_all_that_is_wrong_is_told_at_once(self):
        self.backend.close()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.config["listen"]["open"] = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
            self.config["spool"]["path"] = f"{self.path}/spool"
            self.config["routes"] = [{"name": "log", "transport": "file",
                                      "endpoints": ["file:///proc/events"]}]
            _, errors = self.check(BAD_ENVIRONMENT)
        self.assertEqual(len(errors), 5, errors)
        self.assertIn("4 errors around the file", errors[-1])

    def test_no_environment_goes_with_check_alone(self):
        done = subprocess.run([BIN / "tallybusd", "--no-environment"], capture_output=True,
                              text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr),
                         (1, "tallybusd: --no-environment goes with --check\n"))

    def test_with_dev_the_backend_that_it_brings_need_not_be_there(self):
        del self.config["apps"]
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", 8081))
            except OSError:
                self.skipTest("somebody has port 8081")
        self.check(0, "--dev")

    def test_an_event_of_a_test_without_a_node_is_of_this_one(self):
        self.config["node"] = {"name": "media-07"}
        self.config["tests"] = [{"name": "node", "event": {"status": "STOPPED"}, "fields": {
            f"{APP}/backend": {"nodeId": "media-07"}}}]
        self.check(0, "--no-environment")

    def test_the_configurations_own_tests_are_run(self):
        (self.folder / "end.json").write_text(json.dumps(stream_status(status="STOPPED", sdp="v=0")))
        text = f"""
apps:
  {APP}: {{ url: "{self.backend.url}", rest_client_config: {{ StreamStatusEvent: {{ restExclude: sdp }} }} }}
routes:
  - {{ name: billing, endpoints: ["{self.backend.url}"], match: {{ status: STOPPED }} }}
tests:
  - name: an end goes to both, without its SDP to the app
    event: ./end.json
    routes: [{APP}/backend, billing]
    fields: {{ {APP}/backend: {{ sdp: ~ }}, billing: {{ sdp: "v=0", status: STOPPED }} }}
  - name: a beginning goes to the app alone
    event: {{ appKey: {APP}, status: PUBLISHING }}
    routes: [{APP}/backend]
    client: {{ status: PUBLISHING }}
"""
        out, _ = self.check(0, "--no-environment", text=text)
        self.assertEqual(out, [f"{self.path}: good; tested: 2 tests"])
        wrong = text.replace("match: { status: STOPPED }", "match: { status: FAILED }").replace(
            "client: { status: PUBLISHING }", "client: { status: PLAYING }")
        for flags in (), ("--no-environment",):
            _, errors = self.check(BAD_FILE, *flags, text=wrong)
            errors = [line.removeprefix(f"tallybusd: {self.path}:") for line in errors]
            name = 'test "an end goes to both, without its SDP to the app": '
            self.assertEqual(errors[:3], [
                f"9:13: tests[0].routes: {name}expected billing, {APP}/backend; got {APP}/backend; "
                "billing: match.status does not list STOPPED",
                f"10:47: tests[0].fields.billing: {name}not sent, so it has no fields: "
                "match.status does not list STOPPED",
                '14:23: tests[1].client.status: test "a beginning goes to the app alone": the '
                'field is "PUBLISHING"; expected: "PLAYING"'])
            self.assertIn(f"tallybus explain --config {self.path} --event EVENT", errors[3])
        self.assertEqual(self.backend.requests, [])
        _, errors = self.check(BAD_FILE, text=text.replace("routes: [", "rutes: ["))
        self.assertEqual(len(errors), 1)
        self.assertIn(':9:5: tests[0].rutes: unknown key; did you mean "routes"?', errors[0])

    def test_the_tests_of_the_example_and_of_the_documentation_pass(self):
        example = ROOT / "examples" / "configuration" / "tallybus.yaml"
        for code, old, new in ((0, "", ""), (BAD_FILE, "exclude: [sdp, bitrate]", "exclude: [sdp]")):
            shutil.copytree(example.parent, self.folder / f"example{code}")
            path = self.folder / f"example{code}" / "tallybus.yaml"
            path.write_text(example.read_text().replace(old, new))
            done = subprocess.run([BIN / "tallybusd", "--config", path, "--check",
                                   "--no-environment"], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn("tested: 4 tests" if code == 0 else "billing.bitrate: ",
                          done.stdout + done.stderr)
        section = (ROOT / "docs" / "operations.md").read_text().split("\n### Tests\n", 1)[1]
        text, said = re.findall(r"```(?:yaml)?\n(.*?)```", section, re.S)[:2]
        self.check(0, "--no-environment", text=text)
        wrong = text.replace("status: [STOPPED, FAILED]", "status: [FAILED]")
        _, errors = self.check(BAD_FILE, "--no-environment", text=wrong)
        self.assertEqual(errors[0].replace(str(self.path), "tallybus.yaml"), said.strip())

    def test_a_daemon_starts_whatever_its_tests_say(self):
        with Tallybusd(apps=self.config["apps"]) as daemon:
            daemon.stop()
            daemon.config["tests"] = [{"name": "t", "event": "gone.json", "routes": ["nobody"]}]
            daemon.start()
            daemon.config["tests"] = [{"name": "t", "evnt": "gone.json"}]
            daemon.write_config()
            daemon.process.send_signal(1)
            daemon.await_log(r"tests\[0\].evnt: unknown key")


if __name__ == "__main__":
    unittest.main()
