// What the daemon runs with: the effective values of its configuration, defaults filled in.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_CONFIG_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_CONFIG_H_

#include <absl/time/time.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tallybus/log.h"
#include "tallybus/policy.h"

namespace tallybus::config {

struct Node {
  std::string name;  // valid UTF-8 without control characters: it goes into events
};

struct SocketAddress {
  std::string host;   // a loopback address in digits, IPv6 without its brackets
  uint16_t port = 0;  // 0: any free one

  std::string ToString() const;  // "127.0.0.1:5580", "[::1]:5580"
};

// Each listener: nullopt is `off`. The first three are ZeroMQ endpoints, ready to bind; port 0 is
// any free one.
struct Listen {
  std::optional<std::string> engine;
  std::optional<std::string> open = "tcp://127.0.0.1:5581";
  std::optional<std::string> clients = "tcp://127.0.0.1:5582";
  std::optional<SocketAddress> web = SocketAddress{"127.0.0.1", 5580};
};

struct Spool {
  std::string path = "memory";  // the only one in this version
  int64_t max_bytes = int64_t{64} << 20;
};

enum class Delivery { kNotify };
enum class Retry { kLive, kNone };
enum class Network { kPrivate, kPublic };

struct App {
  std::string key;
  std::optional<std::string> url;    // nullopt: no backend
  std::vector<std::string> methods;  // empty: all
  Delivery delivery = Delivery::kNotify;
  Retry retry = Retry::kLive;
  absl::Duration timeout = absl::Seconds(10);
  int max_connections = 128;
  bool strict_success = false;  // success: "200"; else any 2xx
  Network network = Network::kPrivate;
  std::vector<std::string> allow_cidrs;  // "10.0.0.0/8", "fd00::/8"
  std::string ca_file;                   // empty: the system's authorities
  RestClientConfigPtr rest_client_config =
      std::make_shared<const RestClientConfig>();       // never null
  std::vector<std::string> rest_client_config_methods;  // those that it lists

  // Where the value was written, to lead a later complaint about it:
  // "tallybus.yaml:3:10: apps.defaultApp.url".
  std::string url_where;
  std::string ca_file_where;
};

struct Config {
  Node node;
  Listen listen;
  Spool spool;
  LogLevel log_level = LogLevel::kInfo;
  std::map<std::string, App> apps;  // by key
  // No app was configured, so `apps` holds the one that Web Call Server assumes.
  bool default_app_used = false;
};

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_CONFIG_H_
