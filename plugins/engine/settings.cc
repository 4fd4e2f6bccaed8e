// Options are judged here and nowhere else.
#include "settings.h"

#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "record.h"

namespace tallybus::engine {
namespace {

constexpr size_t kSmallestRing = size_t{64} << 10;
constexpr size_t kDefaultRing = size_t{4} << 20;
constexpr size_t kLargestRing = size_t{1} << 30;
constexpr size_t kLongestName = 255;
constexpr size_t kLongestEndpoint = 1024;
constexpr size_t kZ85Key = 40;
constexpr uint32_t kLongestAskMs = 600'000;

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::string HostName() {
  char name[256] = {};
  gethostname(name, sizeof(name) - 1);
  return name;
}

// tallybusd finds its socket by the same rule; a relative path counts as unset.
std::string RuntimeDirectory() {
  // systemd separates several with colons.
  std::string directory = Environment("RUNTIME_DIRECTORY");
  if (StartsWith(directory, "/")) return directory.substr(0, directory.find(':'));
  directory = Environment("XDG_RUNTIME_DIR");
  if (StartsWith(directory, "/")) return directory + "/tallybus";
  // An engine need not be able to write there, if tallybusd already listens.
  if (access("/run/tallybus", W_OK) == 0 || access("/run/tallybus/engine.sock", F_OK) == 0) {
    return "/run/tallybus";
  }
  return "/tmp/tallybus-" + std::to_string(getuid());
}

tallybus_status CheckEndpoint(std::string_view endpoint) {
  constexpr std::string_view kIpc = "ipc://";
  if (endpoint.size() > kLongestEndpoint || endpoint.find('\0') != std::string_view::npos) {
    return TALLYBUS_INVALID;
  }
  if (!EmbeddedFile(endpoint).empty()) return TALLYBUS_OK;
  if (StartsWith(endpoint, kIpc)) {
    const size_t path = endpoint.size() - kIpc.size();
    return path > 0 && path < sizeof(sockaddr_un::sun_path) ? TALLYBUS_OK : TALLYBUS_INVALID;
  }
  return StartsWith(endpoint, "tcp://") ? TALLYBUS_OK : TALLYBUS_INVALID;
}

bool ReadText(tallybus_bytes option, size_t longest, std::string* text) {
  if (option.data == nullptr && option.size != 0) return false;
  if (option.size > longest) return false;
  text->assign(View(option));
  return true;
}

bool ReadRingBytes(uint64_t option, size_t* bytes) {
  *bytes = option == 0 ? kDefaultRing : option;
  const bool power_of_two = (*bytes & (*bytes - 1)) == 0;
  return power_of_two && *bytes >= kSmallestRing && *bytes <= kLargestRing;
}

bool ReadCurve(const tallybus_publisher_options& options, Settings* settings) {
  if (!ReadText(options.curve_server_key, kZ85Key, &settings->curve_server_key) ||
      !ReadText(options.curve_public_key, kZ85Key, &settings->curve_public_key) ||
      !ReadText(options.curve_secret_key, kZ85Key, &settings->curve_secret_key)) {
    return false;
  }
  const size_t size = settings->curve_server_key.size();
  return (size == 0 || size == kZ85Key) && settings->curve_public_key.size() == size &&
         settings->curve_secret_key.size() == size;
}

bool ReadAskTimeout(uint32_t option_ms, int64_t* timeout_us) {
  if (option_ms != 0) *timeout_us = option_ms * kMillisecondUs;
  return option_ms <= kLongestAskMs;
}

Hooks ReadHooks(const tallybus_publisher_options& options) {
  Hooks hooks;
  hooks.user = options.user;
  hooks.log = options.log;
  hooks.on_state = options.on_state;
  hooks.on_client_message = options.on_client_message;
  hooks.on_command = options.on_command;
  hooks.on_thread_start = options.on_thread_start;
  return hooks;
}

}  // namespace

std::string DefaultEndpoint() { return "ipc://" + RuntimeDirectory() + "/engine.sock"; }

tallybus_status ReadSettings(const tallybus_publisher_options& options, Settings* settings) {
  if (!ReadText(options.endpoint, kLongestEndpoint, &settings->endpoint) ||
      !ReadText(options.node_id, kLongestName, &settings->node_id) ||
      !ReadText(options.app_key, kLongestName, &settings->app_key) ||
      !ReadRingBytes(options.ring_bytes, &settings->ring_bytes) || !ReadCurve(options, settings) ||
      !ReadAskTimeout(options.ask_timeout_ms, &settings->ask_timeout_us)) {
    return TALLYBUS_INVALID;
  }
  if (settings->endpoint.empty()) settings->endpoint = DefaultEndpoint();
  if (settings->node_id.empty()) settings->node_id = HostName();
  if (settings->app_key.empty()) settings->app_key = "defaultApp";
  settings->hooks = ReadHooks(options);
  // Keys are for the way to a router.
  const bool needless = !EmbeddedFile(settings->endpoint).empty() && options.curve_server_key.size;
  return needless ? TALLYBUS_INVALID : CheckEndpoint(settings->endpoint);
}

}  // namespace tallybus::engine
