/* A transport for Tallybus in one file: the one to begin your own from.
 *
 * It hands each event to a server over TCP, and takes a line for an answer:
 *
 *   ->  {"id":"..-42","method":"StreamStatusEvent","lane":"app/cam","sequence":7,...}\n
 *   ->  {"status":"PUBLISHING",...}\0          the event, byte by byte; no JSON holds a NUL
 *   <-  OK\n   or   REJECT <reason>\n   or   RETRY <milliseconds> <reason>\n
 *
 * Read tallybus/c/transport.h beside it: its comments are the contract. What you will change is in
 * the parts 1 (options), 4 (what is sent) and 5 (what an answer means); the rest is what keeps the
 * contract: deliver never waits, each ticket gets one result by its deadline, all that is kept is
 * bounded, and stop leaves nothing open.
 *
 * The router retries, keeps, orders and filters. A transport tries once, and says what came of it.
 */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <tallybus/c/transport.h>
#include <time.h>
#include <unistd.h>

enum {
  MOST_OPEN = 4096,    /* attempts; one more is given back at once */
  MOST_CONNECTED = 64, /* of them that talk to a server at a time; the others wait */
  LONGEST_ANSWER = 512
};

#define LONGEST_WAIT_NS INT64_C(60000000000)

/* ---- 1. What an operator may write below `options`, and a first look at an endpoint ---- */

static const tallybus_option_spec token_option = {
    sizeof(tallybus_option_spec), "token", "what the server knows us by, sent with each event",
    TALLYBUS_OPTION_SECRET, 0};
static const tallybus_option_spec connect_option = {
    sizeof(tallybus_option_spec), "connect_timeout",
    "how long a connection may take, for example 2s (default 3s)", TALLYBUS_OPTION_DURATION, 0};
static const tallybus_option_spec* const option_specs[] = {&token_option, &connect_option};

/* The value of an option; empty where it is not written. The router has checked names and types. */
static tallybus_bytes option_value(const tallybus_endpoint* endpoint, const char* name) {
  for (size_t i = 0; i < endpoint->option_count; ++i) {
    const tallybus_option* option = &endpoint->options[i];
    if (option->name.size == strlen(name) && memcmp(option->name.data, name, strlen(name)) == 0)
      return option->value;
  }
  const tallybus_bytes none = {"", 0};
  return none;
}

/* A duration comes as a number of milliseconds. */
static int64_t milliseconds_option(const tallybus_endpoint* endpoint, const char* name,
                                   int64_t fallback) {
  const tallybus_bytes value = option_value(endpoint, name);
  char digits[24] = "";
  if (value.size == 0 || value.size >= sizeof digits) return fallback;
  memcpy(digits, value.data, value.size);
  return (int64_t)strtoll(digits, NULL, 10);
}

/* "tcp://127.0.0.1:7000". Digits alone: looking up a name would block the thread. */
static bool read_address(tallybus_bytes url, struct sockaddr_in* address) {
  char text[64];
  if (url.size >= sizeof text || url.size < 6 || memcmp(url.data, "tcp://", 6) != 0) return false;
  memcpy(text, url.data + 6, url.size - 6);
  text[url.size - 6] = '\0';
  char* colon = strrchr(text, ':');
  if (colon == NULL || colon[1] < '0' || colon[1] > '9') return false;
  *colon = '\0';
  char* end = NULL;
  const long port = strtol(colon + 1, &end, 10);
  memset(address, 0, sizeof *address);
  address->sin_family = AF_INET;
  address->sin_port = htons((uint16_t)port);
  return *end == '\0' && port > 0 && port < 65536 &&
         inet_pton(AF_INET, text, &address->sin_addr) == 1;
}

/* [control] One sentence that says what is wrong and how to mend it. No network, no secret. */
static tallybus_status check(const tallybus_endpoint* endpoint, tallybus_error* error) {
  struct sockaddr_in address;
  if (read_address(endpoint->url, &address)) return TALLYBUS_OK;
  snprintf(error->text, error->size, "must be tcp://ADDRESS:PORT, the address in digits");
  return TALLYBUS_INVALID;
}

/* ---- 2. What there is while it runs ---- */

/* An attempt, from deliver to its result. Its delivery lives until then, so only what is sent is
 * copied. */
typedef struct attempt {
  struct attempt* next; /* of those that the thread has not seen yet */
  const tallybus_delivery* delivery;
  int fd; /* -1: it waits for its turn */
  bool connected;
  int64_t connect_by_ns;
  char* request;
  size_t request_size, sent;
  char answer[LONGEST_ANSWER];
  size_t answer_size;
} attempt;

/* The one transport of a process. */
typedef struct line_transport {
  tallybus_transport table; /* what the router calls */
  const tallybus_host* host;
  pthread_t thread;
  bool running;
  int wake[2]; /* a pipe: deliver and stop wake the thread */
  /* Shared, under the mutex: */
  pthread_mutex_t mutex;
  attempt *first, *last; /* that the thread has not seen yet */
  size_t count;          /* of all attempts */
  bool stopping;
  int64_t stop_by_ns;
  /* The thread's own: */
  attempt* open[MOST_OPEN];
  size_t open_count, connected_count;
  struct pollfd fds[MOST_OPEN + 1];
  bool ending;
  int64_t end_by_ns; /* INT64_MAX until then */
} line_transport;

/* ---- 3. One result for each ticket ---- */

static tallybus_bytes bytes_of(const char* text) {
  const tallybus_bytes bytes = {text, strlen(text)};
  return bytes;
}

static void give(const tallybus_host* host, uint64_t ticket, tallybus_verdict verdict,
                 uint32_t flags, uint32_t retry_after_ms, const char* reason) {
  tallybus_result result;
  memset(&result, 0, sizeof result); /* what is not set is zero, and means the default */
  result.struct_size = sizeof result;
  result.verdict = verdict;
  result.flags = flags;
  result.retry_after_ms = retry_after_ms;
  result.reason = bytes_of(reason);
  host->complete(host->self, ticket, &result);
}

/* Behind it, the attempt and its delivery are gone. */
static void finish(line_transport* self, attempt* it, tallybus_verdict verdict, uint32_t flags,
                   uint32_t retry_after_ms, const char* reason) {
  /* Only when it is sure: what may have arrived must be marked when it is sent again. */
  if (verdict == TALLYBUS_RETRY_LATER && it->sent == 0) flags |= TALLYBUS_RESULT_NEVER_SENT;
  if (it->fd >= 0) {
    close(it->fd);
    --self->connected_count;
  }
  pthread_mutex_lock(&self->mutex);
  --self->count;
  pthread_mutex_unlock(&self->mutex);
  give(self->host, it->delivery->ticket, verdict, flags, retry_after_ms, reason);
  free(it->request);
  free(it);
}

/* ---- 4. What is sent ---- */

static void put(char** at, const char* text) {
  const size_t size = strlen(text);
  memcpy(*at, text, size);
  *at += size;
}

/* `"name":"value",` with what JSON wants escaped; at most 6 bytes for each. */
static void put_text(char** at, const char* name, tallybus_bytes value) {
  put(at, "\"");
  put(at, name);
  put(at, "\":\"");
  for (size_t i = 0; i < value.size; ++i) {
    const unsigned char c = (unsigned char)value.data[i];
    if (c < 0x20) {
      *at += sprintf(*at, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\u%04x", c);
    } else {
      if (c == '"' || c == '\\') *(*at)++ = '\\';
      *(*at)++ = (char)c;
    }
  }
  put(at, "\",");
}

/* "2026-01-31T23:59:59.123Z" */
static void put_time(char** at, int64_t unix_us) {
  const time_t seconds = (time_t)(unix_us / 1000000);
  struct tm utc;
  gmtime_r(&seconds, &utc);
  *at += strftime(*at, 32, "\"time\":\"%Y-%m-%dT%H:%M:%S", &utc);
  *at += sprintf(*at, ".%03dZ\",", (int)(unix_us / 1000 % 1000));
}

static bool make_request(attempt* it) {
  /* This transport has no batches: a route of another one than rest sends one event at a time. */
  const tallybus_parcel* parcel = it->delivery->parcels[0];
  const tallybus_bytes token = option_value(it->delivery->endpoint, "token");
  const size_t room =
      512 + 6 * (parcel->event_id.size + parcel->method.size + parcel->lane.size + token.size) +
      parcel->body.size;
  char* at = it->request = malloc(room);
  if (at == NULL) return false;
  put(&at, "{");
  put_text(&at, "id", parcel->event_id);
  put_text(&at, "method", parcel->method);
  put_time(&at, parcel->time_unix_us);
  put_text(&at, "lane", parcel->lane);
  if (token.size > 0) put_text(&at, "token", token);
  at += sprintf(at, "\"sequence\":%llu,\"attempt\":%u,\"redelivery\":%s,\"from_router\":%s}\n",
                (unsigned long long)parcel->lane_sequence, (unsigned)parcel->attempt,
                parcel->flags & TALLYBUS_PARCEL_REDELIVERY ? "true" : "false",
                parcel->flags & TALLYBUS_PARCEL_FROM_ROUTER ? "true" : "false");
  memcpy(at, parcel->body.data, parcel->body.size);
  at += parcel->body.size;
  *at++ = '\0';
  it->request_size = (size_t)(at - it->request);
  return true;
}

/* ---- 5. What an answer means ---- */

static void judge(line_transport* self, attempt* it) {
  it->answer[it->answer_size] = '\0';
  unsigned long hint = 0;
  int skip = 0;
  if (strcmp(it->answer, "OK") == 0) {
    finish(self, it, TALLYBUS_DELIVERED, 0, 0, "OK");
  } else if (strncmp(it->answer, "REJECT ", 7) == 0) {
    finish(self, it, TALLYBUS_REJECTED, 0, 0, it->answer + 7); /* this event, for ever */
  } else if (sscanf(it->answer, "RETRY %9lu %n", &hint, &skip) == 1 && skip > 0) {
    finish(self, it, TALLYBUS_RETRY_LATER, 0, (uint32_t)hint, it->answer + skip);
  } else {
    /* Not our protocol: somebody must look at the endpoint. The answer itself is not shown. */
    finish(self, it, TALLYBUS_HOLD, 0, 0, "answer not understood");
  }
}

/* ---- 6. One step of an attempt: connect, send, read a line. False: it has its result ---- */

static bool begin(line_transport* self, attempt* it, int64_t now_ns) {
  struct sockaddr_in address;
  it->connect_by_ns =
      now_ns + milliseconds_option(it->delivery->endpoint, "connect_timeout", 3000) * 1000000;
  it->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (it->fd >= 0) ++self->connected_count;
  const bool ready =
      it->fd >= 0 && make_request(it) && read_address(it->delivery->endpoint->url, &address);
  if (ready &&
      (connect(it->fd, (struct sockaddr*)&address, sizeof address) == 0 || errno == EINPROGRESS)) {
    return true;
  }
  finish(self, it, TALLYBUS_RETRY_LATER, 0, 0,
         ready && errno == ECONNREFUSED ? "connection refused" : "connection reset");
  return false;
}

static bool advance(line_transport* self, attempt* it) {
  if (!it->connected) {
    int failed = 0;
    socklen_t size = sizeof failed;
    getsockopt(it->fd, SOL_SOCKET, SO_ERROR, &failed, &size);
    if (failed != 0) {
      finish(self, it, TALLYBUS_RETRY_LATER, 0, 0,
             failed == ECONNREFUSED ? "connection refused" : "connection reset");
      return false;
    }
    it->connected = true;
  }
  while (it->sent < it->request_size) {
    const ssize_t sent =
        send(it->fd, it->request + it->sent, it->request_size - it->sent, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (sent < 0) break;
    it->sent += (size_t)sent;
  }
  while (it->sent == it->request_size && it->answer_size + 1 < sizeof it->answer) {
    char* c = &it->answer[it->answer_size];
    const ssize_t got = recv(it->fd, c, 1, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (got <= 0) break;
    if (*c == '\n') {
      judge(self, it);
      return false;
    }
    ++it->answer_size;
  }
  finish(self, it, TALLYBUS_RETRY_LATER, 0, 0, "connection reset");
  return false;
}

/* ---- 7. The thread ---- */

static int64_t deadline_of(const line_transport* self, const attempt* it) {
  int64_t by_ns = it->delivery->deadline_ns;
  if (it->fd >= 0 && !it->connected && it->connect_by_ns < by_ns) by_ns = it->connect_by_ns;
  return self->end_by_ns < by_ns ? self->end_by_ns : by_ns;
}

/* Ends what is overdue. "timed out" is one of the words that the router knows. */
static bool is_over(line_transport* self, attempt* it, int64_t now_ns) {
  if (deadline_of(self, it) > now_ns) return false;
  const bool stopped = self->end_by_ns <= now_ns;
  finish(self, it, TALLYBUS_RETRY_LATER, stopped ? TALLYBUS_RESULT_STOPPED : 0, 0,
         stopped ? "connection reset" : "timed out");
  return true;
}

/* False where all is done. */
static bool take_new(line_transport* self) {
  pthread_mutex_lock(&self->mutex);
  self->ending = self->stopping;
  if (self->stopping) self->end_by_ns = self->stop_by_ns;
  for (; self->first != NULL; self->first = self->first->next)
    self->open[self->open_count++] = self->first;
  self->last = NULL;
  const bool more = !self->stopping || self->open_count > 0;
  pthread_mutex_unlock(&self->mutex);
  return more;
}

/* One step of each; those that have no result yet stay, in their order. */
static void step_all(line_transport* self, const struct pollfd* fds) {
  const int64_t now_ns = self->host->now_ns(self->host->self);
  size_t kept = 0;
  for (size_t i = 0; i < self->open_count; ++i) {
    attempt* it = self->open[i];
    if (it->fd >= 0 && fds[i].revents != 0 && !advance(self, it)) continue;
    if (is_over(self, it, now_ns)) continue;
    if (it->fd < 0 && self->connected_count < MOST_CONNECTED && !begin(self, it, now_ns)) continue;
    self->open[kept++] = it;
  }
  self->open_count = kept;
}

static void* run(void* argument) {
  line_transport* self = argument;
  struct pollfd* fds = self->fds;
  while (take_new(self)) {
    step_all(self, fds);
    const int64_t now_ns = self->host->now_ns(self->host->self);
    /* With nothing left to do it must not wait for what never comes. */
    int64_t next_ns = self->ending && self->open_count == 0 ? now_ns : now_ns + LONGEST_WAIT_NS;
    for (size_t i = 0; i < self->open_count; ++i) {
      const attempt* it = self->open[i];
      fds[i].fd = it->fd; /* poll passes over -1 */
      fds[i].events = it->connected && it->sent == it->request_size ? POLLIN : POLLOUT;
      if (deadline_of(self, it) < next_ns) next_ns = deadline_of(self, it);
    }
    fds[self->open_count].fd = self->wake[0];
    fds[self->open_count].events = POLLIN;
    poll(fds, self->open_count + 1,
         next_ns <= now_ns ? 0 : (int)((next_ns - now_ns) / 1000000) + 1);
    fds[self->open_count].revents = 0; /* the next attempt's place */
    char drained[64];
    while (read(self->wake[0], drained, sizeof drained) > 0) continue;
  }
  return NULL;
}

static void wake(const line_transport* self) {
  if (write(self->wake[1], "", 1) < 0) return; /* full: it is awake already */
}

/* ---- 8. What the router calls ---- */

/* [control] With all signals blocked in the thread: they belong to the process. */
static tallybus_status start(void* me, tallybus_error* error) {
  line_transport* self = me;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  self->running = pipe(self->wake) == 0 && fcntl(self->wake[0], F_SETFL, O_NONBLOCK) == 0 &&
                  fcntl(self->wake[1], F_SETFL, O_NONBLOCK) == 0 &&
                  pthread_create(&self->thread, NULL, run, self) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (self->running) return TALLYBUS_OK;
  snprintf(error->text, error->size, "no thread or file descriptor is left");
  return TALLYBUS_UNAVAILABLE;
}

static bool accept_attempt(line_transport* self, const tallybus_delivery* delivery) {
  attempt* it = calloc(1, sizeof *it);
  if (it == NULL) return false;
  it->delivery = delivery;
  it->fd = -1;
  pthread_mutex_lock(&self->mutex);
  const bool room = !self->stopping && self->count < MOST_OPEN;
  if (room) {
    ++self->count;
    *(self->last != NULL ? &self->last->next : &self->first) = it;
    self->last = it;
  }
  pthread_mutex_unlock(&self->mutex);
  if (!room) free(it);
  return room;
}

/* [router] Never waits: it hands over, and wakes the thread. */
static void deliver(void* me, const tallybus_delivery* const* deliveries, size_t count) {
  line_transport* self = me;
  for (size_t i = 0; i < count; ++i) {
    if (accept_attempt(self, deliveries[i])) continue;
    give(self->host, deliveries[i]->ticket, TALLYBUS_RETRY_LATER, TALLYBUS_RESULT_NEVER_SENT, 0,
         "connection reset");
  }
  wake(self);
}

/* [control] What is open may finish until the deadline. The second call finds nothing to do. */
static void stop(void* me, int64_t deadline_ns) {
  line_transport* self = me;
  if (!self->running) return;
  pthread_mutex_lock(&self->mutex);
  self->stopping = true;
  self->stop_by_ns = deadline_ns;
  pthread_mutex_unlock(&self->mutex);
  wake(self);
  pthread_join(self->thread, NULL);
  self->running = false;
}

static void destroy(void* me) {
  line_transport* self = me;
  if (self->wake[0] > 0) close(self->wake[0]);
  if (self->wake[1] > 0) close(self->wake[1]);
  pthread_mutex_destroy(&self->mutex);
  free(self);
}

/* ---- 9. The one symbol ---- */

static tallybus_status create(const tallybus_host* host, const tallybus_transport** transport,
                              tallybus_error* error) {
  line_transport* self = calloc(1, sizeof *self);
  if (self == NULL) {
    snprintf(error->text, error->size, "no memory is left");
    return TALLYBUS_UNAVAILABLE;
  }
  const tallybus_transport table = {sizeof table, self, start, deliver, stop, destroy, NULL};
  self->table = table;
  self->host = host;
  self->end_by_ns = INT64_MAX;
  pthread_mutex_init(&self->mutex, NULL);
  *transport = &self->table;
  return TALLYBUS_OK;
}

const tallybus_transport_entry* tallybus_transport_entry_v1(void) {
  static const tallybus_transport_entry entry = {sizeof entry,
                                                 TALLYBUS_TRANSPORT_ABI_MAJOR,
                                                 TALLYBUS_TRANSPORT_ABI_MINOR,
                                                 "line", /* transport: line */
                                                 "Line", /* for people */
                                                 "1.0",  /* of this file */
                                                 option_specs,
                                                 sizeof option_specs / sizeof option_specs[0],
                                                 check,
                                                 create};
  return &entry;
}
