"""What an operator asks and decides at the command line, with a daemon and over a spool alone."""

import json
import re
import signal
import subprocess
import tempfile
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from tallybus_parts import BIN, Backend, Tallybusd, wait_until  # noqa: E402

ROUTE = "defaultApp/backend"


def tallybus(*words, expect=0):
    """Its standard output, and standard error where it fails as it should."""
    done = subprocess.run([BIN / "tallybus", *map(str, words)], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == expect, (words, done)
    return done.stdout + (done.stderr if expect else "")


def publish(daemon, name, status="PUBLISHING"):
    tallybus("pub", "--to", daemon.open, json.dumps(
        {"appKey": "defaultApp", "sessionId": "s1", "name": name, "published": True,
         "status": status}))


def publish_many(daemon, name, count):
    line = json.dumps({"appKey": "defaultApp", "sessionId": "s1", "name": name, "published": True,
                       "status": "PLAYING"})
    tallybus("pub", "--to", daemon.open, "--count", count, line)


def facts(text):
    """What `endpoint show` prints, as names and values."""
    return {line[:14].rstrip(): line[15:] for line in text.splitlines()}


class OperatorTest(unittest.TestCase):
    def start(self, backend, **app):
        daemon = Tallybusd(apps={"defaultApp": {"url": backend.url, "delivery": "guaranteed",
                                                **app}})
        self.addCleanup(daemon.close)
        daemon.start()
        self.at = ("--admin", f"unix:{daemon.admin}")
        self.over = ("--spool", f"{daemon.work_dir}/spool")
        return daemon

    def start_with_dead(self, count):
        """A daemon to which so many dead letters are left."""
        with Backend(lambda r: 400) as backend:
            daemon = self.start(backend)
            for number in range(count):
                publish(daemon, f"cam-{number}")
            wait_until(lambda: len(self.rows("--state", "dead")) == count, "the dead letters")
        return daemon

    def rows(self, *words):
        return [json.loads(line) for line in
                tallybus("spool", "ls", "--json", *words, *self.at).splitlines()]

    def errors_of(self, *words):
        """The standard error of what succeeds."""
        return subprocess.run([BIN / "tallybus", *words], capture_output=True, text=True,
                              timeout=60, check=True).stderr

    def await_error(self, words):
        return wait_until(lambda: words in tallybus("endpoint", "show", ROUTE, *self.at), words)

    def test_one_endpoint_is_shown_in_full_also_without_its_daemon(self):
        with Backend(lambda r: 503) as backend:
            daemon = self.start(backend, retry=["1m"] * 5)  # rare enough for the breaker
            publish(daemon, "cam")
            self.await_error("503 Service Unavailable")
            tallybus("endpoint", "pause", ROUTE, "--reason", "night work", *self.at)
            shown = facts(tallybus("endpoint", "show", ROUTE, *self.at))
            self.assertEqual(shown["state"], "paused")
            self.assertEqual(shown["reason"], "night work")
            self.assertEqual(shown["waiting"], "1")
            self.assertEqual(shown["breaker"], "closed")
            for name in ("author", "since", "oldest", "limit", "url", "last error at"):
                self.assertIn(name, shown)
            one = json.loads(tallybus("endpoint", "show", ROUTE, "--json", *self.at))
            self.assertEqual(one["lastError"], "503 Service Unavailable")
            daemon.stop()
            offline = facts(tallybus("endpoint", "show", ROUTE, *self.over))
            for name in ("state", "reason", "author", "since", "waiting"):
                self.assertEqual(offline[name], shown[name], name)
            self.assertIn("paused", tallybus("endpoint", "ls", *self.over))
            self.assertIn("paused: night work", tallybus("spool", "ls", *self.over))

    def test_an_event_is_found_in_the_spool_without_its_daemon_and_after_a_restart(self):
        with Backend(lambda r: 503) as backend:
            daemon = self.start(backend)
            publish(daemon, "cam")
            publish(daemon, "cam", "UNPUBLISHED")
            self.await_error("503")
            rows = wait_until(lambda: len(r := self.rows()) == 2 and r, "both")
            tallybus("endpoint", "pause", ROUTE, "--reason", "night work", *self.at)
            daemon.stop()
            for of in (rows[0]["id"], rows[1]["id"], "cam", "s1"):
                self.assertIn("night work", tallybus("trace", of, *self.over))
            self.assertIn(rows[1]["id"], tallybus("trace", "cam", *self.over))
            self.assertIn("Not known here", tallybus("trace", "nobody", *self.over, expect=1))
            daemon.start()
            for of in (rows[0]["id"], rows[1]["id"], "cam", "s1"):
                self.assertIn("night work", tallybus("trace", of, *self.at))
            self.assertIn(rows[1]["id"], tallybus("trace", "cam", *self.at))
            said = tallybus("trace", "nobody", *self.at, expect=1)
            self.assertIn("Not known here", said)

    def test_a_reload_names_what_changed_and_waits_for_the_next_start(self):
        with Backend() as backend:
            daemon = self.start(backend)
            daemon.config["spool"]["max_size"] = "1GiB"
            daemon.write_config()
            daemon.process.send_signal(signal.SIGHUP)
            daemon.await_log("reloaded: apps and routes; changed, and of no effect before a "
                             "restart: spool\n")

    def test_a_client_certificate_that_ends_soon_is_an_alert_until_it_is_renewed(self):
        with tempfile.TemporaryDirectory() as folder:
            def certify(days):
                subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
                                "/CN=client", "-days", str(days), "-keyout", f"{folder}/key.pem",
                                "-out", f"{folder}/cert.pem"], check=True, capture_output=True)
            certify(5)
            daemon = Tallybusd(apps={"defaultApp": {
                "url": "https://127.0.0.1:1",
                "tls": {"cert_file": f"{folder}/cert.pem", "key_file": f"{folder}/key.pem"}}})
            self.addCleanup(daemon.close)
            daemon.start()

            def alerts():
                return daemon.metric("tallybus_alerts_active", alert="CertificateExpires")
            wait_until(lambda: alerts() == 1, "the alert")
            certify(400)
            daemon.process.send_signal(signal.SIGHUP)
            wait_until(lambda: alerts() == 0, "its end")

    def test_a_replay_sheds_nothing_that_was_never_delivered(self):
        with Backend() as backend:
            app = {"url": backend.url, "delivery": "guaranteed", "quota": "64KiB"}
            daemon = Tallybusd(apps={"defaultApp": app}, extra={"spool": {"retain": "1h"}})
            self.addCleanup(daemon.close)
            daemon.start()
            at = ("--admin", f"unix:{daemon.admin}")
            publish_many(daemon, "old", 150)
            wait_until(lambda: len(backend.requests) == 150, "all are delivered")
            tallybus("endpoint", "pause", ROUTE, *at)
            publish_many(daemon, "new", 100)

            def shown():
                return json.loads(tallybus("endpoint", "show", ROUTE, "--json", *at))
            wait_until(lambda: shown()["waiting"] == 100, "all wait")
            said = tallybus("replay", "--stream", "old", expect=1, *at)
            sent = int(re.search(r"(\d+) events? (is|are) sent again", said).group(1))
            self.assertGreater(sent, 0)
            self.assertIn(f"{150 - sent} events for lack of room", said)
            self.assertEqual(shown()["waiting"], 100 + sent)
            self.assertLessEqual(shown()["bytes"], 64 << 10)
            answer = json.loads(tallybus("replay", "--stream", "old", "--json", expect=1, *at)
                                .splitlines()[0])
            self.assertEqual((answer["replayed"], answer["no_room"]), (0, 150 - sent))
            tallybus("endpoint", "resume", ROUTE, *at)
            wait_until(lambda: len(backend.requests) == 250 + sent, "nothing is lost")
            # What is left is asked for by its rows until nothing is, and each event goes once more.
            for _ in range(20):
                rest = re.search(r"--rows (\d+-\d+)", said)
                if not rest:
                    break
                wait_until(lambda: shown()["waiting"] == 0, "there is room")
                ran = subprocess.run([BIN / "tallybus", "replay", "--stream", "old", "--rows",
                                      rest[1], *at], capture_output=True, text=True, timeout=60)
                said = ran.stdout + ran.stderr
            self.assertEqual(ran.returncode, 0, said)
            wait_until(lambda: len(backend.requests) == 400, "each once more")
            names = [r.json["name"] for r in backend.requests]
            self.assertEqual((names.count("old"), names.count("new")), (300, 100))

    def test_after_a_restart_a_trace_tells_of_every_route_and_of_the_head_first(self):
        answers = {"backend": 503, "billing": 503}
        with Backend(lambda r: answers["backend"]) as backend, \
                Backend(lambda r: answers["billing"]) as billing:
            daemon = Tallybusd(apps={"defaultApp": {"url": backend.url, "delivery": "guaranteed"}})
            daemon.config["routes"] = [{"name": "billing", "match": {"app": "defaultApp"},
                                        "delivery": "guaranteed", "endpoints": [billing.url]}]
            self.addCleanup(daemon.close)
            daemon.start()
            at = ("--admin", f"unix:{daemon.admin}")
            for status in ("PUBLISHING", "PLAYING", "UNPUBLISHED"):
                publish(daemon, "cam", status)
            daemon.await_metric(3, "tallybus_events_accepted_total")
            wait_until(lambda: backend.requests and billing.requests, "both heads are tried")
            daemon.stop()
            tried = len(backend.requests)
            daemon.start()
            wait_until(lambda: len(backend.requests) > tried, "the head is tried again")

            def told(of, pattern):
                """Once it does not tell of an attempt that is under way."""
                return wait_until(lambda: re.search(pattern, t := tallybus("trace", of, *at)) and t,
                                  lambda: tallybus("trace", of, *at)).splitlines()
            lines = told("cam", r"defaultApp/backend: All 3 waiting\. The first waiting: "
                                r"(Still waiting after \d+ attempts? to defaultApp/backend \(503|"
                                r"Still waiting: defaultApp/backend has been down)")
            self.assertIn("PUBLISHING", lines[0])
            answers["backend"] = 200
            wait_until(lambda: daemon.metric("tallybus_events_delivered_total",
                                             route=ROUTE) == 3, "the one route has all")
            first = lines[0].split()[1]
            said = told(first, "billing: Still waiting(?: after |: billing has been down)")[-1]
            self.assertIn("defaultApp/backend: Delivered at the ", said)

    def test_a_route_that_is_none_is_told_as_such(self):
        with Backend() as backend:
            self.start(backend)
            said = tallybus("endpoint", "show", "nobody", *self.at, expect=1)
            self.assertIn("no route is called 'nobody'", said)

    def test_what_a_removed_route_left_behind_can_be_got_rid_of(self):
        with Backend(lambda r: 503) as backend:
            daemon = self.start(backend)
            publish(daemon, "cam")
            self.await_error("503")
            daemon.stop()
            daemon.config["apps"] = {"other": {"url": backend.url}}
            daemon.start()
            self.assertIn("not configured", tallybus("spool", "ls", *self.at))
            self.assertIn("the route defaultApp/backend is not configured",
                          tallybus("trace", "cam", *self.at))
            tallybus("endpoint", "disable", ROUTE, *self.at)
            wait_until(lambda: "dead" in tallybus("spool", "ls", *self.at), "a dead letter")
            daemon.stop()
            said = tallybus("spool", "retry", "--all", *self.over, expect=1)
            self.assertIn("tallybus endpoint enable", said)
            daemon.start()
            self.assertIn("1 dead letter dropped", tallybus("spool", "drop", "--all", *self.at))

    def test_a_dry_run_of_a_drop_only_counts(self):
        daemon = self.start_with_dead(2)
        dry = ("spool", "drop", "--all", "--dry-run")
        self.assertIn("2 dead letters would be dropped", tallybus(*dry, *self.at))
        self.assertEqual(len(self.rows()), 2)
        daemon.stop()
        for _ in range(2):
            self.assertIn("2 dead letters would be dropped", tallybus(*dry, *self.over))

    def test_an_option_that_a_verb_has_no_use_of_is_refused(self):
        self.start_with_dead(2)
        for words in ("drop --all --limit 1", "drop --all --state delivered",
                      "retry --all --limit 100", "retry --all --state dead", "drop --all --reveal",
                      "ls --dry-run", "ls --all", "export --dry-run", "show 1-2 --limit 1"):
            verb, option = words.split()[0], [w for w in words.split() if w[:2] == "--"][-1]
            said = tallybus("spool", *words.split(), *self.at, expect=2)
            self.assertIn(f"{verb} has no use of {option}", said)
        said = tallybus("endpoint", "ls", "--reason", "x", *self.at, expect=2)
        self.assertIn("ls has no use of --reason", said)
        self.assertEqual(len(self.rows()), 2)
        self.assertEqual(len(self.rows("--limit", "1")), 1)
        for limit, count in (((), 2), (("--limit", "1"), 1), (("--limit", "0"), 2)):
            exported = tallybus("spool", "export", *limit, *self.at)
            self.assertEqual(len(exported.splitlines()), count, limit)

    def test_a_filter_that_is_misspelt_fails_and_names_it(self):
        daemon = self.start_with_dead(1)
        mistakes = {("--route", "typo"): 'no route is called "typo"',
                    ("--id", "1-2"): "no row has the id 1-2",
                    ("--since", "1h", "--until", "2h"): "since: '1h' is not before until, '2h'"}
        verbs = (("spool", "ls"), ("spool", "export"), ("spool", "retry"), ("spool", "drop"),
                 ("replay",))

        def check(where):
            for words, said in mistakes.items():
                for verb in verbs:
                    self.assertIn(said, tallybus(*verb, *words, *where, expect=1), verb)
            tallybus("spool", "ls", "--route", ROUTE, *where)
        check(self.at)
        daemon.stop()
        check(self.over)
        daemon.start()
        tallybus("spool", "drop", "--route", ROUTE, *self.at)
        wait_until(lambda: "0 rows" in self.errors_of("spool", "ls", "--route", ROUTE, *self.at),
                   "it is gone")

    def test_no_number_is_shown_where_no_answer_came(self):
        with Backend() as backend:
            daemon = self.start(backend)
        publish(daemon, "cam")
        self.await_error("connection refused")
        said = tallybus("endpoint", "test", ROUTE, *self.at, expect=1)
        self.assertIn("not delivered: connection refused after ", said)
        head, row = tallybus("spool", "ls", *self.at).splitlines()
        http = slice(head.index("HTTP"), head.index("REASON"))
        self.assertEqual(row[http].strip(), "")


if __name__ == "__main__":
    unittest.main()
