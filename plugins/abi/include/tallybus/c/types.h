/* Types shared by every C interface of Tallybus. C11, and C++11 to C++20. */
#ifndef TALLYBUS_C_TYPES_H_
#define TALLYBUS_C_TYPES_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TALLYBUS_EXPORT __attribute__((visibility("default")))
#else
#define TALLYBUS_EXPORT
#endif

/* Borrowed bytes; need not end in NUL. {NULL, 0} is "none". Text is UTF-8. Whoever receives one may
 * read it until the call returns, and copies what it keeps. */
typedef struct tallybus_bytes {
  const char* data;
  size_t size; /* bytes */
} tallybus_bytes;

/* What a call came to. Values are never renumbered; new ones are added at the end. */
typedef enum tallybus_status {
  TALLYBUS_OK = 0,
  TALLYBUS_FULL = 1,    /* the ring has no room: the event was dropped and counted */
  TALLYBUS_CLOSED = 2,  /* the publisher is closing, or this is a forked child of its process */
  TALLYBUS_INVALID = 3, /* an argument is missing, too large or of an unknown struct_size */
  TALLYBUS_UNIMPLEMENTED = 4, /* not in this version */
  TALLYBUS_UNAVAILABLE = 5,   /* no router, or no thread or socket to be had */
  TALLYBUS_TIMEOUT = 6,
  TALLYBUS_REFUSED = 7 /* the router or the backend said no */
} tallybus_status;

typedef enum tallybus_log_level {
  TALLYBUS_LOG_DEBUG = 0,
  TALLYBUS_LOG_INFO = 1,
  TALLYBUS_LOG_WARNING = 2,
  TALLYBUS_LOG_ERROR = 3
} tallybus_log_level;

#ifdef __cplusplus
}
#endif

#endif /* TALLYBUS_C_TYPES_H_ */
