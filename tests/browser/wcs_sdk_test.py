"""The official SDK of Web Call Server, @flashphoner/websdk as npm has it, in Chromium against a real
daemon."""

import json
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from chromium import PACKAGES, Chromium, Pages
from tallybus_parts import Backend, OpenBus, Tallybusd, fail_config, stream_status, wait_until

SDK = PACKAGES / "node_modules" / "@flashphoner" / "websdk"
SDK_VERSION = "2.0.276"

# What a page of the SDK's examples does, and a record of what it sees.
PAGE = """(async () => {
    await new Promise((resolve, reject) => {
        const script = document.createElement('script');
        Object.assign(script, {src: '/websdk/flashphoner-webrtc-only.js', onload: resolve, onerror: reject});
        document.head.append(script);
    });
    Flashphoner.init({});
    // Frames are seen beside the SDK, which is not touched.
    window.WebSocket = class extends WebSocket {
        constructor(...args) {
            super(...args);
            this.addEventListener('message', e => seen.frames.push(JSON.parse(e.data)));
        }
        send(text) { seen.sent.push(JSON.parse(text).message); super.send(text); }
    };
    window.connect = options => {
        window.seen = {statuses: [], warnings: [], data: [], frames: [], sent: []};
        const {SESSION_STATUS} = Flashphoner.constants;
        window.session = Flashphoner.createSession(options);
        for (const status of ['CONNECTED', 'ESTABLISHED', 'REGISTERED', 'DISCONNECTED', 'FAILED']) {
            session.on(SESSION_STATUS[status], () => seen.statuses.push(status));
        }
        session.on(SESSION_STATUS.WARN, warning => seen.warnings.push(warning));
        session.on(SESSION_STATUS.APP_DATA, data => seen.data.push(data));
    };
    window.outcome = begin => new Promise(resolve => {
        const display = document.createElement('div');
        document.body.append(display);
        const stream = session.createStream({name: 'a', display});
        stream.on(Flashphoner.constants.STREAM_STATUS.FAILED,
                  () => resolve([stream.status(), stream.getInfo()]));
        begin(stream);
    });
})()"""


class WcsSdkTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pages = cls.enterClassContext(Pages({"websdk": SDK}))
        cls.page = cls.enterClassContext(Chromium(cls.pages.url))

    def setUp(self):
        self.answers = {"connect": (200, b"{}")}
        self.backend = self.enterContext(Backend(self.answer))
        self.daemon = self.enterContext(
            Tallybusd({"defaultApp": {"url": self.backend.url}},
                      {"clients": {"ping_interval": "1s"}}))
        self.page.open(self.pages.url)
        self.page.evaluate(PAGE)

    def answer(self, request):
        return self.answers.get(request.path.rsplit("/", 1)[1], (200, request.body))

    def connect(self, path="/wcs", **options):
        options["urlServer"] = f"ws://{self.daemon.web}{path}"
        self.page.evaluate(f"connect({json.dumps(options)})")

    def seen(self, what):
        return self.page.evaluate(f"seen.{what}")

    def await_seen(self, what, condition):
        return wait_until(lambda: condition(value := self.seen(what)) and value,
                          lambda: f"{what}: {self.seen(what)}\n{self.daemon.log()}")

    def establish(self, **options):
        self.connect(**options)
        self.await_seen("statuses", lambda statuses: "ESTABLISHED" in statuses)
        return next(frame["data"][0] for frame in self.seen("frames")
                    if frame["message"] == "getUserData")

    def connects(self):
        return [json.loads(request.body) for request in self.backend.requests
                if request.path.endswith("/connect")]

    def test_the_sdk_is_the_one_that_was_published(self):
        self.assertEqual(json.loads((SDK / "package.json").read_text())["version"], SDK_VERSION)

    def test_a_session_is_established_with_the_backends_consent(self):
        user = self.establish(appKey="defaultApp", custom={"user": "A"})
        connect, = self.connects()
        self.assertEqual(connect["appKey"], "defaultApp")
        self.assertEqual(connect["custom"], {"user": "A"})
        self.assertEqual(connect["nodeId"], "test-node")
        self.assertRegex(connect["sessionId"], "^web/[0-9a-f]{16}$")
        self.assertEqual(connect["clientVersion"], "2.0")
        self.assertNotIn("authToken", connect)
        self.assertEqual(user["sessionId"], connect["sessionId"])
        self.assertRegex(user["authToken"], "^[0-9a-f]{32}$")
        self.assertEqual(user["custom"], {"user": "A"})
        self.assertEqual(self.seen("statuses"), ["CONNECTED", "ESTABLISHED"])

    def test_a_session_that_the_backend_refuses_fails_with_its_reason(self):
        self.answers["connect"] = (403, b'{"status":403,"reason":"no such user"}')
        self.connect(authToken="se-cret-token")
        self.await_seen("statuses", lambda statuses: "FAILED" in statuses)
        self.assertEqual(self.seen("statuses"), ["CONNECTED", "FAILED"])
        self.assertEqual(self.seen("warnings"), [{"status": "FAILED", "info": "no such user"}])
        self.assertEqual(self.page.evaluate("session.status()"), "FAILED")
        self.assertEqual(self.connects()[0]["authToken"], "se-cret-token")
        self.assertNotIn("se-cret-token", self.daemon.log())

    def test_pings_are_answered(self):
        self.establish()
        self.await_seen("sent", lambda sent: sent.count("pong") >= 2)

    def test_a_first_frame_connection_is_understood_on_the_other_path_too(self):
        self.establish(path="/clients")

    def test_a_hook_that_fails_under_fail_warns_and_nothing_ends(self):
        config = {"restClientConfig": fail_config()}
        self.answers["connect"] = (200, json.dumps(config).encode())
        self.answers["StreamStatusEvent"] = (500, b'{"status":500,"reason":"out of order"}')
        user = self.establish()
        with OpenBus(self.daemon) as bus:
            bus.send(stream_status("PUBLISHING", session=user["sessionId"]))
        warning, = self.await_seen("warnings", len)
        self.assertEqual((warning["status"], warning["info"]), ("FAILED", "out of order"))
        self.assertNotIn("apiMethod", warning)
        statuses = [frame["data"][0]["status"] for frame in self.seen("frames")
                    if frame["message"] == "notifyStreamStatusEvent"]
        self.assertEqual(statuses, ["PUBLISHING"])
        self.assertEqual(self.seen("statuses"), ["CONNECTED", "ESTABLISHED"])

    def test_publish_and_play_end_in_failed_with_a_reason(self):
        self.establish()
        why = ["FAILED", "tallybus does not carry media signalling"]
        self.assertEqual(self.page.evaluate("outcome(stream => stream.publish())"), why)
        self.assertEqual(self.page.evaluate("outcome(stream => stream.play())"), why)
        self.assertEqual(self.page.evaluate("session.status()"), "ESTABLISHED")

    def test_what_the_sdk_may_ask_beside_is_answered_and_disturbs_nothing(self):
        self.establish()
        refused = self.page.evaluate("session.sendData({a: 1}).catch(why => why)")
        self.assertEqual(refused["info"], "tallybus does not serve sendData")
        self.page.evaluate("session.startDebug()")
        self.await_seen("warnings", lambda warnings: len(warnings) == 2)
        self.page.evaluate("session.stopDebug()")
        self.assertEqual(self.seen("statuses"), ["CONNECTED", "ESTABLISHED"])

    def test_the_session_closes_with_the_page(self):
        self.establish()
        self.page.evaluate("session.disconnect()")
        self.await_seen("statuses", lambda statuses: "DISCONNECTED" in statuses)
        wait_until(lambda: self.daemon.metric("tallybus_client_connections", kind="websocket") == 0,
                   "nobody is connected")

    def test_what_others_send_to_its_session_reaches_the_page(self):
        session = self.establish()["sessionId"]
        with OpenBus(self.daemon) as bus:
            bus.send({"sessionId": session, "operationId": "1", "payload": {"a": 1}}, "OnDataEvent")
            self.await_seen("data", len)
            bus.send({"sessionId": session, "status": "REGISTERED"}, "RegistrationStatusEvent")
            self.await_seen("statuses", lambda statuses: "REGISTERED" in statuses)
        self.assertEqual(self.seen("data")[0]["payload"], {"a": 1})


if __name__ == "__main__":
    unittest.main()
