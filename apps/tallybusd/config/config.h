// What the daemon runs with: the effective values of its configuration, defaults filled in.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_CONFIG_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_CONFIG_H_

#include <absl/time/time.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "credentials.h"
#include "tallybus/log.h"
#include "tallybus/policy.h"
#include "test_case.h"

namespace tallybus::config {

struct Node {
  std::string name;  // valid UTF-8 without control characters: it goes into events
};

struct SocketAddress {
  std::string host;   // an address in digits, IPv6 without its brackets
  uint16_t port = 0;  // 0: any free one

  std::string ToString() const;  // "127.0.0.1:5580", "[::1]:5580"
  bool IsLoopback() const;
};

// Of listen.web. Both, or neither: in the clear.
struct WebTls {
  std::string cert_file = {};
  std::string key_file = {};

  bool empty() const { return cert_file.empty(); }
};

// Each listener: nullopt is `off`. The first three are ZeroMQ endpoints, ready to bind; port 0 is
// any free one. `admin` is "unix:" and an absolute path. All but `web` are files or on loopback.
struct Listen {
  std::optional<std::string> engine;
  std::optional<std::string> open = "tcp://127.0.0.1:5581";
  std::optional<std::string> clients = "tcp://127.0.0.1:5582";
  std::optional<SocketAddress> web = SocketAddress{"127.0.0.1", 5580};
  std::optional<std::string> admin;
  WebTls tls = {};
};

inline constexpr char kMemorySpool[] = "memory";

enum class Sync { kCommit, kInterval, kOff };

struct Spool {
  std::string path = kMemorySpool;  // or an absolute one, of a directory
  Sync sync = Sync::kCommit;
  int64_t max_bytes = int64_t{64} << 20;         // of what waits
  absl::Duration retain = absl::ZeroDuration();  // how long what was delivered is kept
  absl::Duration dead_letter_age = absl::Hours(14 * 24);
  int64_t dead_letter_bytes = int64_t{256} << 20;

  bool InMemory() const { return path == kMemorySpool; }
};

enum class OnLost { kFailStreams, kNothing };

struct Engines {
  absl::Duration grace = absl::Seconds(30);  // without a heartbeat, before an engine is lost
  OnLost on_lost = OnLost::kFailStreams;
};

enum class ClientsAuth { kNone, kToken, kConnect };

// Files of the keys that tokens are checked with; one of them signed a good one.
struct TokenKeys {
  std::vector<std::string> hs256_secret_files = {};
  std::vector<std::string> ed25519_key_files = {};

  bool empty() const { return hs256_secret_files.empty() && ed25519_key_files.empty(); }
};

// The web clients of listen.web: WebSocket on /clients, server-sent events on /events.
struct Clients {
  ClientsAuth auth = ClientsAuth::kNone;
  TokenKeys token;                          // of ClientsAuth::kToken, and not empty there
  int most = 20'000;                        // key: max
  int queue_events = 256;                   // for each client
  int64_t queue_bytes = int64_t{1} << 20;   // for each client
  int replay_events = 4096;                 // for all of them
  int64_t replay_bytes = int64_t{8} << 20;  // for all of them
  absl::Duration ping_interval = absl::Seconds(30);
  std::vector<std::string> allowed_origins = {};  // "https://media.example.org"
  std::vector<std::string> allowed_hosts = {};    // "media.example.org", "media.example.org:8443"
};

// The read API of listen.web, /api/v1.
struct Api {
  std::string token_file = {};  // of the secret that who asks must show; empty: nobody must
};

enum class Delivery { kNotify, kGuaranteed };
enum class Retry { kLive, kStandard, kNone, kList };
enum class Network { kPrivate, kPublic };
enum class WhenFull { kShed, kBlock };
enum class OnHeadFailure { kBlock, kSkip };

enum class Format { kWcs, kJsonArray, kNdjson, kCloudEvents, kCloudEventsBatch };

// Of a format that holds several events.
struct Batch {
  int max_events = 1000;
  int64_t max_bytes = int64_t{1} << 20;
  absl::Duration max_wait = absl::Milliseconds(10);
};

struct Quota {
  int percent = 0;    // of the spool, 1 to 100; 0: `bytes` counts
  int64_t bytes = 0;  // not more than the spool

  int64_t Of(int64_t spool_bytes) const {
    return percent == 0 ? bytes : spool_bytes * percent / 100;
  }
};

// How events are sent to one URL: what an app and a route have in common.
struct Sending {
  std::optional<std::string> url;  // nullopt, for an app alone: no backend
  Delivery delivery = Delivery::kNotify;
  Retry retry = Retry::kLive;
  std::vector<absl::Duration> retry_delays;  // of Retry::kList, and not empty there
  absl::Duration timeout = absl::Seconds(10);
  int max_connections = 128;
  bool strict_success = false;  // success: "200"; else any 2xx
  Network network = Network::kPrivate;
  std::vector<std::string> allow_cidrs;  // "10.0.0.0/8", "fd00::/8"
  std::string ca_file;                   // empty: the system's authorities
  std::string cert_file;                 // empty: no client certificate, and no key_file either
  std::string key_file;
  bool http2 = true;           // over TLS, where the server takes it
  std::optional<Quota> quota;  // nullopt: an equal share
  WhenFull when_full = WhenFull::kShed;
  OnHeadFailure on_head_failure = OnHeadFailure::kBlock;
  bool coalesce = false;
  Format format = Format::kWcs;
  Batch batch;  // counts where Batches()
  bool Batches() const { return format != Format::kWcs && format != Format::kCloudEvents; }
  Credentials credentials;
  std::optional<int64_t> compress_over;  // bytes; nullopt: never

  // Where the value was written, to lead a later complaint about it:
  // "tallybus.yaml:3:10: apps.defaultApp.url".
  std::string url_where;
  std::string ca_file_where;
  std::string cert_file_where;
  std::string key_file_where;
  std::string quota_where;
  std::string batch_where;  // empty: not written
  std::string on_head_failure_where;
};

struct App : Sending {
  std::string key;
  std::vector<std::string> methods;           // empty: all
  std::optional<absl::Duration> stale_after;  // nullopt: never
  std::optional<absl::Duration> keep_alive;   // stream_keep_alive; nullopt: never
  RestClientConfigPtr rest_client_config =
      std::make_shared<const RestClientConfig>();       // never null
  std::vector<std::string> rest_client_config_methods;  // those that it lists
  // And what it says of each: "StreamStatusEvent.restOnError".
  std::set<std::string> rest_client_config_fields = {};
};

// Which events a route takes; of each list, empty: any.
struct Match {
  std::vector<std::string> apps;
  std::vector<std::string> methods;   // empty: all but ErrorEvent and TallybusAlertEvent
  std::vector<std::string> statuses;  // the text of the field `status`
};

inline constexpr char kRest[] = "rest";  // the transport of apps, and of routes that name none

// One of a route's `options`, as it is written: its transport says later of which type it is.
struct Option {
  std::string name;   // "tls.ca_file", also where it is written as `tls: {ca_file: ..}`
  std::string text;   // variables replaced
  std::string where;  // as url_where
  std::string key_where;
};

// One of several endpoints.
struct Alternative {
  std::string url;
  std::string where;
};

// Who of several endpoints gets an event.
enum class PickOf { kAll, kFirstHealthy, kRoundRobin };

// One of the list `routes`.
struct Route : Sending {
  Route() { delivery = Delivery::kGuaranteed; }

  std::string name;
  Match match;
  std::string transport = kRest;
  std::string transport_where;  // empty: not written
  std::vector<Option> options;  // of another transport than rest
  FieldSetPtr exclude;          // nullptr: none
  OnError on_error = OnError::kLog;
  std::vector<Alternative> alternatives;  // beside `url`
  std::optional<PickOf> pick;             // there where there are some
  bool dry_run = false;
};

// One of the list `plugins`.
struct PluginFile {
  std::string path;   // absolute
  std::string where;  // as url_where
};

struct Config {
  Node node;
  Listen listen;
  Spool spool;
  Engines engines;
  absl::Duration session_ttl = absl::Hours(24);  // without an event, before it is forgotten
  Clients clients;
  Api api;
  LogLevel log_level = LogLevel::kInfo;
  std::map<std::string, App> apps;  // by key
  std::vector<PluginFile> plugins;  // in the order of the file
  std::vector<Route> routes;        // in the order of the file; names are unique
  std::vector<TestCase> tests;      // in the order of the file
  // No app was configured, so `apps` holds the one that Web Call Server assumes.
  bool default_app_used = false;
};

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_CONFIG_H_
