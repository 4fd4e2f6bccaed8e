"""`tallybus explain` against what a real daemon then does."""

import json
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from engine_library import EnginePublisher  # noqa: E402
from tallybus_parts import (BIN, Backend, OpenBus, Tallybusd, stream_status,  # noqa: E402
                            wait_until)

OF_THIS_MOMENT = ("webhook-id", "webhook-timestamp", "webhook-signature", "tallybus-time")
SESSION = {"StreamStatusEvent": {"restOnError": "FAIL", "restExclude": "sdp"}}


class ExplainTest(unittest.TestCase):
    def daemon(self, backend, **app):
        daemon = Tallybusd(apps={"defaultApp": {"url": backend.url, **app}})
        daemon.config["routes"] = [
            {"name": "ends", "endpoints": [backend.url], "match": {"status": ["STOPPED"]}},
            {"name": "dry", "endpoints": [backend.url], "dry_run": True}]
        return self.enterContext(daemon)

    def explain(self, daemon, event, *flags, code=0):
        path = daemon.work_dir / "event.json"
        path.write_text(json.dumps(event, separators=(",", ":")))
        done = subprocess.run(
            [BIN / "tallybus", "explain", "--config", daemon.config_path, "--event", path, *flags],
            capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout if code == 0 else done.stderr

    def request(self, told, route):
        """The header fields and the body that are told for a route."""
        part = told.split(f"route    {route}: ", 1)[1]
        head, _, rest = part.split("POST ", 1)[1].partition("\n\n")
        fields = dict(line.strip().split(": ", 1) for line in head.splitlines()[1:])
        return {name.lower(): value for name, value in fields.items()}, \
            rest.splitlines()[0].strip()

    def test_the_request_is_the_one_that_is_sent_then(self):
        with Backend() as backend:
            daemon = self.daemon(
                backend, bearer_token="s3cret",
                signing=[{"key": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}],
                rest_client_config={"StreamStatusEvent": {"restExclude": "sdp"}})
            event = stream_status(sdp="v=0", nodeId="n1", appKey="defaultApp")
            told = self.explain(daemon, event, "--reveal")
            self.assertEqual(backend.requests, [])
            with OpenBus(daemon) as bus:
                bus.send(event)
            sent, = backend.await_requests(1)
            fields, body = self.request(told, "defaultApp/backend")
            self.assertEqual(body, sent.body.decode())
            wanted = {name.lower(): value for name, value in sent.headers.items()}
            self.assertEqual(set(fields), set(wanted))
            for name in set(wanted) - set(OF_THIS_MOMENT):
                self.assertEqual(fields[name], wanted[name], name)
            self.assertIn("route    ends: not sent, match.status does not list PUBLISHING", told)
            self.assertIn("route    dry: not sent, dry_run", told)
            hidden = self.explain(daemon, event)
            self.assertNotIn("s3cret", hidden)
            self.assertIn("Authorization: Bearer ***", hidden)

    def test_a_files_line_is_the_one_that_is_written_then(self):
        with Backend() as backend:
            daemon = self.daemon(backend)
            path = daemon.work_dir / "events.ndjson"
            daemon.config["routes"] = [
                {"name": "log", "transport": "file", "endpoints": [f"file://{path}"]}]
            daemon.stop()
            daemon.start()
            event = stream_status(nodeId="n1", appKey="defaultApp")
            told = self.explain(daemon, event).split("append to ", 1)[1].split("\n\n")[1]
            with OpenBus(daemon) as bus:
                bus.send(event)
            wait_until(lambda: path.exists() and path.read_text(), "the line")
            lines = [json.loads(line) for line in (told, path.read_text())]
            for line in lines:
                for name in ("id", "time"):
                    self.assertIn(name, line["tallybus"])
                    del line["tallybus"][name]
            self.assertEqual(*lines)

    def test_what_an_event_leaves_out_is_filled_in_as_the_daemon_does(self):
        with Backend() as backend:
            daemon = Tallybusd(apps={"defaultApp": {"url": backend.url}})
            daemon.config["node"] = {"name": "media-07"}
            with daemon:
                event = stream_status()
                del event["nodeId"]
                told = self.explain(daemon, event)
                with OpenBus(daemon) as bus:
                    bus.send(event)
                sent, = backend.await_requests(1)
                fields, body = self.request(told, "defaultApp/backend")
                self.assertEqual(body, sent.body.decode())
                self.assertEqual(sent.json["nodeId"], "media-07")
                self.assertEqual(fields["content-length"], sent.headers["content-length"])

    def test_a_test_event_which_goes_by_no_route_is_refused(self):
        done = subprocess.run([BIN / "tallybus", "explain", "--event", "TallybusTestEvent"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("`tallybus endpoint test` sends it to one endpoint", done.stderr)

    def test_json_is_not_offered_since_it_is_not_done(self):
        done = subprocess.run([BIN / "tallybus", "explain", "--json", "--event", "-"],
                              capture_output=True, text=True, timeout=60, input="{}")
        self.assertEqual(done.returncode, 2, done.stdout)

    def test_a_sessions_config_is_asked_of_the_daemon_or_read(self):
        with Backend() as backend:
            daemon = self.daemon(backend)
            event = stream_status(sdp="v=0")
            self.assertIn("the defaults: neither session nor app", self.explain(daemon, event))
            file = daemon.work_dir / "session.json"
            file.write_text(json.dumps(SESSION))
            read = self.explain(daemon, event, "--session-config", file)
            self.assertIn(f"policy   of the session ({file})", read)
            self.assertIn("restOnError    FAIL", read)
            self.assertNotIn('"sdp"', self.request(read, "defaultApp/backend")[1])
            file.write_text('{"StreamStatusEvent":{"restOnError":"PERHAPS"}}')
            self.assertIn("restOnError is LOG or FAIL",
                          self.explain(daemon, event, "--session-config", file, code=1))
            with EnginePublisher(daemon.engine) as engine:
                engine.session_open("s1", rest_client_config=json.dumps(SESSION))
                wait_until(lambda: '"s1"' in daemon.get("/api/v1/sessions")[1], "the session")
                admin = ("--admin", f"unix:{daemon.admin}")
                asked = self.explain(daemon, event, "--session", "s1", *admin)
                self.assertIn("policy   of the session (as the daemon has it)", asked)
                self.assertNotIn('"sdp"', self.request(asked, "defaultApp/backend")[1])
                self.assertIn("of the session (as the daemon has it)",
                              self.explain(daemon, event, "--session", "s1"))
                self.assertIn("no session s2 is connected",
                              self.explain(daemon, event, "--session", "s2", *admin, code=1))

    def test_what_is_wrong_with_the_configuration_is_told_as_the_daemon_does(self):
        with Backend() as backend:
            daemon = self.daemon(backend)
            daemon.config_path.write_text("apps:\n  a:\n    ulr: http://h/\n")
            self.assertIn("tallybusd.yaml:3:5: apps.a.ulr: unknown key",
                          self.explain(daemon, stream_status(), code=1).replace(
                              daemon.config_path.name, "tallybusd.yaml"))


if __name__ == "__main__":
    unittest.main()
