/* How a transport outside of Tallybus is written: a shared object that exports one function,
 * tallybus_transport_entry_v1, and is named in the configuration under `plugins`.
 *
 * A transport tries once to hand an event to an endpoint, and says what came of it. It does not
 * retry, spool, or filter, and it logs no payload: all that is the router's.
 *
 * Each struct that may grow begins with struct_size: of what the router hands over, fields beyond
 * it are not there; of what a transport hands over, they count as zero. Arrays are arrays of
 * pointers, so that their elements may grow. A minor version of this interface appends fields, or
 * answers to a new name in get_extension; another major version is refused by the loader.
 *
 * Thread tags: [control] one thread at a time, may block, for some seconds at most. [router] the
 * thread of this transport's events: must return at once, and never waits. [any thread] several at
 * the same time. What does not come back in time is left alone, and gets no further call. C11, and
 * C++11 to C++20. */
#ifndef TALLYBUS_C_TRANSPORT_H_
#define TALLYBUS_C_TRANSPORT_H_

#include <tallybus/c/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TALLYBUS_TRANSPORT_ABI_MAJOR 1
#define TALLYBUS_TRANSPORT_ABI_MINOR 0

/* What the peer's answer means for an event that must arrive. Never renumbered. */
typedef enum tallybus_verdict {
  TALLYBUS_DELIVERED = 0,
  TALLYBUS_RETRY_LATER = 1, /* no answer, or one that asks to come back */
  TALLYBUS_HOLD = 2,        /* the endpoint or the method needs a hand: credentials, path */
  TALLYBUS_REJECTED = 3,    /* this event will never be taken */
  TALLYBUS_GONE = 4         /* the endpoint wants no more events */
} tallybus_verdict;

/* How the value of an option is written in the configuration, and handed over. */
typedef enum tallybus_option_type {
  TALLYBUS_OPTION_TEXT = 0,
  TALLYBUS_OPTION_INTEGER = 1,  /* decimal, of 64 bits with a sign */
  TALLYBUS_OPTION_BOOLEAN = 2,  /* "true" or "false" */
  TALLYBUS_OPTION_DURATION = 3, /* with a unit there, as decimal milliseconds here */
  TALLYBUS_OPTION_SIZE = 4,     /* with a unit there, as decimal bytes here */
  TALLYBUS_OPTION_SECRET = 5 /* text that is never printed; `file:/path` there, its content here */
} tallybus_option_type;

enum { TALLYBUS_OPTION_REQUIRED = 1 }; /* a flag of an option */

/* Static, as all that the entry leads to. */
typedef struct tallybus_option_spec {
  size_t struct_size;
  const char* name;    /* [a-z][a-z0-9_.]{0,63}; "tls.ca_file" is `tls: { ca_file: ... }` */
  const char* meaning; /* one line, for the operator */
  tallybus_option_type type;
  uint32_t flags;
} tallybus_option_spec;

typedef struct tallybus_option {
  tallybus_bytes name;
  tallybus_bytes value; /* as its type says */
} tallybus_option;

/* One address with its options, which never change: a reload makes another one with another id.
 * Only options that the configuration names are there, each known to the entry and of its type. */
typedef struct tallybus_endpoint {
  size_t struct_size;
  uint64_t id; /* unique in the process: what was prepared for an endpoint may be kept under it */
  tallybus_bytes route;
  tallybus_bytes url;
  const tallybus_option* options;
  size_t option_count;
  uint32_t timeout_ms; /* of one attempt */
  uint32_t max_connections;
} tallybus_endpoint;

/* Flags of a parcel. */
enum {
  TALLYBUS_PARCEL_REDELIVERY = 1,  /* an earlier attempt may have arrived */
  TALLYBUS_PARCEL_REORDERED = 2,   /* events of its lane do not come in order here */
  TALLYBUS_PARCEL_FROM_ROUTER = 4, /* made by the router, not by an engine */
  TALLYBUS_PARCEL_TERMINAL = 8     /* the end of its stream, session or call */
};

/* One event to send. */
typedef struct tallybus_parcel {
  size_t struct_size;
  tallybus_bytes body;     /* JSON, to be sent byte by byte; at most 1 MiB and a little */
  tallybus_bytes event_id; /* the same in every attempt: what a receiver drops doubles by */
  tallybus_bytes method;   /* [A-Za-z][A-Za-z0-9_.-]{0,63} */
  tallybus_bytes node_id;
  tallybus_bytes app_key;
  tallybus_bytes session_id;
  tallybus_bytes media_session_id;
  tallybus_bytes name;
  tallybus_bytes status;
  tallybus_bytes lane;    /* events of one lane are in order */
  uint64_t lane_sequence; /* from 1 in its lane; 0: it is of no lane */
  int64_t time_unix_us;   /* when the engine saw it */
  uint32_t attempt;       /* from 1 */
  uint32_t coalesced;     /* older events that this one replaced */
  uint32_t flags;
} tallybus_parcel;

/* Flags of a delivery. */
enum {
  TALLYBUS_DELIVERY_WANTS_ANSWER = 1, /* the result's answer is read */
  TALLYBUS_DELIVERY_IS_CALL = 2 /* a call that the peer may refuse: one parcel, and its answer */
};

/* One attempt to make: one request, one result. Everything that it refers to lives until the result
 * is given, so that a body need not be copied. */
typedef struct tallybus_delivery {
  size_t struct_size;
  uint64_t ticket; /* never used again in this process */
  const tallybus_endpoint* endpoint;
  const tallybus_parcel* const* parcels; /* at least one; more only where the route has batches */
  size_t parcel_count;
  int64_t deadline_ns; /* of the host's now_ns */
  uint32_t flags;
} tallybus_delivery;

/* Flags of a result. */
enum {
  TALLYBUS_RESULT_NEVER_SENT = 1, /* no byte can have reached the peer; when in doubt, not set */
  TALLYBUS_RESULT_ANSWER_CUT = 2, /* the answer was longer than what is handed over */
  TALLYBUS_RESULT_CONNECTION_REUSED = 4,
  TALLYBUS_RESULT_STOPPED = 8, /* the transport's own stop ended the attempt; with RETRY_LATER */
  TALLYBUS_RESULT_HOLD_METHOD = 16 /* with HOLD: of this event's method alone */
};

/* Borrowed for the call. */
typedef struct tallybus_result {
  size_t struct_size;
  tallybus_verdict verdict;
  uint32_t flags;
  uint32_t retry_after_ms; /* the peer's hint; 0: none */
  int32_t remote_code;     /* the status of HTTP or its like; 0: no answer came */
  /* What a client may be told: the peer's phrase, or one of: connection refused, connection reset,
   * timed out, TLS failure, host not found. Cut at 256 bytes. */
  tallybus_bytes reason;
  tallybus_bytes detail; /* for the log, where it was not delivered: no payload, no secret */
  tallybus_bytes answer; /* the body of the answer, at most 64 KiB */
} tallybus_result;

/* What a transport lives on; it outlives the transport. */
typedef struct tallybus_host {
  size_t struct_size;
  void* self;
  /* [any thread] Once for each ticket, by its deadline; may be called from inside deliver. Never
   * blocks. A second one, a late one, and one for a ticket that was not given to this transport are
   * counted, logged with its name, and dropped. */
  void (*complete)(void* self, uint64_t ticket, const tallybus_result* result);
  /* [any thread] Nanoseconds of a clock that never jumps. */
  int64_t (*now_ns)(void* self);
  /* [any thread] One line, without a newline, payload or secret; its name is put before it. */
  void (*log)(void* self, tallybus_log_level level, tallybus_bytes line);
  /* [any thread] A table of this name, or NULL: this host does not have it. */
  const void* (*get_extension)(void* self, const char* name);
} tallybus_host;

/* Where a sentence goes that says what is wrong and how to mend it. */
typedef struct tallybus_error {
  char* text;  /* ends in NUL */
  size_t size; /* bytes that there are, the NUL among them */
} tallybus_error;

typedef struct tallybus_transport {
  size_t struct_size;
  void* self;
  /* [control] Once, before the first deliver; threads begin here, with all signals blocked. */
  tallybus_status (*start)(void* self, tallybus_error* error);
  /* [router] Takes `count` attempts. Deliveries of one lane come in order, and one at a time. */
  void (*deliver)(void* self, const tallybus_delivery* const* deliveries, size_t count);
  /* [control] Lets open attempts finish until the deadline, then ends them: every ticket has its
   * result when it returns. A later deliver is given TALLYBUS_RETRY_LATER. A second call does
   * nothing. */
  void (*stop)(void* self, int64_t deadline_ns);
  /* [control] After stop, or where start failed: frees it. Nothing of it is called any more. */
  void (*destroy)(void* self);
  /* [any thread] A table of this name, or NULL. May be NULL itself. */
  const void* (*get_extension)(void* self, const char* name);
} tallybus_transport;

/* What a shared object says of itself. */
typedef struct tallybus_transport_entry {
  size_t struct_size;
  uint32_t abi_major; /* TALLYBUS_TRANSPORT_ABI_MAJOR */
  uint32_t abi_minor;
  const char* scheme;  /* [a-z][a-z0-9_-]{0,31}: `transport: <scheme>` */
  const char* name;    /* for people */
  const char* version; /* its own */
  const tallybus_option_spec* const* options;
  size_t option_count;
  /* [control] Whether an endpoint can work at all: its address, options, files. No network. May be
   * NULL: every endpoint can. */
  tallybus_status (*check)(const tallybus_endpoint* endpoint, tallybus_error* error);
  /* [control] Makes the one transport of a process, which serves all endpoints of this scheme. The
   * host and what *transport then points to live until destroy. */
  tallybus_status (*create)(const tallybus_host* host, const tallybus_transport** transport,
                            tallybus_error* error);
} tallybus_transport_entry;

/* The one symbol of a plugin. The entry is static. */
#define TALLYBUS_TRANSPORT_ENTRY "tallybus_transport_entry_v1"
typedef const tallybus_transport_entry* (*tallybus_transport_entry_fn)(void);
TALLYBUS_EXPORT const tallybus_transport_entry* tallybus_transport_entry_v1(void);

#ifdef __cplusplus
}
#endif

#endif /* TALLYBUS_C_TRANSPORT_H_ */
