/* A Janus event handler that measures another: it loads the one that is named in the first line of
 * the file beside it, <this library's path>.target, hands everything on, and at the end writes what
 * incoming_event cost its caller into the file that the second line names:
 *   {"calls": N, "median_ns": …, "p99_ns": …, "mean_cpu_ns": …}
 * Pairs of calls are timed in turn by the monotonic clock, for median and percentile, and by the
 * thread's CPU clock, for the mean, which other processes then do not add to. What reading a clock
 * costs is taken off: an empty section's time at the same place, before other pairs of calls. The
 * threads that the handler starts get the name "handler", by which the kernel tells their time. A
 * copy of this library is needed for each handler. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <glib.h>
#include <jansson.h>
#include <janus/events/eventhandler.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kMaxSamples = 1 << 20 };

/* What one clock measured. */
struct Times {
  clockid_t clock;
  gint64 samples[kMaxSamples];
  size_t count;
};

static janus_eventhandler* real;
static janus_eventhandler* own;
static char* results_path;
static struct Times call_times = {.clock = CLOCK_MONOTONIC};
static struct Times call_cpu = {.clock = CLOCK_THREAD_CPUTIME_ID};
static struct Times empty_times = {.clock = CLOCK_MONOTONIC};
static struct Times empty_cpu = {.clock = CLOCK_THREAD_CPUTIME_ID};
static size_t calls;

static gint64 Now(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (gint64)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int Compare(const void* left, const void* right) {
  const gint64 a = *(const gint64*)left;
  const gint64 b = *(const gint64*)right;
  return (a > b) - (a < b);
}

/* Of 100; sorts the samples. */
static double Percentile(struct Times* times, size_t percent) {
  if (times->count == 0) return 0;
  qsort(times->samples, times->count, sizeof *times->samples, Compare);
  return (double)times->samples[times->count * percent / 100];
}

static double Mean(const struct Times* times) {
  double sum = 0;
  for (size_t i = 0; i < times->count; ++i) sum += (double)times->samples[i];
  return times->count > 0 ? sum / (double)times->count : 0;
}

/* `event`: NULL times nothing at all. */
static void Measure(struct Times* times, json_t* event) {
  const gint64 began = Now(times->clock);
  if (event != NULL) real->incoming_event(event);
  const gint64 took = Now(times->clock) - began;
  if (times->count < kMaxSamples) times->samples[times->count++] = took;
}

static void IncomingEvent(json_t* event) {
  struct Times* const of_calls[] = {&call_times, &call_cpu};
  struct Times* const of_nothing[] = {&empty_times, &empty_cpu};
  const size_t pair = calls++ / 2;
  if (pair % 4 < 2) {
    Measure(of_calls[pair % 2], event);
  } else {
    Measure(of_nothing[pair % 2], NULL);
    real->incoming_event(event);
  }
}

/* Calls `with` for each thread of this process. */
static void ForThreads(void (*with)(const char* id, GHashTable* known), GHashTable* known) {
  DIR* tasks = opendir("/proc/self/task");
  if (tasks == NULL) return;
  for (struct dirent* task = readdir(tasks); task != NULL; task = readdir(tasks)) {
    if (task->d_name[0] != '.') with(task->d_name, known);
  }
  closedir(tasks);
}

static void Know(const char* id, GHashTable* known) { g_hash_table_add(known, g_strdup(id)); }

static void NameIfNew(const char* id, GHashTable* known) {
  if (g_hash_table_contains(known, id)) return;
  char* path = g_strdup_printf("/proc/self/task/%s/comm", id);
  FILE* file = fopen(path, "w");
  g_free(path);
  if (file == NULL) return;
  fputs("handler", file);
  fclose(file);
}

static int Init(const char* config_path) {
  GHashTable* known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  ForThreads(Know, known);
  const int result = real->init(config_path);
  ForThreads(NameIfNew, known);
  g_hash_table_unref(known);
  own->events_mask = real->events_mask; /* a handler may set it when it reads its file */
  return result;
}

static void Destroy(void) {
  real->destroy();
  FILE* file = fopen(results_path, "w");
  if (file == NULL) return;
  const double clock_cost = Percentile(&empty_times, 50);
  fprintf(file, "{\"calls\": %zu, \"median_ns\": %.0f, \"p99_ns\": %.0f, \"mean_cpu_ns\": %.0f}\n",
          calls, Percentile(&call_times, 50) - clock_cost, Percentile(&call_times, 99) - clock_cost,
          Mean(&call_cpu) - Mean(&empty_cpu));
  fclose(file);
}

static janus_eventhandler* Wrapped(void) {
  const janus_eventhandler wrapper = {
      .init = Init,
      .destroy = Destroy,
      .get_api_compatibility = real->get_api_compatibility,
      .get_version = real->get_version,
      .get_version_string = real->get_version_string,
      .get_description = real->get_description,
      .get_name = real->get_name,
      .get_author = real->get_author,
      .get_package = real->get_package,
      .incoming_event = IncomingEvent,
      .handle_request = real->handle_request,
      .events_mask = real->events_mask,
  };
  own = g_malloc(sizeof wrapper);
  memcpy(own, &wrapper, sizeof wrapper);
  return own;
}

__attribute__((visibility("default"))) janus_eventhandler* create(void);
janus_eventhandler* create(void) {
  Dl_info self;
  if (dladdr((void*)&calls, &self) == 0) return NULL;
  char* path = g_strconcat(self.dli_fname, ".target", NULL);
  char* text = NULL;
  const gboolean read = g_file_get_contents(path, &text, NULL, NULL);
  g_free(path);
  if (!read) return NULL;
  char** lines = g_strsplit(text, "\n", 3);
  g_free(text);
  if (g_strv_length(lines) < 2) return NULL;
  results_path = g_strdup(lines[1]);
  void* library = dlopen(lines[0], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) fprintf(stderr, "timed handler: %s\n", dlerror());
  g_strfreev(lines);
  if (library == NULL) return NULL;
  janus_eventhandler* (*target)(void) = NULL;
  *(void**)&target = dlsym(library, "create");
  real = target != NULL ? target() : NULL;
  return real != NULL ? Wrapped() : NULL;
}
