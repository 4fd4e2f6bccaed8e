"""tallybus trigger against receivers that are right, and that are wrong in one thing each; tallybus
sign and verify."""

import base64
import hashlib
import hmac
import json
import re
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from tallybus_parts import (BIN, Backend, OpenBus, Tallybusd, refused_url,  # noqa: E402
                            stream_status, wait_until)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PAIR = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc="
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
PROBES = ("--duplicate", "--out-of-order", "--late", "20m", "--forged")
# What differs between any two requests.
OF_ONE_REQUEST = {"host", "webhook-id", "tallybus-time", "webhook-timestamp", "webhook-signature"}


def tallybus(*words, **options):
    return subprocess.run([BIN / "tallybus", *map(str, words)], capture_output=True, text=True,
                          timeout=60, **options)


def is_signed(request):
    content = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode()
    key = base64.b64decode(SECRET[6:])
    wanted = base64.b64encode(hmac.digest(key, content + request.body, hashlib.sha256)).decode()
    return f"v1,{wanted}" in request.headers.get("webhook-signature", "").split(" ")


class Receiver:
    """A right one; `wrong_in` leaves one of its rules out."""

    def __init__(self, wrong_in=""):
        self.wrong_in = wrong_in
        self.ids = set()
        self.newest = {}

    def __call__(self, request):
        return self.refusal(request) or 204

    def refusal(self, request):
        headers, wrong = request.headers, self.wrong_in
        if "webhook-signature" not in headers:
            return None if wrong == "no signature" else 401
        if wrong != "signature" and not is_signed(request):
            return 401
        if wrong != "stale" and abs(time.time() - int(headers["webhook-timestamp"])) > 300:
            return 400
        age = time.time() - time.mktime(time.strptime(headers["tallybus-time"][:19],
                                                      "%Y-%m-%dT%H:%M:%S")) + time.timezone
        if wrong == "age" and age > 300:
            return 400
        if wrong == "duplicate" and headers["webhook-id"] in self.ids:
            return 409
        self.ids.add(headers["webhook-id"])
        sequence = int(headers["tallybus-sequence"])
        lane, last = headers["tallybus-lane"], self.newest.get(headers["tallybus-lane"], 0)
        self.newest[lane] = max(last, sequence)
        if wrong == "hole" and sequence > last + 1 or wrong == "older" and sequence < last:
            return 422
        return None


class TriggerTest(unittest.TestCase):
    def trigger(self, answer, *words):
        with Backend(answer) as backend:
            done = tallybus("trigger", *words, "--to", backend.url)
            return done, backend.requests

    def test_it_sends_what_a_daemon_sends(self):
        event = {"nodeId": "n1", "appKey": "defaultApp", "sessionId": "s", "mediaSessionId": "m",
                 "name": "cam", "published": True, "status": "PUBLISHING", "sdp": "x" * 500}
        text = json.dumps(event, separators=(",", ":"))
        for app, flags in (
                ({}, ()),
                ({"signing": [{"key": SECRET}], "bearer_token": "t0ken"},
                 ("--secret", SECRET, "--bearer-token", "t0ken")),
                ({"format": "cloudevents", "compress": {"over": "200B"}},
                 ("--format", "cloudevents", "--compress-over", "200B")),
                ({"format": "json-array", "wcs_hash_key": "k"},
                 ("--format", "json-array", "--wcs-hash-key", "k"))):
            with self.subTest(app=app), Backend() as backend:
                with Tallybusd({"defaultApp": {"url": backend.url, **app}}) as daemon:
                    with OpenBus(daemon) as bus:
                        bus.send(text)
                        backend.await_requests(1)
                done = tallybus("trigger", "-", *flags, "--to", backend.url, input=text)
                self.assertEqual(done.returncode, 0, done.stderr)
                sent, tried = backend.requests
                self.assertEqual(list(tried.headers), list(sent.headers))
                self.assertEqual(tried.path, sent.path)
                if app.get("format") is None:
                    self.assertEqual(tried.body, sent.body)
                    for name in set(sent.headers) - OF_ONE_REQUEST:
                        self.assertEqual(tried.headers[name], sent.headers[name])

    def sent_by_a_daemon(self, methods):
        """The first request of each method, of a daemon with everything that makes them."""
        def answer(request):
            if "/held/" in request.path:
                return 401
            if "/told/" in request.path:
                return 200
            return {"connect": 403, "StreamStatusEvent": 500}.get(request.method, 200)

        with Backend(answer) as backend:
            at = backend.url.replace("my_api", "")
            app = {"url": backend.url, "stream_keep_alive": "1s",
                   "rest_client_config": {"StreamStatusEvent": {"restOnError": "FAIL"}}}
            routes = [{"name": "held", "endpoints": [at + "held"]},
                      {"name": "told", "endpoints": [at + "told"],
                       "match": {"methods": ["ErrorEvent", "TallybusAlertEvent"]}}]
            daemon = Tallybusd({"defaultApp": app}, {"clients": {"auth": "connect"}})
            daemon.config["routes"] = routes
            with daemon, OpenBus(daemon) as bus:
                bus.send(stream_status())
                tallybus("endpoint", "test", "defaultApp/backend", "--admin",
                         f"unix:{daemon.admin}")
                subprocess.run(["curl", "-s", f"http://{daemon.web}/events?stream=x"],
                               capture_output=True, timeout=60)
                first = {}
                wait_until(lambda: first.update({r.method: r for r in backend.requests[::-1]}) or
                           set(methods) <= set(first), "each method")
            return first

    def test_what_the_router_makes_is_as_the_daemon_makes_it(self):
        methods = ("connect", "ErrorEvent", "TallybusAlertEvent", "TallybusTestEvent",
                   "StreamKeepAliveEvent")
        sent = self.sent_by_a_daemon(methods)
        for method in methods:
            with self.subTest(method):
                done, (tried,) = self.trigger(lambda _: 200, method)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(list(tried.headers), list(sent[method].headers))
                self.assertEqual(tried.headers.get("tallybus-origin"),
                                 sent[method].headers.get("tallybus-origin"))
                if method not in ("connect", "StreamKeepAliveEvent"):  # whose bodies are an engine's
                    self.assertEqual(list(tried.json), list(sent[method].json))
        self.assertNotIn("tallybus-sequence", sent["connect"].headers)

    def test_a_connect_that_is_declined_on_purpose_is_answered_right(self):
        for answer, says, code in ((200, "admits the session", 0), (403, "declines the session$", 0),
                                   (401, "declines the session$", 0), (404, "nobody decided", 1),
                                   ("reset", "declines the session, though nobody", 1)):
            with self.subTest(answer):
                done, _ = self.trigger(lambda _: answer, "connect")
                self.assertEqual(done.returncode, code, done.stdout)
                self.assertRegex(done.stdout, f"(?m)^  connect:    {says}" if code == 0 else says)
                self.assertNotIn("guaranteed", done.stdout)
        done = tallybus("trigger", "connect", "--to", "http://h", "--duplicate")
        self.assertEqual(done.returncode, 2)

    def test_a_misspelt_method_or_file_is_no_event(self):
        for word, says in (("StreamStatusEven", 'did you mean "StreamStatusEvent"?'),
                           ("nofile", "neither a file nor a known method")):
            done = tallybus("trigger", word, "--to", "http://h")
            self.assertEqual(done.returncode, 2)
            self.assertIn(says, done.stderr)
        with Backend() as backend:
            done = tallybus("trigger", "-", "--method", "OfMyEngine", "--to", backend.url,
                            input="{}")
            self.assertEqual((done.returncode, backend.requests[0].method), (0, "OfMyEngine"))

    def test_a_right_receiver_has_nothing_wrong(self):
        done, requests = self.trigger(Receiver(), "lifecycle", "--secret", SECRET, *PROBES)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("WRONG", done.stdout)
        self.assertEqual(len(re.findall(r"^  right(\n|, as an answer)", done.stdout, re.M)), 7)
        self.assertEqual([r.json["status"] for r in requests[:8]],
                         ["ESTABLISHED", "PENDING", "PUBLISHING", "PENDING", "PLAYING", "STOPPED",
                          "UNPUBLISHED", "DISCONNECTED"])

    def test_each_mistake_is_found_and_named_and_nothing_else(self):
        for wrong, probe, says in (("no signature", "forged", "what has no webhook-signature"),
                                   ("signature", "forged", "compare webhook-signature"),
                                   ("stale", "late", "more than 5 minutes off"),
                                   ("age", "late", "tallybus-time may be long ago"),
                                   ("duplicate", "duplicate", "answer 2xx to what you have"),
                                   ("hole", "out-of-order", "may begin in the middle"),
                                   ("older", "out-of-order", "older than what you know")):
            with self.subTest(wrong):
                done, _ = self.trigger(Receiver(wrong), "StreamStatusEvent", "--secret", SECRET,
                                       *PROBES)
                self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
                found = re.findall(r"^(\S+): .*\n.*\n  WRONG: (.*)$", done.stdout, re.M)
                self.assertEqual([name for name, _ in found], [probe])
                self.assertIn(says, found[0][1])

    def test_of_keys_of_two_kinds_each_is_forged(self):
        for careless in "v1,", "v1a,":
            right = Receiver()

            def answer(request, careless=careless, right=right):
                entries = request.headers.get("webhook-signature", "").split(" ")
                if any(entry.startswith(careless) for entry in entries):
                    return 204  # whatever stands behind it
                return right(request)
            for secret in f"{SECRET} {PAIR}", f"{PAIR} {SECRET}":
                done, _ = self.trigger(answer, "StreamStatusEvent", "--secret", secret, "--forged")
                self.assertEqual(done.returncode, 3, done.stdout)
                self.assertIn("WRONG: compare webhook-signature", done.stdout)

    def test_lateness_that_clocks_may_have_is_borne(self):
        done, _ = self.trigger(Receiver(), "StreamStatusEvent", "--secret", SECRET, "--late", "4m")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_a_receiver_that_refuses_what_is_right_is_not_tried_further(self):
        for answer in (401, 500, "reset"):
            done, requests = self.trigger(lambda _: answer, "StreamStatusEvent", "--secret", SECRET,
                                          *PROBES)
            self.assertEqual((done.returncode, len(requests)), (1, 1), answer)
            self.assertIn("the rest is not tried", done.stderr)
            done, _ = self.trigger(lambda _: answer, "StreamStatusEvent")
            self.assertEqual(done.returncode, 1, answer)

    def test_a_forged_or_old_request_is_refused_by_a_code_that_says_so(self):
        for answer, says in ((401, None), (403, None), (400, None),
                             ("reset", "no answer: see whether your handler hangs, or died"),
                             (302, "302 is no refusal"), (404, "404 is no refusal"),
                             (410, "410 is no refusal.*the endpoint is disabled"),
                             (500, "500 is no refusal.*tried again")):
            with self.subTest(answer=answer):
                receiver = Receiver()
                done, _ = self.trigger(lambda r: answer if receiver.refusal(r) else 204,
                                       "StreamStatusEvent", "--secret", SECRET, "--forged",
                                       "--late", "20m")
                wrong = re.findall(r"^  WRONG: (.*)$", done.stdout, re.M)
                self.assertEqual(done.returncode, 3 if says else 0, done.stdout)
                self.assertEqual(len(wrong), 3 if says else 0, done.stdout)
                for words in wrong:
                    self.assertRegex(words, says)

    def test_a_receiver_that_hangs_or_is_gone_is_not_right(self):
        receiver = Receiver()
        done, _ = self.trigger(lambda r: "hang" if receiver.refusal(r) else 204,
                               "StreamStatusEvent", "--secret", SECRET, "--forged", "--timeout",
                               "300ms")
        self.assertEqual(done.returncode, 3, done.stdout)
        self.assertEqual(done.stdout.count("  WRONG: no answer: "), 2)
        done, _ = self.trigger(lambda r, left=[204]: left.pop() if left else "reset",
                               "StreamStatusEvent", "--secret", SECRET, *PROBES)
        self.assertEqual(done.returncode, 3, done.stdout)
        self.assertEqual(done.stdout.count("  WRONG: no answer: "), 7)

    def test_what_answers_do_not_show_is_said(self):
        done, requests = self.trigger(lambda _: 200, "StreamStatusEvent", "--duplicate",
                                      "--out-of-order")
        self.assertEqual(done.returncode, 0)
        unseen = re.findall(r"^  right, as an answer\. Your books cannot be seen from here: they "
                            r"must have (.*)$", done.stdout, re.M)
        self.assertEqual(unseen, [
            f"event {requests[1].headers['webhook-id']} once",
            f"lane {requests[3].headers['tallybus-lane']} at sequence 2, PUBLISHING, as before"])

    def test_each_answer_is_told_with_what_it_means(self):
        for answer, notify, guaranteed in (
                (200, "settled", "delivered"),
                (204, "settled", "delivered"),
                (301, "settled, as a failure", "a dead letter"),
                (400, "settled, as a failure", "a dead letter"),
                (401, "settled, as a failure", "all events of the endpoint wait"),
                (404, "settled, as a failure", "all events of this method wait"),
                (410, "settled, as a failure", "the endpoint is disabled"),
                (503, "settled, as a failure", "tried again by the schedule"),
                ("reset", "tried again by the schedule", "tried again by the schedule")):
            with self.subTest(answer=answer):
                done, _ = self.trigger(lambda _: answer, "DataStatusEvent")
                self.assertRegex(done.stdout, rf"  notify:     {notify}")
                self.assertRegex(done.stdout, rf"  guaranteed: {guaranteed}")
                self.assertEqual(done.returncode, 0 if answer in (200, 204) else 1)
        done = tallybus("trigger", "DataStatusEvent", "--to", refused_url())
        self.assertIn("no answer: connection refused", done.stdout)

    def test_what_cannot_be_sent_is_one_line(self):
        for words, says in (((), "what to send"),
                            (("DataStatusEvent",), "--to: the URL"),
                            (("X y", "--to", "http://h"), "method"),
                            (("/nowhere", "--to", "http://h"), "cannot be read"),
                            (("StreamEvent", "--to", "http://h", "--forged"), "--forged needs the --secret"),
                            (("StreamEvent", "--to", "http://h", "--late", "0s"), "--late: '0s' must be more than 0"),
                            (("StreamEvent", "--to", "http://h", "--secret", "v1,hunter2"), "a version in"),
                            (("StreamEvent", "--to", "http://h", "--secret", "file:/nowhere"), "cannot be"),
                            (("StreamEvent", "--to", "http://h", "--password", "hunter2"), "a username"),
                            (("StreamEvent", "--to", "http://h", "--format", "xml"), "format: must be"),
                            (("StreamEvent", "--to", "https://h", "--cert-file", "/c"), "need each other"),
                            (("StreamEvent", "--to", "https://h", "--cert-file", "/nowhere", "--key-file",
                              "/nowhere"), "tls.cert_file: cannot")):
            with self.subTest(words):
                done = tallybus("trigger", *words)
                self.assertEqual(done.returncode, 2)
                self.assertEqual(done.stderr.count("\n"), 1)
                self.assertIn(says, done.stderr)
                self.assertNotIn("hunter2", done.stderr)

    def test_a_secret_in_a_file_signs_and_is_not_printed(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(SECRET + "\n")
            file.flush()
            done, requests = self.trigger(Receiver(), "StreamStatusEvent", "--secret",
                                          f"file:{file.name}")
        self.assertTrue(is_signed(requests[0]))
        self.assertNotIn(SECRET[6:], done.stdout + done.stderr)


class ClientCertificateTest(unittest.TestCase):
    """Against a receiver that lets in who shows a certificate that it knows."""

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="trigger-"))
        for name in ("server", "client", "stranger"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                            "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                            f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                            f"{self.folder}/{name}.key", "-out", f"{self.folder}/{name}.pem"],
                           check=True, capture_output=True)

    def trigger(self, *words):
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(f"{self.folder}/server.pem", f"{self.folder}/server.key")
        tls.load_verify_locations(f"{self.folder}/client.pem")
        tls.verify_mode = ssl.CERT_REQUIRED
        with Backend(Receiver(), tls=tls) as backend:
            done = tallybus("trigger", "StreamStatusEvent", "--secret", SECRET, "--to", backend.url,
                            "--ca-file", f"{self.folder}/server.pem", *words)
            return done, backend.requests

    def own(self, name):
        return "--cert-file", f"{self.folder}/{name}.pem", "--key-file", f"{self.folder}/{name}.key"

    def test_who_shows_its_certificate_is_let_in_and_tries_everything(self):
        done, _ = self.trigger(*self.own("client"), *PROBES)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.count("forged: "), 2)

    def test_without_it_or_with_another_there_is_no_answer(self):
        for shown in ((), self.own("stranger")):
            done, requests = self.trigger(*shown, *PROBES)
            self.assertEqual((done.returncode, len(requests)), (1, 0), done.stdout)
            self.assertIn("no answer: ", done.stdout)

    def test_a_key_that_is_not_the_certificates_is_refused_before_anything_is_sent(self):
        done, requests = self.trigger("--cert-file", f"{self.folder}/client.pem", "--key-file",
                                      f"{self.folder}/client.pem")
        self.assertEqual((done.returncode, len(requests)), (2, 0), done.stdout)
        self.assertIn("tls.key_file", done.stderr)


class SignTest(unittest.TestCase):
    def fields(self, key, body, *more):
        done = tallybus("sign", "--key", key, "--id", "msg_1", *more, input=body)
        self.assertEqual(done.returncode, 0, done.stderr)
        return dict(line.split(": ", 1) for line in done.stdout.splitlines())

    def verify(self, fields, body, key, **changes):
        told = {"id": fields["webhook-id"], "timestamp": fields["webhook-timestamp"],
                "signature": fields["webhook-signature"], **changes}
        done = tallybus("verify", "--key", key,
                        *(word for name, value in told.items() for word in (f"--{name}", value)),
                        input=body)
        failed = re.findall(r"^FAILED +(\w+): (.*)$", done.stdout, re.M)
        self.assertEqual(done.returncode, 1 if failed else 0, done.stderr)
        return failed

    def test_what_is_signed_is_verified(self):
        for key, prover in ((SECRET, SECRET), (PAIR, PAIR), (PAIR, PUBLIC)):
            self.assertEqual(self.verify(self.fields(key, "{}"), "{}", prover), [])

    def test_the_published_vector_comes_out(self):
        done = tallybus("sign", "--key", SECRET, "--id", "msg_p5jXN8AQM9LWM0D4loKWxJek",
                        "--timestamp", 1614265330, input='{"test": 2432232314}')
        self.assertIn("webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=\n",
                      done.stdout)

    def test_the_check_that_failed_is_named(self):
        fields = self.fields(SECRET, "{}")
        for changes, body, key, name, says in (
                ({}, "{} ", SECRET, "signature", "another key's, or id, timestamp or body"),
                ({}, "{}\n", SECRET, "signature", "without its last line feed"),
                ({"id": "msg_2"}, "{}", SECRET, "signature", "another key's"),
                ({}, "{}", PUBLIC, "signature", "no entry of v1a"),
                ({"signature": "v1,%"}, "{}", SECRET, "signature", "is not base64"),
                ({"timestamp": "soon"}, "{}", SECRET, "timestamp", "must be Unix seconds")):
            with self.subTest(changes=changes, body=body):
                failed = self.verify(fields, body, key, **changes)
                self.assertEqual([each for each, _ in failed], [name])
                self.assertIn(says, failed[0][1])
        done = tallybus("verify", "--key", SECRET, "--id", "msg_1", "--signature", "v1,AAAA",
                        input="{}")
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertIn("--timestamp: the field webhook-timestamp", done.stderr)
        old = self.fields(SECRET, "{}", "--timestamp", int(time.time()) - 400)
        self.assertEqual([name for name, _ in self.verify(old, "{}", SECRET)], ["timestamp"])
        self.assertEqual(self.verify(old, "{}", SECRET, tolerance="10m"), [])

    def test_one_good_entry_is_enough_whatever_stands_beside_it(self):
        for key, prover in ((SECRET, SECRET), (PAIR, PUBLIC)):
            fields = self.fields(key, "{}")
            good = fields["webhook-signature"]
            version = good.split(",")[0]
            for beside in (*(version + rest for rest in (",%", ",", "", ",AAAA")), "v9,AAAA", ","):
                for field in (f"{beside} {good}", f"{good} {beside}"):
                    with self.subTest(field=field):
                        self.assertEqual(self.verify(fields, "{}", prover, signature=field), [])
                failed = self.verify(fields, "{}", prover, signature=beside)
                self.assertEqual([name for name, _ in failed], ["signature"])

    def test_what_cannot_sign_is_one_line(self):
        for words, says in ((("--id", "a"), "--key: whsec_"),
                            (("--key", SECRET), "--id: the field webhook-id"),
                            (("--key", PUBLIC, "--id", "a"), "is a public key"),
                            (("--key", "v1,hunter2", "--id", "a"), "a version in front")):
            done = tallybus("sign", *words, input="{}")
            self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1))
            self.assertIn(says, done.stderr)
            self.assertNotIn("hunter2", done.stderr)


if __name__ == "__main__":
    unittest.main()
