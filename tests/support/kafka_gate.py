"""A gate of TLS and SASL before a Kafka cluster that knows neither: librdkafka's mock."""

import base64
import hashlib
import hmac
import socket
import ssl
import struct
import threading
from urllib.parse import urlsplit

API_VERSIONS, HANDSHAKE, AUTHENTICATE = 18, 17, 36
UNSUPPORTED_MECHANISM, AUTHENTICATION_FAILED = 33, 58


def read_frame(stream):
    """Empty at the end."""
    size = stream.read(4)
    return stream.read(struct.unpack(">i", size)[0]) if len(size) == 4 else b""


def send_frame(peer, frame):
    peer.sendall(struct.pack(">i", len(frame)) + frame)


def body_of(request):
    """Behind api key, version, correlation id and the client's name."""
    return request[10 + struct.unpack(">h", request[8:10])[0]:]


class Talk:
    """The requests with which a client proves who it is."""

    def __init__(self, peer, asks):
        self._peer, self._asks = peer, asks

    def hear(self):
        request = read_frame(self._asks)
        self._correlation = request[4:8]
        return body_of(request)[4:].decode()

    def say(self, text, good=True):
        send_frame(self._peer, self._correlation + struct.pack(
            ">hhi", 0 if good else AUTHENTICATION_FAILED, -1, len(text)) + text.encode())


def plain(talk, user, password):
    good = talk.hear() == f"\0{user}\0{password}"
    talk.say("", good)
    return good


def scram(digest):
    """The server's part of RFC 5802."""
    def prove(talk, user, password):
        first = talk.hear().removeprefix("n,,")
        name, nonce = (field[2:] for field in first.split(","))
        challenge = f"r={nonce}gate,s={base64.b64encode(b'salt').decode()},i=4096"
        talk.say(challenge)
        final, proof = talk.hear().rsplit(",p=", 1)
        signed = f"{first},{challenge},{final}".encode()
        salted = hashlib.pbkdf2_hmac(digest, password.encode(), b"salt", 4096)
        key = hmac.digest(salted, b"Client Key", digest)
        mark = hmac.digest(hashlib.new(digest, key).digest(), signed, digest)
        mine = bytes(a ^ b for a, b in zip(key, mark))
        good = name == user and mine == base64.b64decode(proof)
        server = hmac.digest(hmac.digest(salted, b"Server Key", digest), signed, digest)
        talk.say("v=" + base64.b64encode(server).decode(), good)
        return good
    return prove


MECHANISMS = {"PLAIN": plain, "SCRAM-SHA-256": scram("sha256"), "SCRAM-SHA-512": scram("sha512")}


class KafkaGate:
    """`context` is an ssl.SSLContext; `mechanism`, `user` and `password` are what it lets in."""

    def __init__(self, cluster, context=None, mechanism=None, user="", password=""):
        place = urlsplit(cluster.url)
        self._cluster = (place.hostname, place.port)
        self._context, self._mechanism = context, mechanism
        self._user, self._password = user, password
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                peer = self._listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        try:
            if self._context:
                peer = self._context.wrap_socket(peer, server_side=True)
            with peer, socket.create_connection(self._cluster) as broker:
                self._relay(peer, peer.makefile("rb"), broker, broker.makefile("rb"))
        except OSError:
            pass  # it went away, or did not believe us

    def _relay(self, peer, asks, broker, tells):
        """One request after the other."""
        may_pass = self._mechanism is None
        while request := read_frame(asks):
            api = struct.unpack(">h", request[:2])[0]
            if api == HANDSHAKE:
                may_pass = self._let_in(peer, asks, request)
            elif api == API_VERSIONS or may_pass:
                send_frame(broker, request)
                send_frame(peer, self._changed(api, read_frame(tells)))
            if api != API_VERSIONS and not may_pass:
                return

    def _let_in(self, peer, asks, request):
        wanted = body_of(request)[2:].decode()
        known = wanted == self._mechanism
        send_frame(peer, request[4:8] + struct.pack(
            ">hih", 0 if known else UNSUPPORTED_MECHANISM, 1, len(self._mechanism))
            + self._mechanism.encode())
        return known and MECHANISMS[wanted](Talk(peer, asks), self._user, self._password)

    def _changed(self, api, answer):
        """The cluster's address is the gate's, which knows two requests more."""
        if api == API_VERSIONS and self._mechanism:
            count = struct.unpack(">i", answer[6:10])[0]
            more = struct.pack(">hhhhhh", HANDSHAKE, 0, 1, AUTHENTICATE, 0, 0)
            return answer[:6] + struct.pack(">i", count + 2) + more + answer[10:]
        return answer.replace(struct.pack(">i", self._cluster[1]),
                              struct.pack(">i", self._listener.getsockname()[1]))
