"""The JavaScript client in Chromium, against a real daemon."""

import json
import subprocess
import sys
import time
import unittest
from pathlib import Path

import jwt

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from chromium import PACKAGES, Chromium, Pages
from relay import Relay
from tallybus_parts import (Backend, OpenBus, Tallybusd, reserved_port, stream_status,
                            wait_until)

FOLDERS = {"client": ROOT / "apps" / "web-client", "test": Path(__file__).resolve().parent}
QUICK = {"first": 20, "most": 200}
SECRET = "an HS256 secret, known to the backend and to us"


class WebClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pages = cls.enterClassContext(Pages(FOLDERS))
        cls.page = cls.enterClassContext(Chromium(cls.pages.url))

    def load(self, url=None):
        """A fresh page; what an earlier test began is gone with the old one."""
        self.page.open(url or self.pages.url)
        self.page.evaluate("import('/test/web_client.mjs').then(() => null)")

    def setUp(self):
        self.load()

    def start_daemon(self, clients=None):
        self.daemon = self.enterContext(Tallybusd(extra={"clients": clients} if clients else None))
        self.bus = self.enterContext(OpenBus(self.daemon))

    def start(self, address=None, **options):
        """A client in the page; returns when it was told what lives."""
        options = {"session": "s1", "retry": QUICK, **options}
        self.page.evaluate(f"start('ws://{address or self.daemon.web}', {json.dumps(options)})")
        self.until("heard.length")

    def until(self, condition):
        wait_until(lambda: self.page.evaluate(f"!!({condition})"),
                   lambda: f"{condition}: {self.page.evaluate('[states, words(heard), finish]')}")

    def publish(self, *statuses, **fields):
        for status in statuses:
            self.bus.send(stream_status(status, **fields))

    def heard(self):
        return self.page.evaluate("words(heard)")

    def read(self):
        return self.page.evaluate("words(read)")

    def test_listeners_and_iterators_are_told_the_same_in_order(self):
        self.start_daemon()
        self.publish("PUBLISHING", sdp="v=0")
        wait_until(lambda: self.daemon.metric("tallybus_live_streams") == 1, "the stream lives")
        self.start()
        snapshot = self.page.evaluate("read[0]")
        self.assertEqual((snapshot["kind"], snapshot["cut"]), ("snapshot", False))
        self.assertEqual([(s["status"], s.get("sdp")) for s in snapshot["data"]], [("PUBLISHING", None)])
        self.page.evaluate("client.on('StreamStatusEvent', told => (window.named ??= []).push(told))")
        statuses = [f"STATUS_{i}" for i in range(200)]
        self.publish(*statuses)
        self.until("read.length === 201 && heard.length === 201")
        self.assertEqual(self.read(), ["snapshot", *statuses])
        self.assertEqual(self.heard(), self.read())
        self.assertEqual(self.page.evaluate("words(named)"), statuses)
        first = self.page.evaluate("read[1]")
        self.assertEqual((first["name"], first["data"]["name"]), ("StreamStatusEvent", "b4e7"))
        self.assertRegex(first["id"], r"^[0-9a-f]{16}-\d+$")

    def test_a_cut_connection_resumes_without_loss_or_duplicate(self):
        self.start_daemon()
        relay = self.enterContext(Relay(self.daemon.web))
        self.start(relay.address)
        told = 0
        for cut in range(3):
            self.publish(f"BEFORE_{cut}")
            told += 1
            self.until(f"heard.filter(t => t.kind === 'event').length === {told}")
            relay.refusing = True
            relay.cut()
            self.until("client.state !== 'open'")
            self.publish(*(f"CUT_{cut}_{i}" for i in range(20)))
            relay.refusing = False
            self.publish(f"AFTER_{cut}")
            told += 21
            self.until(f"heard.filter(t => t.kind === 'event').length === {told}")
        wanted = ["snapshot"]
        for cut in range(3):
            wanted += [f"BEFORE_{cut}", "resumed", *(f"CUT_{cut}_{i}" for i in range(20)), f"AFTER_{cut}"]
        self.assertEqual(self.heard(), wanted)
        self.assertEqual(self.read(), wanted)

    def test_a_daemon_that_was_killed_is_found_again_and_the_gap_told(self):
        backend = self.enterContext(Backend())
        self.daemon = self.enterContext(Tallybusd({"defaultApp": {"url": backend.url}}, {
            "listen": {"web": f"127.0.0.1:{reserved_port()}"}}))
        self.bus = self.enterContext(OpenBus(self.daemon))
        self.publish("PUBLISHING")
        self.start()
        self.publish("PAUSED")
        self.until("words(heard).includes('PAUSED')")
        backend.await_requests(2)  # a client hears of it before it is on the disk
        self.daemon.kill()
        self.until("client.state === 'waiting'")
        self.daemon.start()
        self.until("words(heard).includes('gap null')")
        self.until("heard.at(-1).kind === 'snapshot'")
        self.assertEqual(self.page.evaluate("heard.at(-1).data.map(s => s.status)"), ["PAUSED"])
        with OpenBus(self.daemon) as bus:
            bus.send(stream_status("UNPUBLISHED"))
            self.until("heard.at(-1).data.status === 'UNPUBLISHED'")
        self.assertIn("open,waiting,connecting", self.page.evaluate("states.join()"))
        self.assertEqual(self.page.evaluate("states.at(-1)"), "open")

    def test_what_would_be_refused_again_is_final(self):
        self.start_daemon()
        relay = self.enterContext(Relay(self.daemon.web))
        for watched, code in (({"stream": ""}, 4400), ({"stream": "x" * 5000}, 1009),
                              ({"stream": [f"cam-{i}" for i in range(65)]}, 4429)):
            with self.subTest(code=code):
                before = relay.accepted
                options = json.dumps({"retry": {"first": 1, "most": 1}, **watched})
                self.page.evaluate(f"start('http://{relay.address}', {options})")
                self.until("ended")
                self.assertEqual(self.page.evaluate("[finish.code, client.state, ended]"),
                                 [code, "closed", f"TallybusError {code}"])
                self.assertEqual(relay.accepted, before + 1)
                late = self.page.evaluate("client[Symbol.asyncIterator]().next().catch(e => e.code)")
                self.assertEqual(late, code)

    def test_a_page_of_a_foreign_origin_is_not_let_in(self):
        self.start_daemon()
        elsewhere = self.enterContext(Pages(FOLDERS, host="127.0.0.2"))
        self.load(elsewhere.url)
        self.page.evaluate(f"start('ws://{self.daemon.web}', {{app: 'a', retry: {json.dumps(QUICK)}}})")
        wait_until(lambda: self.daemon.metric("tallybus_client_refused_total") >= 3, "tried and refused")
        self.assertEqual(self.page.evaluate("[heard.length, states.includes('open')]"), [0, False])
        self.assertEqual(self.daemon.metric("tallybus_client_connections"), 0)

    def test_who_reads_too_slowly_is_told_its_gap_and_a_snapshot(self):
        self.start_daemon()
        self.start(queue=10)
        self.page.evaluate("void (window.slow = client[Symbol.asyncIterator]())")
        self.until("heard.length === 2")  # it begins late, so what lives is told anew
        self.publish(*(f"STATUS_{i}" for i in range(100)))
        self.until("heard.length === 102")
        told = self.page.evaluate("""(async () => {
            const all = [];
            do all.push((await slow.next()).value);
            while (all.at(-1).kind !== 'snapshot' || all.length < 5);
            return words(all);
        })()""")
        self.assertEqual(told, ["gap null", "snapshot", *(f"STATUS_{i}" for i in range(8)), "gap 92",
                                "snapshot"])
        self.assertEqual(self.page.evaluate("words(read).filter(w => w.startsWith('STATUS')).length"), 100)

    def test_close_ends_iterators_and_the_connection(self):
        self.start_daemon()
        self.start()
        self.page.evaluate("client.close()")
        self.until("ended")
        self.assertEqual(self.page.evaluate("[ended, client.state, finish.code]"),
                         ["done", "closed", 1000])
        wait_until(lambda: self.daemon.metric("tallybus_client_connections") == 0, "it is gone")
        self.assertEqual(self.read(), ["snapshot"])

    def test_a_listener_that_throws_disturbs_nobody_and_one_that_was_taken_off_hears_nothing(self):
        self.start_daemon()
        self.page.evaluate("window.addEventListener('error', e => { window.fault = e.message; })")
        self.start()
        self.page.evaluate("""
            client.on('event', () => { throw new Error('on purpose'); });
            client.on('event', () => { window.taken_off = true; })();
            client.on('event', told => (window.after = told.data.status))""")
        self.publish("PUBLISHING")
        self.until("window.after && words(read).includes('PUBLISHING') && window.fault")
        self.assertIn("on purpose", self.page.evaluate("fault"))
        self.assertIsNone(self.page.evaluate("window.taken_off"))

    def scripted(self, options):
        self.page.evaluate(f"start('wss://media.example.org', {{session: 's1', retry: {json.dumps(QUICK)}, "
                           f"WebSocket: ScriptedSocket, {options}}})")
        self.await_sockets(1)

    def await_sockets(self, count):
        self.until(f"sockets.length === {count}")
        self.page.evaluate("sockets.at(-1).onopen()")

    def test_the_token_stands_in_the_first_watch_and_is_asked_for_again_when_it_ends(self):
        self.scripted("token: async () => `token-${sockets.length}`")
        self.assertEqual(self.page.evaluate("[sockets[0].url, sockets[0].protocol, sockets[0].sent]"),
                         ["wss://media.example.org/clients", "tallybus.v1",
                          [{"message": "Watch", "data": [{"session": "s1"}], "token": "token-0"}]])
        self.page.evaluate("""
            sockets[0].say({message: 'Resumed', data: []});
            sockets[0].say({message: 'A', id: 'e-1', data: [{}]});
            sockets[0].onclose({code: 4401, reason: 'the token has expired'})""")
        self.await_sockets(2)
        self.assertEqual(self.page.evaluate("sockets[1].sent"),
                         [{"message": "Watch", "data": [{"session": "s1"}], "after": "e-1",
                           "token": "token-1"}])
        self.page.evaluate("sockets[1].onclose({code: 4401, reason: 'no good either'})")
        self.until("ended")
        self.assertEqual(self.page.evaluate("[finish.code, finish.reason, sockets.length]"),
                         [4401, "no good either", 2])

    def test_a_token_that_expires_is_followed_by_a_newer_one_and_nothing_is_missed(self):
        folder = self.enterContext(Tallybusd()).work_dir
        (folder / "secret").write_text(SECRET)
        self.start_daemon({"auth": "token", "token": {"hs256_secret_file": f"{folder}/secret"}})

        def token(seconds, **claims):
            return jwt.encode({"exp": time.time() + seconds, **claims}, SECRET, "HS256")

        def begin(*tokens, **watched):
            self.page.evaluate(f"window.tokens = {json.dumps(tokens)}")
            options = json.dumps({"retry": QUICK, **watched})
            self.page.evaluate(f"start('ws://{self.daemon.web}', "
                               f"{{...{options}, token: async () => tokens.shift()}})")

        begin(token(15, session="s1"), token(600, session="s1"), session="s1")
        self.until("heard.length")
        self.publish("A")
        self.until("heard.length === 2")
        self.until("tokens.length === 0")  # the server has closed, and a newer one was asked for
        self.publish("B")
        self.until("words(heard).includes('B')")
        self.assertEqual(self.heard(), ["snapshot", "A", "resumed", "B"])
        for tokens, watched, code in (((token(600, session="s1"),), {"session": "s2"}, 4403),
                                      ((token(-60, session="s1"),), {"session": "s1"}, 4401),
                                      (("no token at all",), {"session": "s1"}, 4401)):
            begin(*tokens, **watched)
            self.until("ended")
            self.assertEqual(self.page.evaluate("ended"), f"TallybusError {code}")

    def test_who_is_told_to_come_later_comes_later(self):
        self.scripted("token: 'shown'")
        for count, code in ((2, 1001), (3, 1013)):
            self.page.evaluate(f"sockets.at(-1).onclose({{code: {code}, reason: 'timed out'}})")
            self.await_sockets(count)

    def test_a_token_that_is_a_text_is_refused_once(self):
        self.scripted("token: 'shown'")
        self.page.evaluate("""
            sockets[0].say({message: 'Snapshot', data: []});
            sockets[0].onclose({code: 4401, reason: ''})""")
        self.until("ended")
        self.assertEqual(self.page.evaluate("[ended, sockets.length]"), ["TallybusError 4401", 1])

    def test_a_connection_on_which_nothing_comes_is_given_up(self):
        self.page.evaluate("window.setInterval = tick => { window.tick = tick; }")
        self.scripted("queue: 10")
        self.page.evaluate("sockets[0].say({message: 'Snapshot', data: []})")
        self.page.evaluate("tick(), tick(), sockets[0].say({message: 'Pong'}), tick(), tick()")
        self.assertEqual(self.page.evaluate("sockets[0].sent.map(s => s.message)"),
                         ["Watch", "Ping", "Ping"])
        self.page.evaluate("tick()")
        self.await_sockets(2)
        self.assertTrue(self.page.evaluate("sockets[0].closed"))
        self.page.evaluate("sockets[1].say({message: 'Snapshot', data: [{name: 'a'}], more: true})")
        self.page.evaluate("sockets[1].say({message: 'Snapshot', data: [{name: 'b'}], cut: true})")
        self.until("heard.length === 3")
        self.assertEqual(self.heard(), ["snapshot", "gap null", "snapshot"],
                         "with nothing to resume from, what was missed is not known")
        self.assertEqual(self.page.evaluate("[heard[2].data.map(s => s.name), heard[2].cut]"),
                         [["a", "b"], True])

    def test_a_gap_is_mended_by_a_snapshot_once_and_across_a_lost_connection(self):
        self.page.evaluate("""((at_once = setTimeout) => {
            window.delays = [];
            const now = Date.now();
            Date.now = () => now;  // how long this test takes is no delay of the client's
            window.setTimeout = (call, ms) => { delays.push(ms); return at_once(call, 0); };
        })()""")
        self.scripted("queue: 10")
        self.page.evaluate("""
            sockets[0].say({message: 'Snapshot', data: []});
            sockets[0].say({message: 'A', id: 'e-1', data: [{}]});
            sockets[0].say({message: 'Gap', data: [{missed: 3}]});
            sockets[0].say({message: 'Gap', data: [{missed: null}]})""")
        self.until("sockets[0].sent.length === 2")
        again = {"message": "Watch", "data": [{"session": "s1"}]}
        self.assertEqual(self.page.evaluate("sockets[0].sent[1]"), again)
        self.assertEqual(self.heard()[2:], ["gap 3", "gap null"])
        self.assertTrue(500 < self.page.evaluate("delays[0]") <= 1000, "at most one a second")
        for socket, watches in ((1, 2), (2, 1)):  # the first was lost before its snapshot came
            self.page.evaluate("sockets.at(-1).onclose({code: 1006, reason: ''})")
            self.await_sockets(socket + 1)
            self.page.evaluate("sockets.at(-1).say({message: 'Resumed', data: []})")
            self.until(f"sockets[{socket}].sent.length === {watches}")
            self.page.evaluate("sockets.at(-1).say({message: 'Snapshot', data: []})")
        for socket in (3, 4):  # no answer comes before these are lost
            self.page.evaluate("sockets.at(-1).onclose({code: 1006, reason: ''})")
            self.await_sockets(socket + 1)
        self.assertEqual(self.page.evaluate("sockets[2].sent.length"), 1)
        steps = self.page.evaluate("delays.filter(ms => ms < 100)")
        for delay, whole in zip(steps, (20, 20, 20, 40), strict=True):
            self.assertTrue(whole / 2 <= delay <= whole, steps)

    def test_where_the_browser_will_not_connect_at_all_that_is_final(self):
        self.page.evaluate("""start('ws://media.example.org', {session: 's1', WebSocket: class {
            constructor() { throw new DOMException('insecure', 'SecurityError'); } }})""")
        self.until("ended")
        self.assertEqual(self.page.evaluate("[ended, finish.reason]"),
                         ["TallybusError 1006", "SecurityError: insecure"])

    def test_a_token_that_cannot_be_had_is_asked_for_again(self):
        self.page.evaluate("window.asked = 0")
        self.scripted("token: async () => { if (asked++ < 2) throw new Error('away'); return 't'; }")
        self.assertEqual(self.page.evaluate("[asked, sockets[0].sent[0].token]"), [3, "t"])

    def test_delays_double_up_to_the_most_and_lie_between_the_half_and_the_whole(self):
        self.assertEqual(self.page.evaluate("[0, 1, 2, 4, 5, 900].map(n => reconnectDelay(n, {}, () => 1))"),
                         [1000, 2000, 4000, 16000, 30000, 30000])
        self.assertEqual(self.page.evaluate("reconnectDelay(1, {first: 10, most: 15}, () => 0)"), 7.5)
        drawn = self.page.evaluate("Array.from({length: 200}, () => reconnectDelay(0))")
        self.assertTrue(all(500 <= delay <= 1000 for delay in drawn) and len(set(drawn)) > 100)

    def test_an_address_may_be_short_and_what_is_none_is_refused_at_once(self):
        self.assertEqual(self.page.evaluate(
            "['https://a.example', 'ws://a.example/x/clients?q=1', '/'].map(clientsAddress)"),
            ["wss://a.example/clients", "ws://a.example/x/clients?q=1",
             self.pages.url.replace("http:", "ws:") + "clients"])
        for wrong in ("connect('ws://', {session: 's1'})", "connect('ws://a.example', {})"):
            self.assertEqual(self.page.evaluate(f"(() => {{ try {{ {wrong} }} "
                                                "catch (e) { return e instanceof TypeError } })()"), True)

    def test_the_types_fit_the_code_and_a_page_in_typescript(self):
        done = subprocess.run(
            ["node", PACKAGES / "node_modules" / "typescript" / "bin" / "tsc", "--noEmit", "--strict",
             "--noImplicitAny", "false", "--allowJs", "--checkJs", "--target", "es2022", "--module",
             "nodenext", "--lib", "es2022,dom,dom.iterable", FOLDERS["test"] / "web_client_types.ts",
             FOLDERS["client"] / "tallybus-client.js"], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main()
