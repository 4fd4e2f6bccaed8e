/* Uses the engine library where no router is: everything is taken, nothing is acknowledged. */
#include <stdio.h>
#include <string.h>
#include <tallybus/c/engine.h>

int main(void) {
  const char endpoint[] = "ipc:///nonexistent/engine.sock";
  const char method[] = "DataStatusEvent";
  const char json[] = "{\"status\":\"ACCEPTED\"}";
  tallybus_publisher_options options;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.endpoint.data = endpoint;
  options.endpoint.size = sizeof endpoint - 1;
  tallybus_publisher* publisher = NULL;
  if (tallybus_publisher_open(&options, &publisher) != TALLYBUS_OK) return 1;

  tallybus_json_event event;
  memset(&event, 0, sizeof event);
  event.struct_size = sizeof event;
  event.method.data = method;
  event.method.size = sizeof method - 1;
  event.json.data = json;
  event.json.size = sizeof json - 1;
  const tallybus_status published = tallybus_publish_json(publisher, &event);

  tallybus_stats stats;
  memset(&stats, 0, sizeof stats);
  stats.struct_size = sizeof stats;
  const tallybus_status asked = tallybus_stats_get(publisher, &stats);
  tallybus_publisher_close(publisher, 0);
  printf("%s, version %u.%u\n", tallybus_status_text(published), tallybus_version() >> 16,
         tallybus_version() >> 8 & 0xff);
  return published == TALLYBUS_OK && asked == TALLYBUS_OK && stats.published == 1 &&
                 stats.acknowledged == 0
             ? 0
             : 1;
}
