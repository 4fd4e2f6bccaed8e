// The daemon's HTTP ports: what each serves, and to whom.
#include <absl/strings/str_cat.h>

#include <utility>

#include "apps/desk/desk_api.h"
#include "apps/desk/read_api.h"
#include "config/api_keys.h"
#include "daemon.h"
#include "open_files.h"
#include "transports/web/answers.h"
#include "transports/web/api_access.h"
#include "transports/web/metrics_page.h"

namespace tallybus {
namespace {

constexpr uint64_t kOwnFiles = 1024;  // all that is no web client

// What makes the headers of a request too long is most likely its token.
void AllowTokens(WebServer::Options* web) {
  web->header_bytes = HttpServer::kMostHeaderBytes;
  web->headers_too_long = Unauthorized("the token is too long");
}

}  // namespace

absl::Status Daemon::MakeGateway() {
  auto credentials = WebCredentials::Load(options_.config, clock_, metrics_, log_);
  if (!credentials.ok()) return credentials.status();
  web_credentials_ = *std::move(credentials);
  const config::Clients& clients = options_.config.clients;
  ClientGateway::Options options;
  options.most_clients = static_cast<size_t>(clients.most);
  options.audience.queue = {static_cast<size_t>(clients.queue_events),
                            static_cast<size_t>(clients.queue_bytes)};
  options.audience.replay_events = static_cast<size_t>(clients.replay_events);
  options.audience.replay_bytes = static_cast<size_t>(clients.replay_bytes);
  options.audience.times.ping_every = clients.ping_interval;
  options.access = {clients.allowed_origins, clients.allowed_hosts};
  options.authorize = web_credentials_->authorize();
  options.ask_backend = clients.auth == config::ClientsAuth::kConnect;
  // By the address that it listens on it may be asked, whatever that is.
  const std::string own = options_.config.listen.web->ToString();
  options.access.allowed_hosts.push_back(own.substr(0, own.rfind(':')));
  options.node_id = options_.config.node.name;
  gateway_ = std::make_unique<ClientGateway>(std::move(options), clock_, metrics_);
  return absl::OkStatus();
}

// Before events come in: a second daemon on the same socket takes none from the first.
absl::Status Daemon::StartAdmin() {
  if (!options_.config.listen.admin) return absl::OkStatus();
  WebServer::Options admin;
  admin.name = "admin";
  admin.listen = *options_.config.listen.admin;
  admin.handlers["/api/v1/status"] = HealthPage([this] { return health_->AskStatus(); });
  admin.routes = desk::DeskRoutes(*router_, clock_);
  auto server = WebServer::Start(std::move(admin), metrics_);
  if (!server.ok()) return server.status();
  admin_ = *std::move(server);
  return absl::OkStatus();
}

absl::Status Daemon::StartWeb() {
  if (!options_.config.listen.web) return absl::OkStatus();
  WebServer::Options web;
  web.listen = options_.config.listen.web->ToString();
  web.handlers["/healthz"] = HealthPage([this] { return health_->Ask(); });
  web.handlers["/metrics"] = MetricsPage(metrics_);
  gateway_->SetSource([this](std::vector<LiveFilter> filters, ClientGateway::Answer answer) {
    router_->Post([this, filters = std::move(filters), answer = std::move(answer)] {
      answer(router_->FindLive(filters));
    });
  });
  gateway_->SetSink(*router_);
  web.routes = gateway_->Routes();
  web.tls = web_credentials_->tls();
  if (options_.config.clients.auth != config::ClientsAuth::kNone) AllowTokens(&web);
  if (absl::Status status = AddReadApi(&web.routes); !status.ok()) return status;
  auto server = WebServer::Start(std::move(web), metrics_);
  if (!server.ok()) return server.status();
  web_ = *std::move(server);
  return absl::OkStatus();
}

absl::Status Daemon::AddReadApi(std::vector<WebRoute>* routes) {
  const config::Api& api = options_.config.api;
  if (!config::ServesApi(api, options_.config.listen, options_.config.clients)) {
    log_.Write(LogLevel::kInfo,
               "the read API is off: where clients come from elsewhere it needs a secret, "
               "api.token_file");
    return absl::OkStatus();
  }
  const std::string own = options_.config.listen.web->ToString();
  ApiAccess access{.token = "", .own_hosts = {own.substr(0, own.rfind(':'))}};
  if (!api.token_file.empty()) {
    absl::StatusOr<std::string> token = config::ReadApiToken(api.token_file);
    if (!token.ok()) return token.status();
    access.token = *std::move(token);
  }
  auto guarded = ForThoseWhoMayAsk(std::move(access), desk::ReadRoutes(*router_, clock_), metrics_);
  for (WebRoute& route : guarded) routes->push_back(std::move(route));
  return absl::OkStatus();
}

// Each web client takes one.
void Daemon::AllowOpenFiles() const {
  if (gateway_ == nullptr) return;
  const uint64_t files = options_.in_engine ? AllowedOpenFiles() : AllowMostOpenFiles();
  const auto clients = static_cast<uint64_t>(options_.config.clients.most);
  if (files >= clients + kOwnFiles) return;
  log_.Write(LogLevel::kWarning,
             absl::StrCat("the process may open ", files, " files, too few for clients.max (",
                          clients, "): raise LimitNOFILE, or lower clients.max"));
}

}  // namespace tallybus
