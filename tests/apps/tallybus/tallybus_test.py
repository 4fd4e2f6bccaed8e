#!/usr/bin/python3
"""The command line from outside: the built binary against real sockets.

Reads the folder of the binary from TALLYBUS_BIN_DIR. Every wait is bounded.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import unittest

import zmq

TALLYBUS = os.path.join(os.environ["TALLYBUS_BIN_DIR"], "tallybus")
WAIT_S = 60
EVENT = '{"sessionId":"s1","name":"cam-1","published":true,"status":"PUBLISHING"}'


def run(*words, **options):
    return subprocess.run([TALLYBUS, *words], capture_output=True, text=True, timeout=WAIT_S,
                          **options)


def closed_endpoint():
    """An address where nobody listens: bound, and never listened on. A socket of ZeroMQ may bind it
    beside."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    return holder, "tcp://127.0.0.1:%d" % holder.getsockname()[1]


class SocketTest(unittest.TestCase):
    def setUp(self):
        self.context = zmq.Context()
        self.addCleanup(self.context.destroy, 0)

    def bind(self, kind):
        bound = self.context.socket(kind)
        self.addCleanup(bound.close)
        bound.setsockopt(zmq.RCVTIMEO, WAIT_S * 1000)
        bound.setsockopt(zmq.LINGER, 0)
        port = bound.bind_to_random_port("tcp://127.0.0.1")
        return bound, "tcp://127.0.0.1:%d" % port

    def start(self, *words):
        process = subprocess.Popen([TALLYBUS, *words], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdout.close()
        process.stderr.close()

    def finish(self, process):
        """Its exit status, standard output and standard error."""
        out, err = process.communicate(timeout=WAIT_S)
        return process.returncode, out, err


class Usage(unittest.TestCase):
    def test_help_and_version_are_answered_with_success(self):
        version = run("version")
        self.assertEqual(version.returncode, 0)
        self.assertRegex(version.stdout, r"^tallybus \d+\.\d+\.\d+\n$")
        for words in (["help"], ["--help"]):
            overview = run(*words)
            self.assertEqual(overview.returncode, 0)
            for command in ("pub", "tail", "receive"):
                self.assertIn("  " + command, overview.stdout)
        for words in (["help", "pub"], ["pub", "--help"]):
            usage = run(*words)
            self.assertEqual(usage.returncode, 0)
            self.assertIn("--protobuf", usage.stdout)
            self.assertNotIn("--session", usage.stdout)

    def test_a_mistake_is_one_line_and_status_2(self):
        mistakes = {
            ("pubb",): "no command 'pubb'; did you mean pub?",
            ("tail", "--sesion", "x"): "no flag --sesion; did you mean --session?",
            ("pub", "--session", "x", "{}"): "no flag --session",
            ("pub",): "no object",
            ("pub", "--method", "a/b", "{}"): "--method: 'a/b' is no method",
            ("pub", "--rate", "fast", "{}"): "--rate: 'fast'",
            ("pub", "--count", "0", "{}"): "--count",
            ("pub", "--to", "nowhere", "{}"): "--to: 'nowhere'",
            ("pub", "-", "{}"): "- stands alone",
            ("tail", "--timeout", "5s"): "--timeout goes with --until",
            ("tail", "x"): "'x'",
            ("tail", "--from", "nowhere"): "--from 'nowhere'",
            ("receive", "--answer", "200,maybe"): "--answer: 'maybe'",
            ("receive", "--port", "70000"): "--port: '70000'",
        }
        for words, text in mistakes.items():
            with self.subTest(words):
                result = run(*words)
                self.assertEqual(result.returncode, 2)
                self.assertIn(text, result.stderr)
                self.assertEqual(result.stderr.count("\n"), 1)


class Pub(SocketTest):
    def test_sends_each_object_with_its_method(self):
        bus, endpoint = self.bind(zmq.PULL)
        result = run("pub", "--to", endpoint, "--method", "DataStatusEvent", " " + EVENT,
                     '{"a":1}')
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("sent 2 events", result.stdout)
        self.assertEqual(bus.recv_multipart(), [b"DataStatusEvent", EVENT.encode()])
        self.assertEqual(bus.recv_multipart(), [b"DataStatusEvent", b'{"a":1}'])

    def test_sends_an_envelope_when_asked(self):
        bus, endpoint = self.bind(zmq.PULL)
        result = run("pub", "--to", endpoint, "--protobuf", EVENT)
        self.assertEqual(result.returncode, 0, result.stderr)
        method, envelope = bus.recv_multipart()
        self.assertEqual(method, b"StreamStatusEvent")
        self.assertNotEqual(envelope[:1], b"{")
        self.assertIn(b"cam-1", envelope)
        self.assertIn(b"PUBLISHING", envelope)
        self.assertNotIn(b"sessionId", envelope)

    def test_repeats_no_faster_than_the_rate(self):
        bus, endpoint = self.bind(zmq.PULL)
        process = self.start("pub", "--to", endpoint, "--count", "5", "--rate", "20/s", EVENT)
        for _ in range(5):
            bus.recv_multipart()
        code, out, err = self.finish(process)
        self.assertEqual(code, 0, err)
        self.assertIn("sent 5 events", out)

    def test_reads_objects_from_lines(self):
        bus, endpoint = self.bind(zmq.PULL)
        result = run("pub", "--to", endpoint, "-", input='{"n":1}\n\n{"n":2}')
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual([bus.recv_multipart()[1] for _ in range(2)], [b'{"n":1}', b'{"n":2}'])

    def test_tells_the_line_that_is_no_object_after_sending_those_before_it(self):
        bus, endpoint = self.bind(zmq.PULL)
        result = run("pub", "--to", endpoint, "-", input='{"n":1}\n{"n":\n{"n":3}\n')
        self.assertEqual(result.returncode, 1)
        self.assertIn("line 2: ", result.stderr)
        self.assertIn("sent 1 event to", result.stdout)
        self.assertEqual(bus.recv_multipart()[1], b'{"n":1}')

    def test_sends_nothing_where_one_object_is_not_json(self):
        bus, endpoint = self.bind(zmq.PULL)
        result = run("pub", "--to", endpoint, '{"a":1}', '{"a":')
        self.assertEqual(result.returncode, 1)
        self.assertIn("object 2: ", result.stderr)
        self.assertIn("sent 0 events", result.stdout)
        bus.setsockopt(zmq.RCVTIMEO, 0)
        self.assertRaises(zmq.Again, bus.recv_multipart)

    def test_waits_for_a_router_that_comes_late(self):
        holder, endpoint = closed_endpoint()
        self.addCleanup(holder.close)
        process = self.start("pub", "--to", endpoint, "--timeout", "25s", EVENT)
        late = self.context.socket(zmq.PULL)
        self.addCleanup(late.close)
        late.setsockopt(zmq.RCVTIMEO, WAIT_S * 1000)
        late.bind(endpoint)
        self.assertEqual(late.recv_multipart()[1], EVENT.encode())
        self.assertEqual(self.finish(process)[0], 0)

    def test_fails_where_the_router_goes_away(self):
        bus, endpoint = self.bind(zmq.PULL)
        process = self.start("pub", "--to", endpoint, "--count", "100000", "--rate", "100/s",
                             "--timeout", "8s", EVENT)
        bus.recv_multipart()
        bus.close()
        code, out, err = self.finish(process)
        self.assertEqual(code, 1)
        self.assertIn("no router at " + endpoint, err)
        self.assertNotIn("sent 100000 events", out)

    def test_fails_where_the_router_does_not_take_all(self):
        bus = self.context.socket(zmq.PULL)
        self.addCleanup(bus.close)
        bus.setsockopt(zmq.RCVHWM, 1)
        port = bus.bind_to_random_port("tcp://127.0.0.1")
        # More than the kernel buffers for a peer that does not read.
        large = json.dumps({"sdp": "x" * 100000})
        result = run("pub", "--to", "tcp://127.0.0.1:%d" % port, "--count", "300",
                     "--timeout", "8s", large)
        self.assertEqual(result.returncode, 1)
        self.assertIn("did not take all within 8s", result.stderr)

    def test_says_that_no_router_is_there(self):
        holder, endpoint = closed_endpoint()
        self.addCleanup(holder.close)
        result = run("pub", "--to", endpoint, "--timeout", "200ms", EVENT)
        self.assertEqual(result.returncode, 1)
        self.assertIn("no router at %s: is tallybusd running?" % endpoint, result.stderr)


class Tail(SocketTest):
    def follow(self, *words):
        """A tail that is subscribed, and the socket to publish on."""
        channel, endpoint = self.bind(zmq.XPUB)
        process = self.start("tail", "--from", endpoint, *words)
        self.topic = channel.recv()
        return process, channel

    @staticmethod
    def message(session, sequence, method="StreamStatusEvent", **fields):
        meta = {"id": "aa-%d" % sequence, "sequence": sequence, "time": "2026-01-31T23:59:59.123Z"}
        return [b"session/" + session.encode(), method.encode(), json.dumps(fields).encode(),
                json.dumps(meta).encode()]

    def test_shows_a_line_for_each_message_and_the_gaps_of_each_topic(self):
        process, channel = self.follow("--until", "4")
        channel.send_multipart(self.message("a", 7, status="PUBLISHING", name="cam"))
        channel.send_multipart(self.message("b", 1))
        channel.send_multipart(self.message("a", 10, "ErrorEvent", status="FAILED", info="gone"))
        channel.send_multipart(self.message("b", 2))
        code, out, err = self.finish(process)
        self.assertEqual(code, 0, err)
        lines = out.splitlines()
        self.assertEqual(len(lines), 5)
        self.assertRegex(lines[0], r"^2026-01-31T23:59:59.123Z  StreamStatusEvent +PUBLISHING +cam "
                                   r" session a  id aa-7$")
        self.assertEqual(lines[2], "gap: 2 missed")
        self.assertIn("info gone", lines[3])
        self.assertIn("4 messages, 2 missed", err)

    def test_shows_one_session_and_not_those_that_begin_like_it(self):
        process, channel = self.follow("--session", "ab", "--until", "2", "--json")
        self.assertEqual(self.topic, b"\x01session/ab")
        channel.send_multipart(self.message("ab", 1))
        channel.send_multipart(self.message("abc", 1))
        channel.send_multipart(self.message("ab", 2, status="STOPPED"))
        code, out, err = self.finish(process)
        self.assertEqual(code, 0, err)
        shown = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([(m["session"], m["sequence"]) for m in shown], [("ab", 1), ("ab", 2)])
        self.assertEqual(shown[1]["body"], {"status": "STOPPED"})
        self.assertEqual(shown[1]["missed"], 0)

    def test_counts_a_malformed_message_and_goes_on(self):
        process, channel = self.follow("--until", "1")
        channel.send_multipart([b"session/a", b"only two"])
        channel.send_multipart(self.message("a", 1))
        code, out, err = self.finish(process)
        self.assertEqual(code, 0)
        self.assertEqual(len(out.splitlines()), 1)
        self.assertIn("malformed message: not four frames", err)
        self.assertIn("1 malformed", err)

    def test_ends_at_a_signal_with_success(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process, channel = self.follow()
            channel.send_multipart(self.message("a", 1))
            self.assertIn("session a", process.stdout.readline())
            process.send_signal(number)
            code, _, err = self.finish(process)
            self.assertEqual(code, 0)
            self.assertIn("1 message, 0 missed", err)

    def test_fails_where_the_messages_do_not_come_in_time(self):
        process, channel = self.follow("--until", "2", "--timeout", "3s")
        channel.send_multipart(self.message("a", 1))
        code, _, err = self.finish(process)
        self.assertEqual(code, 1)
        self.assertIn("--until 2 was not reached in time\n", err)

    def test_says_that_no_router_is_there(self):
        holder, endpoint = closed_endpoint()
        self.addCleanup(holder.close)
        result = run("tail", "--from", endpoint, "--until", "1", "--timeout", "200ms")
        self.assertEqual(result.returncode, 1)
        self.assertIn("no router at " + endpoint, result.stderr)


class Receive(SocketTest):
    def listen(self, *words):
        process = self.start("receive", "--port", "0", *words)
        first = process.stdout.readline().strip()
        self.assertRegex(first, r"^listening on http://127\.0\.0\.1:\d+$")
        return process, first.removeprefix("listening on http://")

    @staticmethod
    def post(address, sequence, event_id=None):
        connection = http.client.HTTPConnection(address, timeout=WAIT_S)
        connection.request("POST", "/apps/EchoApp/StreamStatusEvent", EVENT, {
            "webhook-id": event_id or "aa-%d" % sequence, "tallybus-lane": "defaultApp/cam-1",
            "tallybus-sequence": str(sequence), "tallybus-attempt": "1"})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, body

    def test_shows_events_and_ends_after_the_given_number(self):
        process, address = self.listen("--until", "3", "--answer", "200,503")
        self.assertEqual(self.post(address, 1), (200, EVENT))
        self.assertEqual(self.post(address, 1), (503, ""))
        self.assertEqual(self.post(address, 3), (503, ""))
        code, out, err = self.finish(process)
        self.assertEqual(code, 0, err)
        lines = out.splitlines()
        self.assertRegex(lines[0], r"StreamStatusEvent +PUBLISHING +cam-1  session s1  id aa-1  "
                                   r"lane defaultApp/cam-1#1  attempt 1  -> 200$")
        self.assertIn("[duplicate]", lines[1])
        self.assertIn("[hole: #2 was due]", lines[2])
        self.assertEqual(lines[3], "3 events, 1 duplicate, 1 hole")

    def test_ends_at_a_signal_with_the_summary(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process, address = self.listen()
            self.post(address, 1)
            process.send_signal(number)
            code, out, _ = self.finish(process)
            self.assertEqual(code, 0)
            self.assertEqual(out.splitlines()[-1], "1 event, 0 duplicates, 0 holes")

    def test_prints_nothing_but_objects_after_the_address_for_scripts(self):
        process, address = self.listen("--json", "--until", "2", "--answer", "reset,200")
        self.assertRaises(ConnectionResetError, self.post, address, 1)
        self.post(address, 1)
        code, out, err = self.finish(process)
        self.assertEqual(code, 0)
        first, second = [json.loads(line) for line in out.splitlines()]
        self.assertEqual((first["answer"], first["duplicate"]), ("reset", False))
        self.assertEqual((second["answer"], second["duplicate"]), ("200", True))
        self.assertEqual(second["body"], json.loads(EVENT))
        self.assertIn("2 events, 1 duplicate, 0 holes", err)

    def test_says_that_the_port_is_taken(self):
        holder = socket.socket()
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        result = run("receive", "--port", port)
        holder.close()
        self.assertEqual(result.returncode, 1)
        self.assertIn("--port: cannot listen on 127.0.0.1:" + port, result.stderr)
        self.assertIn("choose another port", result.stderr)


if __name__ == "__main__":
    unittest.main()
