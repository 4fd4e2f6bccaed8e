"""The engine library as a media engine uses it: libtallybus_engine.so through its C ABI.

The structs mirror tallybus/c/engine.h field by field. TALLYBUS_LIB_DIR names the library's folder.
"""

import ctypes as c
import os
from pathlib import Path

LIB = Path(os.environ.get("TALLYBUS_LIB_DIR", "build/release/lib")).resolve()
OK, FULL, CLOSED, INVALID, UNIMPLEMENTED, UNAVAILABLE, TIMEOUT, REFUSED = range(8)
TERMINAL = 1


class Bytes(c.Structure):
    _fields_ = [("data", c.c_char_p), ("size", c.c_size_t)]


LogFn = c.CFUNCTYPE(None, c.c_void_p, c.c_int, Bytes)
StateFn = c.CFUNCTYPE(None, c.c_void_p, c.c_int, Bytes)
ClientFn = c.CFUNCTYPE(None, c.c_void_p, Bytes, Bytes, Bytes, Bytes)
CommandFn = c.CFUNCTYPE(None, c.c_void_p, Bytes, Bytes, Bytes)


class Options(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("endpoint", Bytes), ("node_id", Bytes),
                ("app_key", Bytes), ("ring_bytes", c.c_uint64), ("curve_server_key", Bytes),
                ("curve_public_key", Bytes), ("curve_secret_key", Bytes), ("user", c.c_void_p),
                ("log", LogFn), ("on_state", StateFn), ("on_client_message", ClientFn),
                ("on_command", CommandFn), ("on_thread_start", c.c_void_p),
                ("ask_timeout_ms", c.c_uint32), ("reserved", c.c_uint32)]


class Session(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("session_id", Bytes), ("app_key", Bytes),
                ("rest_client_config", Bytes)]


class StreamStatus(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("node_id", Bytes), ("app_key", Bytes),
                ("session_id", Bytes), ("media_session_id", Bytes), ("name", Bytes),
                ("published", c.c_bool), ("has_video", c.c_bool), ("has_audio", c.c_bool),
                ("status", Bytes), ("sdp", Bytes), ("record", c.c_bool), ("width", c.c_int32),
                ("height", c.c_int32), ("bitrate", c.c_int32), ("quality", c.c_int32),
                ("media_provider", Bytes), ("info", Bytes), ("has", c.c_uint32),
                ("min_bitrate", c.c_int32), ("max_bitrate", c.c_int32), ("gop", c.c_int32),
                ("fps", c.c_int32), ("audio_bitrate", c.c_int32), ("audio_codec", Bytes),
                ("video_codec", Bytes), ("codec_impl", Bytes), ("transport", Bytes),
                ("media_type", Bytes), ("record_name", Bytes), ("history", c.c_bool),
                ("cvo_extension", c.c_bool), ("create_date", c.c_int64), ("audio_state", Bytes),
                ("video_state", Bytes), ("custom", Bytes), ("time_unix_us", c.c_int64),
                ("extra", Bytes)]


class JsonEvent(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("method", Bytes), ("app_key", Bytes),
                ("session_id", Bytes), ("media_session_id", Bytes), ("json", Bytes),
                ("flags", c.c_uint32), ("time_unix_us", c.c_int64)]


class Answer(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("status", c.c_int), ("reason", Bytes),
                ("json", Bytes)]


AnswerFn = c.CFUNCTYPE(None, c.c_void_p, c.POINTER(Answer))


class Stats(c.Structure):
    _fields_ = [("struct_size", c.c_size_t)] + [
        (name, c.c_uint64) for name in (
            "published", "acknowledged", "dropped_full", "rejected", "resent", "ring_used",
            "ring_bytes", "reconnects", "wakeups", "slow_callbacks")] + [("state", c.c_uint32)]


def as_bytes(value):
    data = value.encode() if isinstance(value, str) else value
    return Bytes(data, len(data))


def text(value):
    return c.string_at(value.data, value.size).decode(errors="replace") if value.size else ""


def filled(struct, **fields):
    """The struct with struct_size and these fields set; text becomes borrowed bytes."""
    made = struct()
    made.struct_size = c.sizeof(struct)
    for name, value in fields.items():
        setattr(made, name, as_bytes(value) if isinstance(value, (str, bytes)) else value)
    return made


class PublisherRefused(AssertionError):
    """tallybus_publisher_open was not OK."""

    def __init__(self, status, log_lines):
        super().__init__(f"tallybus_publisher_open: {status}: {log_lines}")
        self.status = status
        self.log = "\n".join(log_lines)


class EnginePublisher:
    """One tallybus_publisher; log lines and client messages are kept in lists."""

    def __init__(self, endpoint, node_id="engine-1", ring_bytes=0, client_messages=False, **options):
        self.lib = c.CDLL(str(LIB / "libtallybus_engine.so"))
        self.log_lines = []
        self.states = []
        self.messages = []
        self.commands = []  # [session, media session, reason] of each stream that is to end
        # Kept: the library calls them as long as it lives.
        self._log = LogFn(lambda user, level, line: self.log_lines.append(text(line)))
        self._state = StateFn(lambda user, state, detail: self.states.append((state, text(detail))))
        self._client = ClientFn(lambda user, *parts: self.messages.append([text(p) for p in parts]))
        self._command = CommandFn(lambda user, *parts: self.commands.append([text(p) for p in parts]))
        self._asked = []
        made = filled(Options, endpoint=endpoint, node_id=node_id, ring_bytes=ring_bytes,
                      log=self._log, on_state=self._state, on_command=self._command,
                      **options)
        if client_messages:
            made.on_client_message = self._client
        self.handle = c.c_void_p()
        status = self.lib.tallybus_publisher_open(c.byref(made), c.byref(self.handle))
        if status != OK:
            raise PublisherRefused(status, self.log_lines)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self, drain_ms=5000):
        if self.handle:
            self.lib.tallybus_publisher_close(self.handle, c.c_uint32(drain_ms))
            self.handle = None

    def session_open(self, session_id, **fields):
        made = filled(Session, session_id=session_id, **fields)
        return self.lib.tallybus_session_open(self.handle, c.byref(made))

    def session_close(self, session_id):
        return self.lib.tallybus_session_close(self.handle, as_bytes(session_id))

    def status(self, status, **fields):
        made = filled(StreamStatus, status=status, **fields)
        return self.lib.tallybus_publish_stream_status(self.handle, c.byref(made))

    def json(self, method, body, **fields):
        made = filled(JsonEvent, method=method, json=body, **fields)
        return self.lib.tallybus_publish_json(self.handle, c.byref(made))

    def ask(self, method, body, answers, **fields):
        """Asks; what comes back is appended to `answers` as (status, reason, json)."""
        answered = AnswerFn(lambda user, a: answers.append(
            (a.contents.status, text(a.contents.reason), text(a.contents.json))))
        self._asked.append(answered)  # kept, as above
        made = filled(JsonEvent, method=method, json=body, **fields)
        return self.lib.tallybus_ask(self.handle, c.byref(made), answered, None)

    def stats(self):
        made = filled(Stats)
        self.lib.tallybus_stats_get(self.handle, c.byref(made))
        return made
