"""The read API of a real daemon: its document, answers that are as the document says, who may ask,
and a backend that repairs its picture with it."""

import json
import sys
import unittest
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import jsonschema

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import openapi_check
from engine_library import EnginePublisher
from tallybus_parts import Backend, OpenBus, Tallybusd, stream_status, wait_until

DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text())
SECRET = "a-secret-of-the-operator"


class Answer:
    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text
        self.json = json.loads(text) if headers.get_content_type() == "application/json" else None


def ask(daemon, path, headers=None, method="GET", /, **parameters):
    query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
    request = urllib.request.Request(f"http://{daemon.web}{path}{query}", headers=headers or {},
                                     method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return Answer(answer.status, answer.headers, answer.read().decode())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read().decode())


def get(daemon, name, /, **parameters):
    """An answer of the API, which must be one that the document describes."""
    path = f"/api/v1/{name}"
    answer = ask(daemon, path, **parameters)
    openapi_check.check_answer(DOCUMENT, path, answer.status, answer.headers["Content-Type"],
                               answer.text if answer.json is None else answer.json)
    return answer


def pages(daemon, name, /, **parameters):
    """All items of a list, page by page."""
    items = []
    while True:
        page = get(daemon, name, **parameters).json
        items += next(value for value in page.values() if isinstance(value, list))
        if "next" not in page:
            return items
        parameters["after"] = page["next"]


class DocumentTest(unittest.TestCase):
    def test_it_is_an_openapi_document(self):
        openapi_check.check(DOCUMENT)

    def test_a_document_that_is_wrong_is_found(self):
        def broken(change):
            copy = json.loads(json.dumps(DOCUMENT))
            change(copy)
            return copy

        schemas = DOCUMENT["components"]["schemas"]
        for what, change in {
                "another version": lambda d: d.update(openapi="3.0.3"),
                "a reference to nowhere": lambda d: d["components"]["schemas"].pop("Time"),
                "a schema that is none": lambda d: schemas and d["components"]["schemas"]["Session"]
                .update(required="nodeId"),
                "a misspelt keyword": lambda d: d["paths"]["/api/v1/trace"]["get"].update(respones={}),
                "a method that writes": lambda d: d["paths"]["/api/v1/trace"].update(post={}),
        }.items():
            with self.subTest(what), self.assertRaises((AssertionError, KeyError,
                                                        jsonschema.ValidationError,
                                                        jsonschema.SchemaError)):
                openapi_check.check(broken(change))


class ReadApiTest(unittest.TestCase):
    def start(self, backend=None, extra=None, **app):
        backend = backend or self.enterContext(Backend())
        self.daemon = self.enterContext(
            Tallybusd({"defaultApp": {"url": backend.url, **app}}, extra))
        self.bus = self.enterContext(OpenBus(self.daemon))
        return backend

    def publish(self, *statuses, **fields):
        for status in statuses:
            self.bus.send(stream_status(status, **fields))

    def test_streams_are_told_with_the_place_from_which_on_events_are_newer(self):
        backend = self.start()
        self.publish("PUBLISHING", "PAUSED", sdp="v=0", custom={"authToken": "t0p"})
        self.publish("PUBLISHING", name="cam 2/ü", media="m2", nodeId="n2")
        requests = backend.await_requests(3)
        page = get(self.daemon, "streams").json
        last = {r.headers["tallybus-lane"]: r for r in requests}
        self.assertEqual(page["as_of"], 3)
        for told in page["streams"]:
            request = last[told["lane"]]
            self.assertEqual(told["sequence"], int(request.headers["tallybus-sequence"]))
            sent = {k: v for k, v in request.json.items() if k not in ("sdp", "custom")}
            self.assertEqual({k: v for k, v in told["stream"].items() if k != "custom"}, sent)
        self.assertNotIn("t0p", json.dumps(page))
        for filters, count in (({"node": "n2"}, 1), ({"app": "defaultApp"}, 2), ({"app": "x"}, 0),
                               ({"status": "PAUSED"}, 1), ({"name": "cam 2/ü"}, 1),
                               ({"session": "s1", "status": "PUBLISHING"}, 1)):
            self.assertEqual(len(pages(self.daemon, "streams", **filters)), count, filters)

    def test_pages_hold_each_stream_once(self):
        backend = self.start()
        for number in range(1200):
            self.publish("PUBLISHING", name=f"cam-{number}", media=f"m{number}")
        backend.await_requests(1200, 240)
        for limit in (500, 7 * 13):
            names = [s["stream"]["name"] for s in pages(self.daemon, "streams", limit=limit)]
            self.assertEqual(len(names), 1200)
            self.assertEqual(len(set(names)), 1200)

    def test_a_backend_that_lost_its_books_has_the_right_picture_again(self):
        backend = Backend()
        self.enterContext(backend)
        self.start(backend, delivery="guaranteed", retry=["200ms"] * 60)
        for name in ("stays", "ends", "ends-while-away"):
            self.publish("PUBLISHING", name=name, media=f"media-{name}")
        backend.await_requests(3)
        self.publish("UNPUBLISHED", name="ends", media="media-ends")
        backend.await_requests(4)
        backend.answer = lambda request: "reset"  # it is away, and its books are lost
        self.publish("PAUSED", name="stays", media="media-stays")
        self.publish("UNPUBLISHED", name="ends-while-away", media="media-ends-while-away")
        self.publish("PUBLISHING", name="begins-while-away", media="media-begins-while-away")
        wait_until(lambda: get(self.daemon, "streams").json["as_of"] == 7, "all are accepted")
        wait_until(lambda: len(backend.requests) > 4, "it was tried")
        known = len(backend.requests)
        backend.answer = lambda request: (200, request.body)
        # 1. From here on what comes is kept; 2. the picture; 3. what came and comes is applied.
        streams = get(self.daemon, "streams").json["streams"]
        picture = {s["stream"]["mediaSessionId"]: s["stream"]["status"] for s in streams}
        places = {s["lane"]: s["sequence"] for s in streams}
        self.publish("PLAYING", name="stays", media="media-stays")
        self.publish("UNPUBLISHED", name="begins-while-away", media="media-begins-while-away")
        wanted = {"media-stays": "PLAYING"}

        def applied():
            now = dict(picture)
            for request in list(backend.requests[known:]):
                lane = request.headers["tallybus-lane"]
                if int(request.headers["tallybus-sequence"]) <= places.get(lane, 0):
                    continue
                stream = request.json["mediaSessionId"]
                if request.json["status"] == "UNPUBLISHED":
                    now.pop(stream, None)
                else:
                    now[stream] = request.json["status"]
            return now
        self.assertEqual(set(picture), {"media-stays", "media-begins-while-away"})
        wait_until(lambda: applied() == wanted, lambda: f"{applied()}")

    def test_sessions_are_told_without_what_they_brought(self):
        self.start()
        with EnginePublisher(self.daemon.engine) as engine:
            engine.session_open("s-open", app_key="defaultApp")
            self.bus.send({"sessionId": "s-event", "status": "ESTABLISHED", "authToken": "t0p"},
                          "ConnectionStatusEvent")
            wait_until(lambda: len(pages(self.daemon, "sessions")) == 2, "two sessions")
            told = {s["sessionId"]: s for s in pages(self.daemon, "sessions", limit=1)}
            self.assertEqual(told["s-event"]["status"], "ESTABLISHED")
            self.assertNotIn("status", told["s-open"])
            self.assertEqual(told["s-open"]["nodeId"], "engine-1")
            self.assertNotIn("t0p", json.dumps(told))
            self.assertEqual(len(pages(self.daemon, "sessions", status="ESTABLISHED")), 1)

    def test_what_lives_is_told_after_a_restart_as_before(self):
        backend = self.start()
        self.publish("PUBLISHING", "PAUSED")
        backend.await_requests(2)
        before = get(self.daemon, "streams").json["streams"]
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(get(self.daemon, "streams").json["streams"], before)

    def test_endpoints_traces_and_dead_letters_are_as_the_document_says(self):
        backend = self.start(Backend(lambda request: (400, b"no")), delivery="guaranteed")
        with backend:
            self.publish("PUBLISHING", custom={"x": "b0dy"})
            wait_until(lambda: pages(self.daemon, "dead-letters"), "the dead letter")
            dead = pages(self.daemon, "dead-letters", stream="b4e7", limit=1)
            self.assertEqual([(d["httpStatus"], d["route"]) for d in dead], [(400, "defaultApp/backend")])
            self.assertNotIn("b0dy", json.dumps(dead))
            trace = get(self.daemon, "trace", of=dead[0]["id"]).json
            self.assertEqual(trace["events"][0]["id"], dead[0]["id"])
            self.assertEqual(get(self.daemon, "trace", of="nobody").json["events"], [])
            self.assertEqual(pages(self.daemon, "endpoints")[0]["state"], "ready")
            self.assertEqual(get(self.daemon, "dead-letters", route="nobody").status, 404)

    def test_the_documents_parameters_are_those_that_are_taken(self):
        self.start()
        values = {"limit": "1", "after": "0", "since": "1h", "until": "0001-01-01T00:00:00Z"}
        for path in DOCUMENT["paths"]:
            for name in openapi_check.parameters(DOCUMENT, path):
                if name == "until":
                    continue  # nothing is before `until` alone but what `since` allows
                answer = get(self.daemon, path.removeprefix("/api/v1/"), **{name: values.get(name, "x")})
                self.assertIn(answer.status, (200, 404), (path, name, answer.text))
            if path != "/api/v1/openapi.json":
                wrong = get(self.daemon, path.removeprefix("/api/v1/"), colour="red")
                self.assertEqual((wrong.status, "'colour'" in wrong.text), (400, True), wrong.text)
        self.assertEqual(get(self.daemon, "openapi.json").json, DOCUMENT)

    def test_it_is_read_only_and_for_this_machine_by_its_own_name(self):
        self.start()
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            self.assertEqual(ask(self.daemon, "/api/v1/streams", None, method).status, 405)
        for path in ("/api/v1/spool", "/api/v1/alerts", "/api/v1/endpoints/pause", "/api/v1/replay"):
            self.assertEqual(ask(self.daemon, path).status, 404, path)
        rebound = ask(self.daemon, "/api/v1/streams", {"Host": "evil.example"})
        forwarded = ask(self.daemon, "/api/v1/streams", {"X-Forwarded-For": "203.0.113.9"})
        self.assertEqual((rebound.status, forwarded.status), (403, 403))
        page = ask(self.daemon, "/api/v1/streams", {"Origin": "http://localhost:3000"})
        self.assertIsNone(page.headers["Access-Control-Allow-Origin"])
        self.daemon.await_metric(2, "tallybus_api_refused_total")

    def test_with_a_secret_nobody_asks_without_it(self):
        folder = self.enterContext(Tallybusd()).work_dir
        (folder / "secret").write_text(SECRET + "\n")
        self.start(extra={"api": {"token_file": f"{folder}/secret"}})
        for header in (None, "Bearer wrong", f"Basic {SECRET}", f"Bearer {SECRET}x"):
            answer = ask(self.daemon, "/api/v1/streams", {"Authorization": header} if header else {})
            self.assertEqual((answer.status, answer.headers["WWW-Authenticate"]), (401, "Bearer"))
        shown = {"Authorization": f"Bearer {SECRET}", "Host": "media.example.org"}
        self.assertEqual(ask(self.daemon, "/api/v1/streams", shown).status, 200)
        self.assertNotIn(SECRET, self.daemon.log())
        self.assertEqual(self.daemon.get("/healthz")[0], 200, "other pages are as they were")

    def test_where_clients_come_from_elsewhere_it_is_not_there_without_a_secret(self):
        folder = self.enterContext(Tallybusd()).work_dir
        (folder / "secret").write_text(SECRET)
        (folder / "tokens").write_text("a secret of those who sign tokens for web clients")
        clients = {"auth": "token", "token": {"hs256_secret_file": f"{folder}/tokens"}}
        self.start(extra={"clients": clients})
        for name in ("streams", "openapi.json"):
            self.assertEqual(ask(self.daemon, f"/api/v1/{name}").status, 404)
        self.assertIn("the read API is off: where clients come from elsewhere it needs a secret",
                      self.daemon.log())
        self.start(extra={"clients": clients, "api": {"token_file": f"{folder}/secret"}})
        self.assertEqual(ask(self.daemon, "/api/v1/streams").status, 401)
        shown = {"Authorization": f"Bearer {SECRET}"}
        self.assertEqual(ask(self.daemon, "/api/v1/streams", shown).status, 200)


if __name__ == "__main__":
    unittest.main()
