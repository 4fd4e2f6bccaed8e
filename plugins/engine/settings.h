// The options of a publisher, checked and copied, with every default filled in.
#ifndef TALLYBUS_PLUGINS_ENGINE_SETTINGS_H_
#define TALLYBUS_PLUGINS_ENGINE_SETTINGS_H_

#include <tallybus/c/engine.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "callbacks.h"
#include "clock.h"
#include "embedded_router.h"

namespace tallybus::engine {

// How long the sender waits for what. Tests shorten it.
struct Timing {
  int64_t heartbeat_us = kSecondUs;     // between heartbeats, and between unanswered HELLOs
  int64_t silence_us = 3 * kSecondUs;   // of the router, until the socket is opened anew
  int64_t refused_us = 30 * kSecondUs;  // between HELLOs to a router that refused
};

struct Settings {
  std::string endpoint;
  EmbeddedRouter* router = nullptr;  // of an embedded endpoint; null: it is elsewhere
  std::string node_id;
  std::string app_key;
  size_t ring_bytes = 0;
  std::string curve_server_key;  // all three, or none
  std::string curve_public_key;
  std::string curve_secret_key;
  int64_t ask_timeout_us = 11 * kSecondUs;
  Hooks hooks;
  Timing timing;
};

// [any thread, may block] OK, or INVALID: an option is out of range. An embedded router is named,
// and not yet opened.
tallybus_status ReadSettings(const tallybus_publisher_options& options, Settings* settings);

// Where tallybusd listens when nobody says otherwise: engine.sock in $RUNTIME_DIRECTORY, else
// $XDG_RUNTIME_DIR/tallybus, else /run/tallybus where it can be used, else /tmp/tallybus-<uid>.
std::string DefaultEndpoint();

}  // namespace tallybus::engine

#endif  // TALLYBUS_PLUGINS_ENGINE_SETTINGS_H_
