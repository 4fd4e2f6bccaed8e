// The daemon, put together: reads like a parts list.
#ifndef TALLYBUS_APPS_TALLYBUSD_DAEMON_H_
#define TALLYBUS_APPS_TALLYBUSD_DAEMON_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/receive/receiver.h"
#include "bus_loop.h"
#include "config/config.h"
#include "credential_watch.h"
#include "health.h"
#include "preparation.h"
#include "routes.h"
#include "signals.h"
#include "tallybus/clock.h"
#include "tallybus/log.h"
#include "tallybus/metrics.h"
#include "tallybus/router.h"
#include "tallybus/spool.h"
#include "transport_set.h"
#include "transports/web/client_gateway.h"
#include "transports/web/web_server.h"
#include "transports/zmq/client_channel.h"
#include "transports/zmq/engine_ingress.h"
#include "transports/zmq/open_ingress.h"
#include "web_credentials.h"

namespace tallybus {

class Daemon {
 public:
  static constexpr char kInsideEndpoint[] = "inproc://tallybus-engine";
  static constexpr char kEchoAddress[] = "127.0.0.1:8081";  // of --dev's backend

  struct Options {
    config::Config config;
    std::function<absl::StatusOr<config::Config>()> reload;  // reads the file again
    bool dev = false;  // with an echo backend where the default app's backend would be
    // The process is an engine's: it is reached at kInsideEndpoint of zmq_context(), and nothing of
    // the process itself is changed.
    bool in_engine = false;
  };
  // [control] Binds and starts everything, or says in one line what could not be.
  static absl::StatusOr<std::unique_ptr<Daemon>> Start(Options options, Log& log, Signals& signals);
  ~Daemon();

  // [any thread] Ends with the daemon, which waits for the sockets that others made of it.
  void* zmq_context() { return context_.handle(); }

  // [control] Until SIGTERM or SIGINT; then lets go of what is in flight within 10 s.
  void Run();

 private:
  Daemon(Options options, Log& log, Signals& signals);
  absl::Status StartTransports();
  absl::Status BindSockets();
  absl::Status MakeGateway();
  absl::Status BindEngine();
  absl::Status StartWeb();
  absl::Status AddReadApi(std::vector<WebRoute>* routes);
  absl::Status StartAdmin();
  absl::Status StartEchoBackend();
  absl::Status MakeRouter();
  absl::StatusOr<std::unique_ptr<Spool>> OpenSpool();
  void AllowOpenFiles() const;
  void LogListeners() const;
  void LogWarnings(const config::Config& config);
  // What a reload brings. Plugins are asked for it, and may take their time.
  struct Fresh {
    config::Config config;
    RouteTable routes;
  };

  void OnSignal();
  absl::StatusOr<Fresh> ReadAgain();
  void Reload(absl::StatusOr<Fresh> fresh);
  void SetRoutes(RouteTable routes);
  // Starts what its routes need beside what runs.
  absl::StatusOr<RouteTable> MakeRoutesOf(const config::Config& config);
  void Shutdown();

  Options options_;
  Log& log_;
  Signals& signals_;
  SystemClock clock_;
  Metrics metrics_;
  WakeUp wake_;
  const uint64_t epoch_;
  zmq::context_t context_;
  std::unique_ptr<zmq_transport::EngineIngress> engine_;
  std::unique_ptr<zmq_transport::OpenIngress> open_;
  std::unique_ptr<zmq_transport::XpubChannel> clients_;
  std::unique_ptr<WebCredentials> web_credentials_;
  std::unique_ptr<ClientGateway> gateway_;
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<TransportSet> transports_;
  EndpointIds endpoint_ids_;  // of the start, then of reload_'s thread
  Preparation<absl::StatusOr<Fresh>> reload_{[this] { return ReadAgain(); },
                                             [this] { wake_.Ring(); }};
  std::unique_ptr<CredentialWatch> credentials_;
  std::unique_ptr<HealthReport> health_;
  std::unique_ptr<WebServer> web_;
  std::unique_ptr<WebServer> admin_;
  std::unique_ptr<receive::Receiver> echo_;
  int stop_signals_ = 0;
};

}  // namespace tallybus

#endif  // TALLYBUS_APPS_TALLYBUSD_DAEMON_H_
