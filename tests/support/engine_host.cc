// A media engine that runs the router in its own process: all that tallybusd does for its peers, it
// does through libtallybus_engine.so. Ends on SIGTERM; its log is on standard error.
#include <tallybus/c/engine.h>

#include <csignal>
#include <cstdio>
#include <string>

namespace {

constexpr uint32_t kDrainMs = 10'000;

void Print(void*, tallybus_log_level, tallybus_bytes text) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size), text.data);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 || std::string(argv[1]) != "--config") {
    std::fprintf(stderr, "usage: engine_host --config FILE\n");
    return 2;
  }
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  const std::string endpoint = std::string("embedded:") + argv[2];
  tallybus_publisher_options options = {};
  options.struct_size = sizeof(options);
  options.endpoint = {endpoint.data(), endpoint.size()};
  options.node_id = {"engine-host", 11};
  options.log = Print;
  tallybus_publisher* publisher = nullptr;
  const tallybus_status status = tallybus_publisher_open(&options, &publisher);
  if (status != TALLYBUS_OK) {
    std::fprintf(stderr, "engine_host: %s\n", tallybus_status_text(status));
    return 1;
  }
  int signal = 0;
  sigwait(&stop, &signal);
  tallybus_publisher_close(publisher, kDrainMs);
  return 0;
}
