/* How libtallybus_engine.so runs a router inside the engine's process, from libtallybus_router.so,
 * where a publisher's endpoint is "embedded:<file>". It is between these two libraries of one
 * release; an engine uses <tallybus/c/engine.h> alone.
 *
 * The library is opened by its path, never closed, and exports TALLYBUS_ROUTER_ENTRY alone. */
#ifndef TALLYBUS_C_ROUTER_H_
#define TALLYBUS_C_ROUTER_H_

#include <tallybus/c/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tallybus_router tallybus_router;

/* Who runs the router. Copied by open. */
typedef struct tallybus_router_host {
  size_t struct_size;
  void* user;
  /* [any thread] One line of text, without a newline; contains no payload. Must not block. From
   * open until close has returned. */
  void (*log)(void* user, tallybus_log_level level, tallybus_bytes text);
} tallybus_router_host;

typedef struct tallybus_router_api_v1 {
  size_t struct_size;
  uint32_t version; /* of the release: tallybus_version() */
  uint32_t reserved;
  /* [any thread, may block] Reads the file and starts a router with threads of its own, in which
   * all signals are blocked. INVALID: the file is wrong. UNAVAILABLE: something that it names
   * cannot be had. The reason was logged as an error. */
  tallybus_status (*open)(const tallybus_router_host* host, tallybus_bytes file,
                          tallybus_router** router);
  /* [any thread] The ZeroMQ context of the router, and the endpoint in it where it takes what
   * engines send; both live until close. */
  void* (*zmq_context)(tallybus_router* router);
  const char* (*endpoint)(tallybus_router* router);
  /* [exclusive, may block] After every socket of that context is closed. Waits for attempts that
   * are under way for drain_ms at most. */
  void (*close)(tallybus_router* router, uint32_t drain_ms);
} tallybus_router_api_v1;

#define TALLYBUS_ROUTER_ENTRY "tallybus_router_v1"
typedef const tallybus_router_api_v1* (*tallybus_router_entry_fn)(void);
TALLYBUS_EXPORT const tallybus_router_api_v1* tallybus_router_v1(void);

#ifdef __cplusplus
}
#endif

#endif /* TALLYBUS_C_ROUTER_H_ */
