/* The interface for media engines: publish what a stream does, and never wait for it.
 *
 * A publisher owns one ring and one thread of its own, named "tallybus". A publishing call copies
 * into the ring and returns; the thread carries the ring to the router (tallybusd) over ZeroMQ and
 * keeps each event until the router has acknowledged it. The library prints nothing, takes no
 * signal (all are blocked in its thread), reads no environment but the runtime directory's
 * variables (RUNTIME_DIRECTORY, XDG_RUNTIME_DIR), and exports only names that begin with tallybus_.
 *
 * Thread tags: [any thread] may be called at the same time from several threads. [realtime] never
 * blocks, never allocates after warm-up, does no input or output. [exclusive] no other call on this
 * publisher may run at the same time or later. [sender] runs on the library's thread: a callback
 * that takes over 10 ms stalls sending and is counted in slow_callbacks.
 *
 * Structs that may grow begin with struct_size: set it to sizeof the struct. A smaller one, of an
 * older header, is read as if the missing fields were zero; one larger than the library knows is
 * accepted where the unknown rest is zero, else TALLYBUS_INVALID. Zero a struct before you fill it.
 *
 * fork(): the child's calls on an inherited publisher return TALLYBUS_CLOSED. Open a new one in the
 * child if it needs one. */
#ifndef TALLYBUS_C_ENGINE_H_
#define TALLYBUS_C_ENGINE_H_

#include <tallybus/c/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TALLYBUS_VERSION_MAJOR 0
#define TALLYBUS_VERSION_MINOR 1
#define TALLYBUS_VERSION_PATCH 0

typedef struct tallybus_publisher tallybus_publisher;

/* How the connection to the router stands. */
typedef enum tallybus_state {
  TALLYBUS_STATE_CONNECTING = 0, /* no router has answered yet, or it fell silent */
  TALLYBUS_STATE_CONNECTED = 1,
  TALLYBUS_STATE_REFUSED = 2, /* the router speaks no protocol that this library knows */
  TALLYBUS_STATE_CLOSED = 3
} tallybus_state;

/* Flags of an event. */
enum {
  TALLYBUS_TERMINAL = 1 /* the end of its stream, session or call: never shed, own head-room */
};

/* [sender] One line of text, without a newline; contains no payload. With an embedded router also
 * from tallybus_publisher_open and tallybus_publisher_close, on the thread that calls them. */
typedef void (*tallybus_log_fn)(void* user, tallybus_log_level level, tallybus_bytes text);
/* [sender] The state changed. detail: the endpoint, or the router's reason for REFUSED. */
typedef void (*tallybus_state_fn)(void* user, tallybus_state state, tallybus_bytes detail);
/* [sender] A message for the client of a session that this publisher opened: message is
 * StreamStatusEvent, ErrorEvent, ...; json its object; meta {"id":..,"sequence":..,"time":..}. */
typedef void (*tallybus_client_message_fn)(void* user, tallybus_bytes session_id,
                                           tallybus_bytes message, tallybus_bytes json,
                                           tallybus_bytes meta);
/* [sender] The backend asks the engine to end this stream: it answered a StreamKeepAliveEvent with
 * 403 under restOnError: FAIL. */
typedef void (*tallybus_command_fn)(void* user, tallybus_bytes session_id,
                                    tallybus_bytes media_session_id, tallybus_bytes reason);
/* [sender] The first thing that the library's thread does, once: set its priority or affinity. */
typedef void (*tallybus_thread_start_fn)(void* user);

/* Read by tallybus_publisher_open and copied. Every field but struct_size may be zero. */
typedef struct tallybus_publisher_options {
  size_t struct_size;
  tallybus_bytes endpoint; /* "ipc:///run/tallybus/engine.sock", "tcp://127.0.0.1:5583"; none: the
                              runtime directory's engine.sock, found as tallybusd finds it.
                              "embedded:/etc/tallybus/tallybus.yaml": a router in this process, from
                              libtallybus_router.so, shared by the publishers of that file */
  tallybus_bytes node_id;  /* none: gethostname() */
  tallybus_bytes app_key;  /* app of events that name none; none: "defaultApp" */
  uint64_t ring_bytes;     /* 0: 4 MiB; a power of two from 64 KiB to 1 GiB. Memory used is this and
                              1 MiB at most, besides what open sessions cost. A tenth is kept for
                              terminal events */
  tallybus_bytes curve_server_key; /* Z85, 40 characters; all three or none */
  tallybus_bytes curve_public_key;
  tallybus_bytes curve_secret_key;
  void* user; /* handed to every callback */
  tallybus_log_fn log;
  tallybus_state_fn on_state;
  tallybus_client_message_fn on_client_message;
  tallybus_command_fn on_command;
  tallybus_thread_start_fn on_thread_start;
  uint32_t
      ask_timeout_ms; /* how long tallybus_ask waits for its answer; 0: 11,000; at most 600,000.
                         The app's `timeout` in tallybusd's file, 10 s, should be shorter */
  uint32_t reserved;  /* 0 */
} tallybus_publisher_options;

/* A client that connected to the engine. */
typedef struct tallybus_session {
  size_t struct_size;
  tallybus_bytes session_id; /* required */
  tallybus_bytes app_key;    /* none: the publisher's */
  /* JSON object by method, {"StreamStatusEvent":{"restOnError":"FAIL"}}, with or without the outer
   * {"restClientConfig":..}; none: the app's config in tallybusd's file governs. */
  tallybus_bytes rest_client_config;
} tallybus_session;

/* Bits of tallybus_stream_status.has: which of the newer fields that cannot be "none" are set. */
enum {
  TALLYBUS_HAS_MIN_BITRATE = 1 << 0,
  TALLYBUS_HAS_MAX_BITRATE = 1 << 1,
  TALLYBUS_HAS_GOP = 1 << 2,
  TALLYBUS_HAS_FPS = 1 << 3,
  TALLYBUS_HAS_AUDIO_BITRATE = 1 << 4,
  TALLYBUS_HAS_HISTORY = 1 << 5,
  TALLYBUS_HAS_CVO_EXTENSION = 1 << 6,
  TALLYBUS_HAS_CREATE_DATE = 1 << 7
};

/* A StreamStatusEvent, with the fields of Web Call Server's REST hooks. The first sixteen, node_id
 * to media_provider, are always sent: none is "" there. A later one is sent where it is set. A
 * status of UNPUBLISHED, STOPPED or FAILED makes the event terminal. */
typedef struct tallybus_stream_status {
  size_t struct_size;
  tallybus_bytes node_id; /* none: the publisher's */
  tallybus_bytes app_key; /* none: the session's publisher's */
  tallybus_bytes session_id;
  tallybus_bytes media_session_id;
  tallybus_bytes name;
  bool published;
  bool has_video;
  bool has_audio;
  tallybus_bytes status; /* required: PUBLISHING, UNPUBLISHED, ...; unknown ones pass */
  tallybus_bytes sdp;
  bool record;
  int32_t width;   /* pixels */
  int32_t height;  /* pixels */
  int32_t bitrate; /* bits a second */
  int32_t quality;
  tallybus_bytes media_provider; /* WebRTC, Flash, WSPlayer, HLS, ... */
  tallybus_bytes info;
  uint32_t has; /* TALLYBUS_HAS_* */
  int32_t min_bitrate;
  int32_t max_bitrate;
  int32_t gop;
  int32_t fps;
  int32_t audio_bitrate;
  tallybus_bytes audio_codec;
  tallybus_bytes video_codec;
  tallybus_bytes codec_impl;
  tallybus_bytes transport;
  tallybus_bytes media_type;
  tallybus_bytes record_name;
  bool history;
  bool cvo_extension;
  int64_t create_date;        /* milliseconds since 1970 UTC */
  tallybus_bytes audio_state; /* a JSON object */
  tallybus_bytes video_state; /* a JSON object */
  tallybus_bytes custom;      /* a JSON object */
  int64_t time_unix_us;       /* when it happened, microseconds since 1970 UTC; 0: now */
  tallybus_bytes extra;       /* further JSON members, without braces: "region":"eu","tier":2 */
} tallybus_stream_status;

/* Any other event: its JSON object goes to client and backend as it is. */
typedef struct tallybus_json_event {
  size_t struct_size;
  tallybus_bytes method;           /* required: [A-Za-z][A-Za-z0-9_.-]{0,63} */
  tallybus_bytes app_key;          /* none: the json's appKey, else the publisher's */
  tallybus_bytes session_id;       /* none: the json's sessionId */
  tallybus_bytes media_session_id; /* none: the json's mediaSessionId */
  tallybus_bytes json;             /* required: one JSON object */
  uint32_t flags;                  /* TALLYBUS_TERMINAL; the library does not parse the json */
  int64_t time_unix_us;            /* 0: now */
} tallybus_json_event;

/* Counters since the publisher opened. */
typedef struct tallybus_stats {
  size_t struct_size;
  uint64_t published;    /* events that the ring took */
  uint64_t acknowledged; /* of those, taken over by the router */
  uint64_t dropped_full; /* events refused with TALLYBUS_FULL */
  uint64_t rejected;     /* acknowledged, but malformed in the router's eyes; each one is logged */
  uint64_t resent;       /* events sent again after a reconnect or a gap */
  uint64_t ring_used;    /* bytes */
  uint64_t ring_bytes;   /* bytes */
  uint64_t reconnects;   /* times that the connection had to be made again */
  uint64_t wakeups;      /* publishes that had to wake the thread */
  uint64_t slow_callbacks;
  uint32_t state; /* tallybus_state */
} tallybus_stats;

/* The outcome of tallybus_ask. */
typedef struct tallybus_answer {
  size_t struct_size;
  /* OK: go on. REFUSED: the backend declined, or failed under restOnError: FAIL; a connect is
   * declined by any failure. TIMEOUT: no answer in ask_timeout_ms: no router is there, or it was
   * restarted meanwhile. CLOSED: the publisher closes. */
  tallybus_status status;
  tallybus_bytes reason; /* fit for the client: "Forbidden", the backend's reason, "timed out", ...;
                            with OK: what failed under restOnError: LOG, or none */
  tallybus_bytes json;   /* the backend's answer where it is an object, or none */
} tallybus_answer;

/* [sender] Called exactly once for each tallybus_ask that returned OK. */
typedef void (*tallybus_answer_fn)(void* user, const tallybus_answer* answer);

/* [any thread, may block] Opens a publisher and starts its thread; does not wait for a router, but
 * for an embedded one, which it starts. Call it after fork(), not before. On OK *publisher is the
 * caller's, to be given to tallybus_publisher_close. INVALID: an option is out of range, or an
 * embedded router's file is wrong. UNAVAILABLE: no memory, thread or socket, or no embedded router,
 * and then the log said why. */
TALLYBUS_EXPORT tallybus_status tallybus_publisher_open(const tallybus_publisher_options* options,
                                                        tallybus_publisher** publisher);

/* [any thread, realtime] Says that a client connected; a second call for the same session_id
 * replaces its config. FULL: not recorded, call again. */
TALLYBUS_EXPORT tallybus_status tallybus_session_open(tallybus_publisher* publisher,
                                                      const tallybus_session* session);

/* [any thread, realtime] Publishes a StreamStatusEvent; everything is copied before it returns.
 * FULL: dropped and counted. INVALID: no status, over 1 MiB, or over two fifths of the ring. */
TALLYBUS_EXPORT tallybus_status tallybus_publish_stream_status(tallybus_publisher* publisher,
                                                               const tallybus_stream_status* event);

/* [any thread, realtime] Publishes any other event. FULL, INVALID as above; json that is not an
 * object is found by the router, logged there and here, and counted in rejected. */
TALLYBUS_EXPORT tallybus_status tallybus_publish_json(tallybus_publisher* publisher,
                                                      const tallybus_json_event* event);

/* [any thread] A call that the backend may refuse: the router POSTs event->json to
 * <the app's url>/<event->method>, once and at once, and answer hears what came of it, on the
 * sender thread. Everything is copied before it returns; may allocate and takes a lock.
 *
 * The method `connect` opens event->session_id when it is accepted, with the restClientConfig of
 * the backend's answer, so that tallybus_session_open is not needed; the session's events wait in
 * the router until the answer is there. Call tallybus_session_close when its client is gone.
 *
 * Where the app's `methods` or restPolicy: DISABLE spare the backend this call, it is accepted. An
 * app without a backend accepts no connect. answer is called exactly once where this returns OK,
 * and not at all otherwise. FULL: no room in the ring, or 65,536 calls wait. INVALID as above, or
 * no answer function. */
TALLYBUS_EXPORT tallybus_status tallybus_ask(tallybus_publisher* publisher,
                                             const tallybus_json_event* event,
                                             tallybus_answer_fn answer, void* user);

/* [any thread, realtime] Says that a client is gone. Its config serves 60 s more, since a last
 * event often follows. FULL: not recorded, call again. */
TALLYBUS_EXPORT tallybus_status tallybus_session_close(tallybus_publisher* publisher,
                                                       tallybus_bytes session_id);

/* [any thread, realtime] Fills *stats up to stats->struct_size. */
TALLYBUS_EXPORT tallybus_status tallybus_stats_get(const tallybus_publisher* publisher,
                                                   tallybus_stats* stats);

/* [any thread] "OK", "FULL", ...: static text, never NULL. */
TALLYBUS_EXPORT const char* tallybus_status_text(tallybus_status status);

/* [any thread] major << 16 | minor << 8 | patch of the library that is loaded. */
TALLYBUS_EXPORT uint32_t tallybus_version(void);

/* [exclusive, may block] Refuses further events, waits up to drain_ms milliseconds until the router
 * has acknowledged what is held, says BYE, joins the thread and frees the publisher. What was not
 * acknowledged by then is lost and logged with its count. The last publisher of an embedded router
 * ends that too, and waits for attempts under way while drain_ms lasts; opening and closing others
 * of an embedded router wait meanwhile. NULL is allowed. In a forked child it
 * frees nothing and returns.
 *
 * Publishers of an embedded router that are open when the process calls exit(), or returns from
 * main, are closed there with a drain of a second, in two at most, and without callbacks; calls of
 * them return CLOSED, and what they hold is not freed. exit() called by a callback closes none. */
TALLYBUS_EXPORT void tallybus_publisher_close(tallybus_publisher* publisher, uint32_t drain_ms);

#ifdef __cplusplus
}
#endif

#endif /* TALLYBUS_C_ENGINE_H_ */
