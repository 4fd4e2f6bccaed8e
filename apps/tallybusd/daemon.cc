// Wiring: who is made of what, in which order, and how it ends.
#include "daemon.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <sys/random.h>

#include <csignal>
#include <thread>
#include <utility>

#include "config/config_print.h"
#include "config/config_warnings.h"
#include "config/runtime_dir.h"
#include "config/state_dir.h"
#include "tallybus/counted.h"
#include "tallybus/sqlite_spool.h"

namespace tallybus {
namespace {

constexpr absl::Duration kShutdownDeadline = absl::Seconds(10);
constexpr absl::Duration kClientsFarewell = absl::Seconds(2);
constexpr absl::Duration kSubscribersFarewell = absl::Milliseconds(500);

// One is busy with a core at 30,000 requests a second. On two cores a second one only makes both
// wake up more often for less.
int TransportThreads() { return std::thread::hardware_concurrency() >= 4 ? 2 : 1; }

uint64_t RandomEpoch() {
  uint64_t epoch = 0;
  while (epoch == 0) {
    // 8 bytes come whole once the kernel's pool is ready, and the call waits for that.
    if (getrandom(&epoch, sizeof epoch, 0) != sizeof epoch) epoch = 0;
  }
  return epoch;
}

// Only where a socket is to lie there; elsewhere the directory is the operator's.
absl::Status EnsureSocketDir(const config::Listen& listen) {
  const std::string dir = config::RuntimeDir(config::ProcessEnvironment);
  const bool engine =
      absl::StartsWith(listen.engine.value_or(""), absl::StrCat("ipc://", dir, "/"));
  const bool admin = absl::StartsWith(listen.admin.value_or(""), absl::StrCat("unix:", dir, "/"));
  return engine || admin ? config::EnsureRuntimeDir(dir) : absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Daemon>> Daemon::Start(Options options, Log& log, Signals& signals) {
  std::unique_ptr<Daemon> daemon(new Daemon(std::move(options), log, signals));
  absl::Status status;
  if (daemon->wake_.fd() < 0) status = absl::ResourceExhaustedError("no file descriptor is left");
  if (status.ok()) status = EnsureSocketDir(daemon->options_.config.listen);
  if (status.ok()) status = daemon->BindSockets();
  if (status.ok()) status = daemon->MakeRouter();
  if (status.ok()) status = daemon->StartAdmin();
  if (status.ok()) status = daemon->StartTransports();
  if (status.ok()) status = daemon->StartWeb();
  if (status.ok() && daemon->options_.dev) status = daemon->StartEchoBackend();
  if (!status.ok()) return status;
  daemon->AllowOpenFiles();
  daemon->LogListeners();
  daemon->LogWarnings(daemon->options_.config);
  return daemon;
}

Daemon::Daemon(Options options, Log& log, Signals& signals)
    : options_(std::move(options)), log_(log), signals_(signals), epoch_(RandomEpoch()) {}

Daemon::~Daemon() {
  reload_.Wait();
  if (admin_) admin_->Stop();
  if (web_) web_->Stop();
  if (transports_) transports_->Stop(clock_.Now());
}

absl::Status Daemon::BindEngine() {
  const std::optional<std::string>& written = options_.config.listen.engine;
  if (!written && !options_.in_engine) return absl::OkStatus();
  auto engine = zmq_transport::EngineIngress::Bind(context_, written.value_or(kInsideEndpoint),
                                                   {.clock = clock_,
                                                    .metrics = metrics_,
                                                    .log = log_,
                                                    .router_epoch = epoch_,
                                                    .grace = options_.config.engines.grace});
  if (!engine.ok()) return engine.status();
  engine_ = *std::move(engine);
  const bool further = written && options_.in_engine;
  return further ? engine_->BindInside(kInsideEndpoint) : absl::OkStatus();
}

absl::Status Daemon::BindSockets() {
  const config::Listen& listen = options_.config.listen;
  if (absl::Status status = BindEngine(); !status.ok()) return status;
  if (listen.clients) {
    auto clients = zmq_transport::XpubChannel::Bind(context_, *listen.clients, clock_, metrics_);
    if (!clients.ok()) return clients.status();
    clients_ = *std::move(clients);
  }
  return listen.web ? MakeGateway() : absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Spool>> Daemon::OpenSpool() {
  const config::Spool& spool = options_.config.spool;
  const auto max_bytes = static_cast<size_t>(spool.max_bytes);
  if (spool.InMemory()) return NewMemorySpool(max_bytes);
  if (absl::Status status = config::EnsureStateDir(spool.path); !status.ok()) return status;
  SqliteSpoolOptions sqlite;
  sqlite.directory = spool.path;
  sqlite.sync = spool.sync == config::Sync::kCommit     ? SpoolSync::kCommit
                : spool.sync == config::Sync::kInterval ? SpoolSync::kInterval
                                                        : SpoolSync::kOff;
  sqlite.max_bytes = max_bytes;
  sqlite.retain = spool.retain;
  sqlite.dead_letter_age = spool.dead_letter_age;
  sqlite.dead_letter_bytes = static_cast<size_t>(spool.dead_letter_bytes);
  absl::StatusOr<std::unique_ptr<Spool>> opened = OpenSqliteSpool(sqlite, clock_);
  if (!opened.ok()) return config::WithMend(opened.status());
  return opened;
}

absl::Status Daemon::MakeRouter() {
  absl::StatusOr<std::unique_ptr<Spool>> spool = OpenSpool();
  if (!spool.ok()) return spool.status();
  spool_ = *std::move(spool);
  std::vector<ClientChannel*> channels;
  if (clients_) channels.push_back(clients_.get());
  if (engine_) channels.push_back(engine_.get());
  if (gateway_) channels.push_back(gateway_.get());
  router_ = std::make_unique<Router>(Router::Parts{
      .clock = clock_,
      .spool = *spool_,
      .metrics = metrics_,
      .log = log_,
      .clients = std::move(channels),
      .commits = engine_.get(),
      .engines = engine_.get(),
      .wake = [this] { wake_.Ring(); },
      .epoch = epoch_,
      .jitter_seed = epoch_,
      .node_id = options_.config.node.name,
      .session_ttl = options_.config.session_ttl,
      .end_lost_streams = options_.config.engines.on_lost == config::OnLost::kFailStreams});
  if (absl::Status status = router_->Start(); !status.ok()) return status;
  if (engine_) {
    engine_->SetSink(*router_);
    engine_->Restore(router_->TakePublishers());
  }
  health_ = std::make_unique<HealthReport>(clock_, *router_, *spool_, metrics_,
                                           options_.config.node.name, options_.config.spool.path);
  return absl::OkStatus();
}

absl::Status Daemon::StartTransports() {
  transports_ = std::make_unique<TransportSet>(TransportContext{.sink = *router_,
                                                                .clock = clock_,
                                                                .metrics = metrics_,
                                                                .log = log_,
                                                                .threads = TransportThreads()});
  auto routes = MakeRoutesOf(options_.config);
  if (!routes.ok()) return routes.status();
  credentials_ = std::make_unique<CredentialWatch>(
      clock_, [this](const Route& route) { return transports_->CredentialsEnd(route); }, *router_);
  SetRoutes(*std::move(routes));
  if (!options_.config.listen.open) return absl::OkStatus();
  // Last: from here on events come in.
  auto open = zmq_transport::OpenIngress::Bind(
      context_, *options_.config.listen.open,
      {*router_, clock_, metrics_, log_, options_.config.node.name, options_.config.engines.grace});
  if (!open.ok()) return open.status();
  open_ = *std::move(open);
  open_->Restore(router_->TakeBeatingNodes());
  return absl::OkStatus();
}

absl::Status Daemon::StartEchoBackend() {
  receive::Receiver::Options echo;
  echo.listen = kEchoAddress;
  echo.setting = "--dev's echo backend";
  echo.print = [this](std::string_view line) {
    log_.Write(LogLevel::kInfo, absl::StrCat("echo backend: ", std::string(line)));
  };
  auto receiver = receive::Receiver::Start(std::move(echo));
  if (!receiver.ok()) return receiver.status();
  echo_ = *std::move(receiver);
  return absl::OkStatus();
}

void Daemon::LogWarnings(const config::Config& config) {
  for (const std::string& warning : config::WarningsOf(config)) {
    log_.Write(LogLevel::kWarning, warning);
  }
}

void Daemon::LogListeners() const {
  if (options_.config.default_app_used) {
    log_.Write(LogLevel::kInfo,
               "no apps are configured: events of defaultApp go to "
               "http://127.0.0.1:8081/apps/EchoApp");
  }
  const config::Spool& spool = options_.config.spool;
  const uint64_t waiting = router_->Totals().waiting;
  log_.Write(LogLevel::kInfo,
             spool.InMemory()
                 ? absl::StrCat("spool: in memory, up to ", spool_->MaxBytes() >> 20,
                                " MiB; what waits is lost when this process ends")
                 : absl::StrCat("spool: ", spool.path, ", up to ", spool_->MaxBytes() >> 20,
                                " MiB; waiting in it: ", Counted(waiting, "event")));
  log_.Write(LogLevel::kInfo, absl::StrCat("ready: engine=", engine_ ? engine_->endpoint() : "off",
                                           " open=", open_ ? open_->endpoint() : "off",
                                           " clients=", clients_ ? clients_->endpoint() : "off",
                                           " web=", web_ ? web_->address() : "off",
                                           " admin=", admin_ ? admin_->address() : "off"));
}

void Daemon::Run() {
  BusLoop loop({.clock = clock_,
                .router = *router_,
                .engine = engine_.get(),
                .open = open_.get(),
                .clients = clients_.get(),
                .wake = wake_,
                .signal_fd = signals_.fd(),
                .on_signal = [this] { OnSignal(); },
                .on_turn =
                    [this] {
                      health_->Turned();
                      credentials_->Tick();
                      if (web_credentials_) web_credentials_->Tick();
                      if (auto fresh = reload_.Take()) Reload(*std::move(fresh));
                    }});
  loop.RunWhile([this] { return stop_signals_ == 0; });
  log_.Write(LogLevel::kInfo, "stopping: no new events; waiting for what is in flight");
  if (gateway_) gateway_->TakeNoMore();
  router_->BeginShutdown();
  const MonoTime deadline = clock_.Now() + kShutdownDeadline;
  loop.RunWhile([&] {
    return stop_signals_ < 2 && router_->Totals().in_flight > 0 && clock_.Now() < deadline;
  });
  Shutdown();
}

void Daemon::Shutdown() {
  reload_.Wait();
  router_->StopDispatch();
  transports_->Stop(clock_.Now());
  router_->Step();
  absl::Status kept = spool_->Stop();
  if (!kept.ok()) log_.Write(LogLevel::kError, std::string(kept.message()));
  // What was committed last counts, and is acknowledged.
  router_->Step();
  if (engine_) engine_->AcknowledgeAll();
  const bool at_once = stop_signals_ >= 2;
  if (gateway_) gateway_->GoAway(at_once ? absl::ZeroDuration() : kClientsFarewell);
  if (clients_ && !at_once) clients_->Linger(kSubscribersFarewell);
  const RouterTotals totals = router_->Totals();
  const uint64_t left = totals.waiting + totals.in_flight;
  const bool dropped = options_.config.spool.InMemory();
  log_.Write(
      LogLevel::kInfo,
      absl::StrCat("stopped: accepted ", totals.accepted, ", delivered ", totals.delivered,
                   ", failed ", totals.failed, ", given up ", totals.given_up, ", shed ",
                   totals.shed, ", coalesced ", totals.coalesced, ", waiting ", dropped ? 0 : left,
                   ", unknown ", totals.unknown, ", dropped ", dropped ? left : 0));
}

void Daemon::OnSignal() {
  while (std::optional<int> signal = signals_.Next()) {
    if (*signal == SIGHUP) {
      reload_.Begin();
    } else {
      ++stop_signals_;
    }
  }
}

absl::StatusOr<Daemon::Fresh> Daemon::ReadAgain() {
  absl::StatusOr<config::Config> config = options_.reload();
  if (!config.ok()) return config.status();
  absl::StatusOr<RouteTable> routes = MakeRoutesOf(*config);
  if (!routes.ok()) return routes.status();
  return Fresh{*std::move(config), *std::move(routes)};
}

void Daemon::Reload(absl::StatusOr<Fresh> fresh) {
  router_->NoteReload(fresh.status());
  if (!fresh.ok()) {
    log_.Write(LogLevel::kError,
               absl::StrCat("reload refused, all stays as it was: ", fresh.status().message()));
    return;
  }
  SetRoutes(std::move(fresh->routes));
  if (web_credentials_) web_credentials_->Reload();
  std::vector<std::string> later = config::ChangedKeys(options_.config, fresh->config);
  std::erase_if(later, [](const std::string& key) {
    return key == "apps" || key == "plugins" || key == "routes";
  });
  log_.Write(later.empty() ? LogLevel::kInfo : LogLevel::kWarning,
             absl::StrCat("reloaded: apps and routes",
                          later.empty() ? "" : "; changed, and of no effect before a restart: ",
                          absl::StrJoin(later, ", ")));
  LogWarnings(fresh->config);
}

void Daemon::SetRoutes(RouteTable routes) {
  credentials_->Watch(routes);
  router_->SetRoutes(std::move(routes));
}

absl::StatusOr<RouteTable> Daemon::MakeRoutesOf(const config::Config& config) {
  absl::StatusOr<TransportCatalog> catalog = MakeCatalog(config);
  if (!catalog.ok()) return catalog.status();
  absl::Status status = MakeRoutes(config, catalog->registry, {}, &endpoint_ids_).status();
  if (status.ok()) status = transports_->Start(*catalog, SchemesOf(config));
  if (!status.ok()) return status;
  return MakeRoutes(config, catalog->registry, transports_->all(), &endpoint_ids_);
}

}  // namespace tallybus
