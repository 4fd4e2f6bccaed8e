/* A media engine in small: opens a publisher and a session, publishes the start and the end of one
 * stream, and shows what the router sends back for the session's client.
 *
 *   publish [ENDPOINT]        ipc:///run/tallybus/engine.sock, tcp://127.0.0.1:5583, ...
 *
 * Without an endpoint it looks for the router's socket where tallybusd puts it. The exit status is
 * 0 when the router has taken over everything within 10 s. */
#define _POSIX_C_SOURCE 199309L /* nanosleep */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <tallybus/c/engine.h>
#include <time.h>

static const char kSession[] = "session-1";
static const char kConfig[] = "{\"StreamStatusEvent\":{\"restOnError\":\"FAIL\"}}";

static tallybus_bytes text(const char* s) {
  tallybus_bytes bytes = {s, strlen(s)};
  return bytes;
}

/* The callbacks run on the library's thread: print, and return. */
static void on_log(void* user, tallybus_log_level level, tallybus_bytes line) {
  (void)user;
  (void)level;
  fprintf(stderr, "tallybus: %.*s\n", (int)line.size, line.data);
}

static void on_client_message(void* user, tallybus_bytes session_id, tallybus_bytes message,
                              tallybus_bytes json, tallybus_bytes meta) {
  (void)user;
  printf("for the client of %.*s: %.*s %.*s %.*s\n", (int)session_id.size, session_id.data,
         (int)message.size, message.data, (int)json.size, json.data, (int)meta.size, meta.data);
}

static tallybus_status publish(tallybus_publisher* publisher, const char* status) {
  tallybus_stream_status event;
  memset(&event, 0, sizeof event);
  event.struct_size = sizeof event;
  event.session_id = text(kSession);
  event.media_session_id = text("media-1");
  event.name = text("camera-1");
  event.published = true;
  event.has_video = true;
  event.has_audio = true;
  event.status = text(status);
  event.width = 1280;
  event.height = 720;
  event.media_provider = text("WebRTC");
  return tallybus_publish_stream_status(publisher, &event);
}

static tallybus_status say_all(tallybus_publisher* publisher) {
  tallybus_session session;
  memset(&session, 0, sizeof session);
  session.struct_size = sizeof session;
  session.session_id = text(kSession);
  session.rest_client_config = text(kConfig);
  tallybus_status status = tallybus_session_open(publisher, &session);
  if (status == TALLYBUS_OK) status = publish(publisher, "PUBLISHING");
  if (status == TALLYBUS_OK) status = publish(publisher, "UNPUBLISHED");
  if (status == TALLYBUS_OK) status = tallybus_session_close(publisher, text(kSession));
  return status;
}

/* An engine never waits like this; a program that only publishes two events must. */
static bool wait_until_acknowledged(const tallybus_publisher* publisher, tallybus_stats* stats) {
  const struct timespec pause = {0, 10 * 1000 * 1000};
  memset(stats, 0, sizeof *stats);
  stats->struct_size = sizeof *stats;
  for (int i = 0; i < 1000; ++i) {
    if (tallybus_stats_get(publisher, stats) != TALLYBUS_OK) return false;
    if (stats->acknowledged == stats->published) return true;
    nanosleep(&pause, NULL);
  }
  return false;
}

int main(int argc, char** argv) {
  tallybus_publisher_options options;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  if (argc > 1) options.endpoint = text(argv[1]);
  options.node_id = text("example-engine");
  options.log = on_log;
  options.on_client_message = on_client_message;
  tallybus_publisher* publisher = NULL;
  tallybus_status status = tallybus_publisher_open(&options, &publisher);
  if (status != TALLYBUS_OK) {
    fprintf(stderr, "cannot open a publisher: %s\n", tallybus_status_text(status));
    return 1;
  }
  status = say_all(publisher);
  if (status != TALLYBUS_OK) fprintf(stderr, "not published: %s\n", tallybus_status_text(status));
  tallybus_stats stats;
  const bool taken = wait_until_acknowledged(publisher, &stats);
  printf("published %" PRIu64 ", acknowledged %" PRIu64 ", dropped %" PRIu64 ", rejected %" PRIu64
         "\n",
         stats.published, stats.acknowledged, stats.dropped_full, stats.rejected);
  tallybus_publisher_close(publisher, 5000);
  return status == TALLYBUS_OK && taken && stats.rejected == 0 ? 0 : 1;
}
