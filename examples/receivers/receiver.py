"""A backend that takes Tallybus's requests, by Python's standard library alone.

    TALLYBUS_SECRET=whsec_… python3 receiver.py [PORT] [DATABASE]

It proves who sent a request, keeps the newest status of each stream in SQLite, and answers: 204 to
what it has now or had before, 401 to what it cannot prove, 400 to what is no event, 503 where it
cannot keep it. It reads one event a request, `format: wcs`, and answers 415 to batches and
CloudEvents. docs/receiving.md says why.
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import re
import sqlite3
import sys
import time
import urllib.parse
import zlib

MOST_BYTES = 2 << 20
TOLERANCE_S = 300
NUMBER = re.compile("[0-9]{1,18}")
KEY = base64.b64decode(os.environ.get("TALLYBUS_SECRET", "").removeprefix("whsec_"))
if len(KEY) < 24:  # anybody can sign with an empty one
    sys.exit("TALLYBUS_SECRET is no whsec_ key")
DATABASE = sys.argv[2] if len(sys.argv) > 2 else "streams.db"

TABLE = """
CREATE TABLE IF NOT EXISTS streams (
  lane     TEXT PRIMARY KEY,
  sequence BIGINT NOT NULL,
  time     TEXT NOT NULL,
  again    INTEGER NOT NULL,
  status   TEXT NOT NULL,
  event    TEXT NOT NULL
)
"""
UPSERT = """
INSERT INTO streams (lane, sequence, time, again, status, event)
VALUES (:lane, :sequence, :time, :again, :status, :event)
ON CONFLICT (lane) DO UPDATE SET
  sequence = excluded.sequence, time = excluded.time, again = excluded.again,
  status = excluded.status, event = excluded.event
WHERE excluded.time > streams.time
   OR (excluded.sequence > streams.sequence
       AND (excluded.again = 0 OR excluded.time = streams.time))
"""


class Refused(Exception):
    """What is answered, and why, for the log."""


def inflated(body):
    stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
    text = stream.decompress(body, MOST_BYTES)
    if not stream.eof:
        raise Refused(413, "larger than any event")
    return text


def prove(headers, body):
    """Who knows the secret signed these very bytes, just now."""
    stamp, event_id = headers.get("webhook-timestamp", ""), headers.get("webhook-id", "")
    if not NUMBER.fullmatch(stamp) or abs(time.time() - int(stamp)) > TOLERANCE_S:
        raise Refused(401, "the time of the signature is missing, or too far off")
    wanted = hmac.digest(KEY, f"{event_id}.{stamp}.".encode() + body, hashlib.sha256)
    entries = headers.get("webhook-signature", "").split(" ")
    wanted = b"v1," + base64.b64encode(wanted)
    if not any(hmac.compare_digest(wanted, entry.encode()) for entry in entries):
        raise Refused(401, "not signed with this secret")


def read_form(headers):
    if headers.get_content_type() != "application/json" or "tallybus-batch" in headers:
        raise Refused(415, "neither batches nor CloudEvents are read here, only format: wcs")


def apply(headers, body):
    """True where the event is newer than what is known."""
    lane, when = headers.get("tallybus-lane", ""), headers.get("tallybus-time", "")
    sequence = headers.get("tallybus-sequence", "")
    try:
        event = json.loads(body)
        status = event.get("status")
        status = "" if status is None else status
        status.encode()  # text, of whole characters
        if not (lane and when and NUMBER.fullmatch(sequence)):
            raise ValueError("its place in a lane is missing")
        row = {"lane": urllib.parse.unquote(lane), "sequence": int(sequence), "time": when,
               "again": headers.get("tallybus-redelivery") == "1", "status": status,
               "event": body.decode()}
    except (AttributeError, RecursionError, ValueError) as error:
        raise Refused(400, f"no event: {error}") from error
    try:
        with sqlite3.connect(DATABASE) as database:
            return database.execute(UPSERT, row).rowcount > 0
    except sqlite3.Error as error:
        raise Refused(503, f"cannot be kept: {error}") from error


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        try:
            size = int(self.headers.get("content-length", MOST_BYTES + 1))
            if size > MOST_BYTES:
                self.close_connection = True  # what it holds is not read
                raise Refused(413, "larger than any event")
            body = self.rfile.read(size)
            if self.headers.get("content-encoding") == "gzip":
                body = inflated(body)
            prove(self.headers, body)
            read_form(self.headers)
            method = urllib.parse.urlsplit(self.path).path.rpartition("/")[2]
            if method == "connect":
                raise Refused(403, "no session is let in here")
            if not method.endswith("StatusEvent"):
                word = "no status:"  # a keep-alive, an alert, a test
            else:
                word = "new" if apply(self.headers, body) else "old"
            print(word, self.headers["tallybus-lane"], self.headers["tallybus-sequence"],
                  flush=True)
            self.send_response(204)
        except Refused as refused:
            status, why = refused.args
            print("refused", status, why, flush=True)
            self.send_response(status)
            self.send_header("Content-Length", "0")
        except zlib.error:
            self.send_response(400)
            self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    with sqlite3.connect(DATABASE) as created:
        created.execute(TABLE)
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8081
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    print(f"listening on http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()
