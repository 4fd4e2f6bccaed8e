/* A plugin that does what it must not. What it does wrong to a delivery is the address of its
 * endpoint; what is wrong with the plugin itself is defined where it is compiled. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <string.h>
#include <tallybus/c/transport.h>
#include <unistd.h>

#ifndef MAJOR
#define MAJOR TALLYBUS_TRANSPORT_ABI_MAJOR
#endif
#ifndef ENTRY_SIZE
#define ENTRY_SIZE sizeof(tallybus_transport_entry)
#endif
#ifndef SCHEME
#define SCHEME "hostile"
#endif
#ifndef OPTION_TYPE
#define OPTION_TYPE TALLYBUS_OPTION_DURATION
#endif
#ifndef OPTION_NAME
#define OPTION_NAME "linger"
#endif
#ifndef CREATE
#define CREATE Create
#endif
#ifndef START_STATUS
#define START_STATUS TALLYBUS_OK
#endif

#ifndef HANGS_IN
#define HANGS_IN "block" /* an address: deliver does not come back */
#endif

enum { KEPT = 16 };

static const tallybus_host* host;
static uint64_t kept[KEPT];
static size_t kept_count;

/* Never comes back from there. */
static void MayHang(const char* where) {
  while (strcmp(HANGS_IN, where) == 0) pause();
}

static tallybus_bytes Text(const char* text) {
  tallybus_bytes bytes = {text, strlen(text)};
  return bytes;
}

static tallybus_result Good(void) {
  tallybus_result result;
  memset(&result, 0, sizeof result);
  result.struct_size = sizeof result;
  result.verdict = TALLYBUS_DELIVERED;
  result.remote_code = 200;
  result.reason = Text("OK");
  return result;
}

static void CompleteLong(uint64_t ticket) {
  static char answer[100 * 1024];
  static char reason[1000];
  tallybus_result result = Good();
  memset(answer, 'a', sizeof answer);
  memset(reason, 'r', sizeof reason);
  memcpy(reason, "a\nb\033\xff", 5);
  result.answer.data = answer;
  result.answer.size = sizeof answer;
  result.reason.data = reason;
  result.reason.size = sizeof reason;
  host->complete(host->self, ticket, &result);
}

/* Gives results to what was kept back; now it is late. */
static void Release(void) {
  tallybus_result result = Good();
  size_t i;
  for (i = 0; i < kept_count; ++i) host->complete(host->self, kept[i], &result);
  kept_count = 0;
}

static void DeliverOne(const tallybus_delivery* delivery) {
  const tallybus_bytes url = delivery->endpoint->url;
  tallybus_result result = Good();
#define IS(word) (url.size == sizeof(word) - 1 && memcmp(url.data, word, url.size) == 0)
  if (IS("block")) MayHang("block");
  if (IS("crash")) abort();
  if (IS("never")) return;
  if (IS("late")) {
    if (kept_count < KEPT) kept[kept_count++] = delivery->ticket;
    return;
  }
  if (IS("long")) {
    CompleteLong(delivery->ticket);
    return;
  }
  if (IS("release")) Release();
  if (IS("unknown")) host->complete(host->self, delivery->ticket + 1000000, &result);
  if (IS("verdict")) result.verdict = (tallybus_verdict)99;
  if (IS("size")) result.struct_size = 3;
  if (IS("large")) result.struct_size = 5000;
  if (IS("bytes")) result.reason.data = NULL;
  if (IS("stopped")) {
    result.verdict = TALLYBUS_RETRY_LATER;
    result.flags = TALLYBUS_RESULT_STOPPED | TALLYBUS_RESULT_NEVER_SENT;
  }
  host->complete(host->self, delivery->ticket, IS("null") ? NULL : &result);
  if (IS("twice")) host->complete(host->self, delivery->ticket, &result);
}

static tallybus_status Start(void* self, tallybus_error* error) {
  (void)self;
  MayHang("start");
  if (START_STATUS != TALLYBUS_OK) strncpy(error->text, "no\nport is free", error->size);
  return START_STATUS;
}

static void Deliver(void* self, const tallybus_delivery* const* deliveries, size_t count) {
  size_t i;
  (void)self;
  for (i = 0; i < count; ++i) DeliverOne(deliveries[i]);
}

static void Stop(void* self, int64_t deadline_ns) {
  (void)self;
  (void)deadline_ns;
  MayHang("stop");
}

static void Destroy(void* self) {
  (void)self;
  MayHang("destroy");
}

static const tallybus_transport transport = {sizeof transport, NULL, Start, Deliver, Stop,
                                             Destroy,          NULL};

tallybus_status Create(const tallybus_host* given, const tallybus_transport** made,
                       tallybus_error* error);
tallybus_status Create(const tallybus_host* given, const tallybus_transport** made,
                       tallybus_error* error) {
  (void)error;
  MayHang("create");
  host = given;
  *made = &transport;
  host->log(host->self, (tallybus_log_level)77, Text("made\nof glass"));
  return TALLYBUS_OK;
}

/* Says nothing, and leaves no NUL where its text should end. */
tallybus_status CreateFails(const tallybus_host* given, const tallybus_transport** made,
                            tallybus_error* error);
tallybus_status CreateFails(const tallybus_host* given, const tallybus_transport** made,
                            tallybus_error* error) {
  (void)given;
  (void)made;
  memset(error->text, 'x', error->size);
  return TALLYBUS_REFUSED;
}

tallybus_status CreateNothing(const tallybus_host* given, const tallybus_transport** made,
                              tallybus_error* error);
tallybus_status CreateNothing(const tallybus_host* given, const tallybus_transport** made,
                              tallybus_error* error) {
  (void)given;
  (void)made;
  (void)error;
  return TALLYBUS_OK;
}

static tallybus_status Check(const tallybus_endpoint* endpoint, tallybus_error* error) {
  MayHang("check");
  if (endpoint->url.size > 0 && endpoint->url.data[0] != '-') return TALLYBUS_OK;
  strncpy(error->text, "an address does not begin with a dash", error->size);
  return TALLYBUS_INVALID;
}

static const tallybus_option_spec option = {sizeof option, OPTION_NAME, "how long it lingers",
                                            (tallybus_option_type)OPTION_TYPE, 0};
static const tallybus_option_spec* const options[] = {&option};

#ifndef SYMBOL
#define SYMBOL tallybus_transport_entry_v1
#endif
TALLYBUS_EXPORT const tallybus_transport_entry* SYMBOL(void);
const tallybus_transport_entry* SYMBOL(void) {
  static const tallybus_transport_entry entry = {ENTRY_SIZE, MAJOR,   0, SCHEME, "Hostile",
                                                 "0.1",      options, 1, Check,  CREATE};
  MayHang("entry");
  return &entry;
}
