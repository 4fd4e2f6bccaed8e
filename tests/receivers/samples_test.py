"""Each receiver of examples/receivers, as it stands, against tallybus trigger and against forgers; and
the SQL of docs/receiving.md in SQLite."""

import gzip
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from tallybus_parts import (BIN, OpenBus, Tallybusd, reserved_port, stream_status,  # noqa: E402
                            wait_until)

SAMPLES = ROOT / "examples" / "receivers"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
PROBES = ("--duplicate", "--out-of-order", "--late", "20m", "--forged")


def tallybus(*words, **options):
    return subprocess.run([BIN / "tallybus", *words], capture_output=True, text=True, timeout=60,
                          **options)


def sql_of_the_page():
    return re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "receiving.md").read_text(), re.S)


class Sample:
    """A receiver as a process; its words are on one pipe."""

    def __init__(self, command, folder, url=None, **more):
        self.folder = folder
        self.log = open(f"{folder}/log", "w+b")
        environment = {**os.environ, "TALLYBUS_SECRET": SECRET, "DATABASE": f"{folder}/streams.db",
                       **more}
        self.process = subprocess.Popen(command, cwd=folder, env=environment, stdout=self.log,
                                        stderr=self.log, stdin=subprocess.DEVNULL)
        wait_until(lambda: self.process.poll() is not None or self.find(r"\(http|http://"),
                   lambda: "it listens: " + self.words())
        self.url = url or self.find(r"listening on (\S+)")[1]

    def words(self):
        return Path(f"{self.folder}/log").read_text()

    def find(self, pattern):
        return re.search(pattern, self.words())

    def events(self):
        return re.findall(r"(new|old) (\S+) (\d+)", self.words())

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.log.close()


class SampleChecks:
    """What all of them must do. Built once, started for each test."""

    def start(self, folder):
        raise NotImplementedError

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="receiver-"))
        self.sample = self.start(self.folder)
        self.addCleanup(self.sample.close)

    def post(self, body, headers, path="/hooks/StreamStatusEvent"):
        request = urllib.request.Request(self.sample.url + path, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def signed(self, body, event_id="msg_1", key=SECRET, *more):
        done = tallybus("sign", "--key", key, "--id", event_id, *more, input=body)
        fields = dict(line.split(": ", 1) for line in done.stdout.splitlines())
        return {**fields, "tallybus-lane": "defaultApp/a%20b", "tallybus-sequence": "1",
                "tallybus-time": "2026-01-01T00:00:00.000Z", "Content-Type": "application/json"}

    def test_trigger_finds_nothing_wrong(self):
        for form in ((), ("--compress-over", "100B")):
            done = tallybus("trigger", "lifecycle", "--to", self.sample.url + "/hooks", "--secret",
                            SECRET, *PROBES, *form)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr + self.sample.words())
            self.assertNotIn("WRONG", done.stdout)

    def test_what_is_newer_counts_once_and_what_is_older_never(self):
        done = tallybus("trigger", "lifecycle", "--to", self.sample.url, "--secret", SECRET,
                        "--duplicate", "--out-of-order")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        events = wait_until(lambda: len(e := self.sample.events()) == 11 and e, self.sample.words)
        self.assertEqual([word for word, _, _ in events[:8]], ["new"] * 8)
        duplicate, second, first = events[8:]
        self.assertEqual((duplicate[0], duplicate[1:]), ("old", events[7][1:]))
        self.assertEqual((second[0], second[2]), ("new", "2"))
        self.assertEqual((first[0], first[2]), ("old", "1"))

    def test_what_trigger_refuses_to_be_is_refused_too(self):
        body = '{"status":"PUBLISHING"}'
        good = self.signed(body)
        self.assertEqual(self.post(body.encode(), good), 204)
        other = {**good, "webhook-id": "msg_2"}
        for says, sent, headers in (
                ("the body was changed", b'{"status":"STOPPED"}', good),
                ("the id was changed", body.encode(), other),
                ("another key", body.encode(), self.signed(body, "msg_1", OTHER)),
                ("an old one", body.encode(), self.signed(body, "msg_1", SECRET, "--timestamp",
                                                          "1614265330")),
                ("no time", body.encode(), {**good, "webhook-timestamp": "soon"}),
                ("no entry", body.encode(), {**good, "webhook-signature": "v1, v1 v1a,x"})):
            with self.subTest(says):
                self.assertEqual(self.post(sent, headers), 401)
        self.assertEqual(self.post(b"[", self.signed("[")), 400)
        self.assertEqual(self.post(b"not gzip", {**good, "Content-Encoding": "gzip"}), 400)
        self.assertEqual(self.post(body.encode(), good), 204)

    def test_what_will_never_be_an_event_is_400_and_no_row(self):
        for sent in ("", "null", "5", "[]", '"x"', '{"status":5}', '{"status":{}}', "[" * 100_000):
            with self.subTest(body=sent[:20]):
                self.assertEqual(self.post(sent.encode(), self.signed(sent)), 400)
        fields = self.signed("{}")
        for name, text in (("lane", ""), ("time", ""), ("sequence", ""), ("sequence", "-1"),
                           ("sequence", "1x"), ("sequence", "9" * 30)):
            with self.subTest(**{name: text}):
                self.assertEqual(self.post(b"{}", {**fields, f"tallybus-{name}": text}), 400)
        self.assertEqual(self.sample.events(), [])
        null = '{"status":null}'  # as good as none
        self.assertEqual(self.post(null.encode(), self.signed(null)), 204)

    def test_one_good_entry_is_enough_whatever_stands_beside_it(self):
        good = self.signed("{}")
        signature = good["webhook-signature"]
        for beside in ("v1,%", "v1,", "v1", "v1,AAAA", "v1,\xff", "v9,AAAA", ",", ""):
            for field in (f"{beside} {signature}", f"{signature} {beside}"):
                with self.subTest(field=field):
                    self.assertEqual(self.post(b"{}", {**good, "webhook-signature": field}), 204)
            self.assertEqual(self.post(b"{}", {**good, "webhook-signature": beside}), 401, beside)

    def test_a_bomb_does_no_harm(self):
        bomb = gzip.compress(b" " * (64 << 20))
        status = self.post(bomb, {**self.signed(" "), "Content-Encoding": "gzip"})
        self.assertIn(status, (400, 413))
        self.assertEqual(self.post(b"{}", self.signed("{}")), 204)

    def test_what_is_no_status_is_taken_without_a_row_and_connect_is_refused(self):
        fields = self.signed("{}")
        for method in ("StreamKeepAliveEvent", "ErrorEvent", "StreamKeepAliveEvent?token=1"):
            self.assertEqual(self.post(b"{}", fields, f"/hooks/{method}"), 204)
        self.assertEqual(self.sample.events(), [])
        self.assertEqual(self.post(b"{}", fields), 204)
        self.assertEqual(self.sample.events(), [("new", "defaultApp/a%20b", "1")], "none was there")
        del fields["tallybus-sequence"]
        self.assertEqual(self.post(b"{}", fields, "/hooks/TallybusTestEvent"), 204)
        self.assertEqual(self.post(b"{}", fields, "/hooks/connect"), 403)
        self.assertEqual(self.post(b"{}", fields, "/hooks/connect?token=1"), 403)

    def test_a_form_that_it_does_not_read_is_refused_and_trigger_says_so(self):
        for form in ("ndjson", "json-array", "cloudevents-batch", "cloudevents"):
            with self.subTest(form):
                done = tallybus("trigger", "lifecycle", "--to", self.sample.url, "--secret",
                                SECRET, "--format", form)
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn("  415 Unsupported Media Type", done.stdout)
                self.assertIn("  guaranteed: a dead letter", done.stdout)
                self.assertNotIn("  2", done.stdout)
        self.assertEqual(self.sample.events(), [])
        self.assertIn("only format: wcs", self.sample.words())

    def test_it_is_a_backend_of_a_real_daemon(self):
        app = {"url": self.sample.url + "/hooks", "delivery": "guaranteed",
               "signing": [{"key": SECRET}], "compress": {"over": "200B"}}
        with Tallybusd({"defaultApp": app}) as daemon, OpenBus(daemon) as bus:
            for status in ("PUBLISHING", "UNPUBLISHED"):
                bus.send(stream_status(status, name="cam", sdp="x" * 500))
            events = wait_until(lambda: len(e := self.sample.events()) == 2 and e,
                                self.sample.words)
        self.assertEqual([(word, number) for word, _, number in events],
                         [("new", "1"), ("new", "2")])


class MemoryChecks(SampleChecks):
    """Of those that keep their books in memory."""

    def test_it_knows_the_lanes_that_it_heard_of_last_and_forgets_the_others(self):
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="receiver-"))
        self.sample = self.start(folder, MOST_LANES="3")
        self.addCleanup(self.sample.close)

        def word(lane):
            fields = {**self.signed("{}"), "tallybus-lane": f"app/{lane}"}
            self.assertEqual(self.post(b"{}", fields), 204)
            return self.sample.events()[-1][0]
        self.assertEqual(word("busy"), "new")
        for lane in range(9):
            self.assertEqual((word(lane), word("busy")), ("new", "old"))
        self.assertEqual(word(8), "old")
        self.assertEqual(word(0), "new", "it was forgotten")


class PythonTest(SampleChecks, unittest.TestCase):
    def start(self, folder):
        return Sample(["/usr/bin/python3", SAMPLES / "receiver.py", "0", f"{folder}/streams.db"],
                      folder)


class NodeTest(MemoryChecks, unittest.TestCase):
    def start(self, folder, **more):
        return Sample(["node", SAMPLES / "receiver.mjs", "0"], folder, **more)


class GoTest(MemoryChecks, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="receiver-go-"))
        cls.program = f"{folder}/receiver"
        subprocess.run(["gccgo-12", "-o", cls.program, SAMPLES / "receiver.go"], check=True,
                       timeout=240)

    def start(self, folder, **more):
        return Sample([self.program, "0"], folder, **more)


class PhpTest(SampleChecks, unittest.TestCase):
    def start(self, folder):
        address = f"127.0.0.1:{reserved_port()}"
        return Sample(["php", "-S", address, SAMPLES / "receiver.php"], folder,
                      f"http://{address}")


class SqlTest(unittest.TestCase):
    def setUp(self):
        self.tables, self.upsert, self.once, self.clean = sql_of_the_page()

    def run_sql(self, *statements):
        done = subprocess.run(["sqlite3", ":memory:"], input=";\n".join(statements) + ";",
                              capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.splitlines()

    @staticmethod
    def bound(statement, **values):
        """With the values in the place of :names, as a client library would bind them."""
        return re.sub(r":([a-z]+)\b", lambda name: repr(values[name[1]]), statement)

    def event(self, sequence, minute, status, again=0):
        return self.bound(self.upsert, lane="app/cam", sequence=sequence, again=again,
                          time=f"2026-01-01T00:{minute:02}:00.000Z", status=status, event="{}")

    def status_after(self, *events):
        return self.run_sql(self.tables, *(self.event(*event) for event in events),
                            "SELECT status FROM streams")

    def test_the_newest_event_of_a_lane_stands(self):
        self.assertEqual(self.status_after((1, 1, "A"), (2, 2, "B")), ["B"])
        self.assertEqual(self.status_after((2, 2, "B"), (1, 1, "A")), ["B"])
        self.assertEqual(self.status_after((1, 1, "A"), (2, 1, "B")), ["B"])  # in one millisecond
        self.assertEqual(self.status_after((2, 1, "B"), (1, 1, "A")), ["B"])

    def test_a_duplicate_changes_nothing(self):
        self.assertEqual(self.status_after((2, 2, "B"), (2, 2, "other", 1)), ["B"])

    def test_a_clock_that_went_back_does_not_stop_a_lane(self):
        self.assertEqual(self.status_after((1, 9, "A"), (2, 2, "B")), ["B"])

    def test_a_lane_that_begins_again_at_1_goes_on(self):
        self.assertEqual(self.status_after((57, 1, "A"), (1, 9, "B")), ["B"])

    def test_what_an_operator_sends_again_is_old_though_its_number_is_new(self):
        self.assertEqual(self.status_after((1, 1, "A"), (2, 2, "B"), (3, 1, "A", 1)), ["B"])

    def test_an_event_sent_again_after_a_crash_may_be_the_newest(self):
        self.assertEqual(self.status_after((1, 1, "A"), (2, 2, "B", 1)), ["B"])
        self.assertEqual(self.status_after((1, 1, "A"), (2, 1, "B", 1)), ["B"])

    def test_an_id_counts_once_until_it_is_cleaned_away(self):
        once = self.bound(self.once, id="msg_1", now="2026-01-01T00:00:00.000Z")
        changes = "SELECT changes()"
        clean = self.bound(self.clean, before="2026-01-02T00:00:00.000Z")
        self.assertEqual(self.run_sql(self.tables, once, changes, once, changes, clean, once,
                                      changes), ["1", "0", "1"])

    def test_the_samples_have_the_upsert_of_the_page(self):
        def plain(text):
            return re.sub(r"\s+", " ", text).strip().rstrip(";")
        for name in ("receiver.py", "receiver.php"):
            self.assertIn(plain(self.upsert), plain((SAMPLES / name).read_text()), name)


if __name__ == "__main__":
    unittest.main()
