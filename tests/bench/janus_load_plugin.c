/* A Janus plugin that stands in for the video room and makes its events, for benchmarks.
 *
 * The message {"request": "load", "events": N, "bytes": B, "rate": R} on any handle lets feeds be
 * published and unpublished in turn on all handles, N events, each of about B bytes as a handler
 * posts it, R a second; 0: as fast as they go. With "stamped": true each is some bytes longer and
 * tells in "info" when it was made, in nanoseconds of the monotonic clock; or when it was due, if
 * the ones before it took too long. Janus and its handlers hold no more than a window of them at a
 * time. {"request": "status"} says how many are done, which is: held by nobody else any more, and
 * whether all are. A load of 0 makes the window alone; its size is that of the first load. */
#include <glib.h>
#include <jansson.h>
#include <janus/plugins/plugin.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

enum { kWindow = 4096, kWindowBytes = 16 << 20, kMaxHandles = 256, kRoom = 1234 };

static janus_plugin plugin;
static janus_callbacks* gateway;
static GMutex mutex;
static janus_plugin_session* handles[kMaxHandles];
static size_t handle_count;
static GThread* thread;
static json_t** events; /* the window: made once, and sent again when they are back */
static size_t window;
static atomic_llong done;
static atomic_bool stopping;
static atomic_bool ready;

typedef struct {
  json_int_t events;
  size_t bytes;
  json_int_t rate;
  bool stamped;
} load;

/* What Janus and the compact form put around the data of an event. */
static const char kAround[] =
    "{\"emitter\":\"janus\",\"type\":64,\"timestamp\":1795293645077579,\"event\":{\"plugin\":"
    "\"janus.plugin.videoroom\",\"data\":}}";
static const char kIds[] = "\"session_id\":1234567890123456,\"handle_id\":1234567890123456,";

static void Pad(json_t* data, size_t bytes) {
  json_object_set_new(data, "metadata", json_string(""));
  char* text = json_dumps(data, JSON_COMPACT);
  const size_t length = strlen(text);
  free(text);
  if (length >= bytes) return;
  char* padding = g_strnfill(bytes - length, '.');
  json_object_set_new(data, "metadata", json_string(padding));
  g_free(padding);
}

/* Even ones publish the feed of a handle, odd ones end it. */
static json_t* NewEvent(size_t index, size_t bytes) {
  const json_int_t feed = 1000 + (json_int_t)(index / 2 % handle_count);
  const size_t around = sizeof kAround - 1;
  json_t* data = NULL;
  if (index % 2 == 0) {
    data = json_pack("{s:s,s:i,s:I,s:s,s:[{s:s,s:i,s:s,s:s},{s:s,s:i,s:s,s:s}]}", "event",
                     "published", "room", kRoom, "id", feed, "display", "cam", "streams", "type",
                     "audio", "mindex", 0, "mid", "0", "codec", "opus", "type", "video", "mindex",
                     1, "mid", "1", "codec", "vp8");
    char name[32];
    g_snprintf(name, sizeof name, "cam-%d", (int)feed);
    json_object_set_new(data, "display", json_string(name));
    Pad(data, bytes - MIN(bytes, around + sizeof kIds - 1));
  } else {
    data = json_pack("{s:s,s:i,s:I}", "event", "unpublished", "room", kRoom, "id", feed);
    Pad(data, bytes - MIN(bytes, around));
  }
  return data;
}

/* Waits until nobody but us holds the event. */
static bool AwaitBack(const json_t* event) {
  while (__atomic_load_n(&event->refcount, __ATOMIC_ACQUIRE) > 1) {
    if (stopping) return false;
    g_usleep(100);
  }
  return true;
}

static void MakeEvents(size_t bytes) {
  if (events != NULL) return;
  /* Whole rounds over the handles, so that each place is always the same handle's. */
  const size_t round = 2 * handle_count;
  window = MAX(1, MIN(kWindow, kWindowBytes / MAX(1, bytes)) / round) * round;
  events = g_new0(json_t*, window);
  for (size_t i = 0; i < window; ++i) events[i] = NewEvent(i, bytes);
}

static void Stamp(json_t* event, gint64 us) {
  char digits[32];
  g_snprintf(digits, sizeof digits, "%lld", (long long)us * 1000);
  json_object_set_new(event, "info", json_string(digits));
}

static void* Load(void* argument) {
  const load wanted = *(load*)argument;
  g_free(argument);
  MakeEvents(wanted.bytes);
  const gint64 began = g_get_monotonic_time();
  gint64 awake = began;
  for (json_int_t i = 0; i < wanted.events; ++i) {
    json_t* event = events[(size_t)i % window];
    gint64 due = 0;
    if (wanted.rate > 0) {
      due = began + i * G_USEC_PER_SEC / wanted.rate;
      const gint64 early = due - g_get_monotonic_time();
      if (early > 0) {
        g_usleep((gulong)early);
        awake = g_get_monotonic_time();
      }
    }
    if (!AwaitBack(event)) return NULL;
    if (wanted.stamped) Stamp(event, MAX(due, awake));
    if ((size_t)i >= window) ++done;
    /* As the video room does: the end names no handle. The reference given is Janus's. */
    gateway->notify_event(&plugin, i % 2 == 0 ? handles[(size_t)i / 2 % handle_count] : NULL,
                          json_incref(event));
  }
  for (size_t i = 0; i < window; ++i) {
    if (!AwaitBack(events[i])) return NULL;
  }
  done = wanted.events;
  ready = true;
  return NULL;
}

static int Init(janus_callbacks* callbacks, const char* config_path) {
  (void)config_path;
  gateway = callbacks;
  return 0;
}

static void Destroy(void) {
  stopping = true;
  if (thread != NULL) g_thread_join(thread);
  for (size_t i = 0; i < window; ++i) json_decref(events[i]);
  g_free(events);
}

static int ApiCompatibility(void) { return JANUS_PLUGIN_API_VERSION; }
static int Version(void) { return 1; }
static const char* VersionString(void) { return "1"; }
static const char* Description(void) { return "Makes a video room's events"; }
static const char* Name(void) { return "Tallybus load"; }
static const char* Author(void) { return "The Tallybus authors"; }
static const char* Package(void) { return "janus.plugin.videoroom"; }

static void CreateSession(janus_plugin_session* handle, int* error) {
  g_mutex_lock(&mutex);
  if (handle_count < kMaxHandles) {
    handles[handle_count++] = handle;
  } else {
    *error = -1;
  }
  g_mutex_unlock(&mutex);
}

/* Handles stay until Janus ends: the bench closes none while it loads. */
static void DestroySession(janus_plugin_session* handle, int* error) {
  (void)handle;
  (void)error;
}

static void Begin(json_t* message) {
  if (thread != NULL) g_thread_join(thread);
  load* wanted = g_new0(load, 1);
  wanted->events = json_integer_value(json_object_get(message, "events"));
  wanted->bytes = (size_t)json_integer_value(json_object_get(message, "bytes"));
  wanted->rate = json_integer_value(json_object_get(message, "rate"));
  wanted->stamped = json_is_true(json_object_get(message, "stamped"));
  done = 0;
  ready = false;
  thread = g_thread_new("load", Load, wanted);
}

static janus_plugin_result* HandleMessage(janus_plugin_session* handle, char* transaction,
                                          json_t* message, json_t* jsep) {
  (void)handle;
  const char* request = json_string_value(json_object_get(message, "request"));
  g_mutex_lock(&mutex);
  if (request != NULL && strcmp(request, "load") == 0) Begin(message);
  g_mutex_unlock(&mutex);
  g_free(transaction);
  if (message != NULL) json_decref(message);
  if (jsep != NULL) json_decref(jsep);
  return janus_plugin_result_new(
      JANUS_PLUGIN_OK, NULL, json_pack("{s:I,s:b}", "done", (json_int_t)done, "ready", (int)ready));
}

static void OfHandle(janus_plugin_session* handle) { (void)handle; }
static json_t* QuerySession(janus_plugin_session* handle) {
  (void)handle;
  return json_object();
}

static janus_plugin plugin = {
    .init = Init,
    .destroy = Destroy,
    .get_api_compatibility = ApiCompatibility,
    .get_version = Version,
    .get_version_string = VersionString,
    .get_description = Description,
    .get_name = Name,
    .get_author = Author,
    .get_package = Package,
    .create_session = CreateSession,
    .handle_message = HandleMessage,
    .setup_media = OfHandle,
    .hangup_media = OfHandle,
    .destroy_session = DestroySession,
    .query_session = QuerySession,
};

__attribute__((visibility("default"))) janus_plugin* create(void);
janus_plugin* create(void) { return &plugin; }
