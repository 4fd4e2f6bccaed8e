// From the router's thread to the web server's, and from a request to a connection.
#include "transports/web/client_gateway.h"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <string>
#include <utility>

#include "transports/web/answers.h"
#include "transports/web/connect_grant.h"
#include "transports/web/connect_v1_client.h"
#include "transports/web/event_stream_connection.h"
#include "transports/web/gateway_sessions.h"
#include "transports/web/taken_socket.h"
#include "transports/web/tallybus_v1_client.h"
#include "transports/web/wcs_client.h"
#include "transports/web/web_socket_connection.h"

namespace tallybus {
namespace {

namespace asio = boost::asio;
using Error = boost::system::error_code;

constexpr char kNoToken[] = "a token is wanted";
constexpr int64_t kLongestTimeout = std::numeric_limits<int>::max();

}  // namespace

class ClientGateway::Machine {
 public:
  Machine(Options options, const Clock& clock, Metrics& metrics)
      : options_(std::move(options)),
        access_(options_.access),
        metrics_(metrics),
        sessions_(options_.node_id, clock),
        mailbox_(options_.mailbox, [this] { thread_->Post([this] { Drain(); }); }),
        audience_(
            options_.audience, clock, metrics,
            [this](uint64_t pass, std::vector<LiveFilter> filters) {
              AskRouter(pass, std::move(filters));
            },
            [this](absl::Duration wait) { TurnIn(wait); }, watching_, [this] { NoteEmpty(); }) {}

  void SetSource(AskLive ask) { ask_ = std::move(ask); }
  void SetSink(EventSink& sink) { sessions_.SetSink(sink); }
  uint64_t gaps() const { return audience_.gaps(); }

  // [router]
  void Notify(const Notification& notification) {
    if (!watching_.load(std::memory_order_acquire)) return;
    mailbox_.PutEvent(tallybus_v1::MakeMessage(notification));
  }

  // [web]
  HttpAnswer OnClients(const HttpRequest& request);
  HttpAnswer OnWcs(const HttpRequest& request);
  HttpAnswer OnEvents(const HttpRequest& request);

  void TakeNoMore() { closing_ = true; }
  void GoAway(absl::Duration patience);

 private:
  struct Timers {
    explicit Timers(const asio::any_io_executor& executor) : tick(executor), turn(executor) {}
    asio::steady_timer tick, turn;
  };
  struct Asked {
    tallybus_v1::Watch watch;
    WatchPermissionsPtr permissions;  // null: a token is wanted, and none was shown yet
  };

  HttpAnswer Refuse(std::string_view reason, int status, std::string sentence);
  absl::StatusOr<tallybus_v1::Watch> LetIn(const HttpRequest& request, HttpAnswer* refusal);
  absl::StatusOr<Asked> Admit(const HttpRequest& request, HttpAnswer* refusal);
  absl::StatusOr<WatchPermissionsPtr> Authorized(std::string_view token) const;
  bool IsWebSocket(const HttpRequest& request, std::string_view subprotocol, HttpAnswer* refusal);
  WebSocketConnection::MakeDialect Wcs(tallybus_v1::Watch watch);
  ConnectV1Client::Parts PartsOf(const HttpRequest& request, const tallybus_v1::Watch& watch);
  HttpAnswer Events(const HttpRequest& request);
  HttpAnswer AskForEvents(const HttpRequest& request, tallybus_v1::Watch watch);
  void AskRouter(uint64_t pass, std::vector<LiveFilter> filters);
  void Drain();
  void Prepare(TakenSocket& taken);
  void Tick(std::shared_ptr<Timers> timers);
  void TurnIn(absl::Duration wait);
  void NoteEmpty();

  const Options options_;
  const ClientAccess access_;
  Metrics& metrics_;
  AskLive ask_;
  GatewaySessions sessions_;
  // Set by the first client, before anybody watches; mutex_ is for GoAway alone.
  std::shared_ptr<ServerThread> thread_;
  std::atomic<bool> watching_{false};
  AudienceMailbox mailbox_;
  Audience audience_;
  std::vector<AudienceItem> taken_;
  std::weak_ptr<Timers> timers_;
  std::atomic<bool> closing_{false};
  std::mutex mutex_;
  std::condition_variable all_left_;
  bool nobody_left_ = false;
};

void ClientGateway::Machine::AskRouter(uint64_t pass, std::vector<LiveFilter> filters) {
  ask_(std::move(filters),
       [this, pass](std::vector<LiveStreams> found) { mailbox_.PutFound(pass, std::move(found)); });
}

void ClientGateway::Machine::Drain() {
  mailbox_.Drain(&taken_);
  audience_.Take(taken_);
  taken_.clear();
}

HttpAnswer ClientGateway::Machine::Refuse(std::string_view reason, int status,
                                          std::string sentence) {
  metrics_
      .GetCounter("tallybus_client_refused_total", "Clients that were not let in, by reason",
                  {{"reason", std::string(reason)}})
      .Add();
  if (status == 401) return Unauthorized(std::move(sentence));
  HttpAnswer answer = TextAnswer(status, std::move(sentence));
  if (status == 503) answer.headers.emplace_back("Retry-After", "5");
  return answer;
}

// What concerns every client. Not OK: *refusal says why.
absl::StatusOr<tallybus_v1::Watch> ClientGateway::Machine::LetIn(const HttpRequest& request,
                                                                 HttpAnswer* refusal) {
  const auto refuse = [&](std::string_view reason, int status, std::string sentence) {
    *refusal = Refuse(reason, status, std::move(sentence));
    return absl::PermissionDeniedError("");
  };
  if (!access_.HostAllowed(request)) {
    return refuse("host", 403, "this host name is not in clients.allowed_hosts");
  }
  if (!access_.OriginAllowed(request)) {
    return refuse("origin", 403, "this origin is not in clients.allowed_origins");
  }
  if (closing_) return refuse("shutdown", 503, "the server stops");
  if (audience_.size() >= options_.most_clients) {
    return refuse("full", 503, "clients.max are connected; try again later");
  }
  absl::StatusOr<tallybus_v1::Watch> watch = tallybus_v1::ReadQuery(request.query);
  if (!watch.ok()) return refuse("query", 400, std::string(watch.status().message()));
  // The header counts more than the query.
  if (const std::string_view token = BearerToken(request); !token.empty()) watch->token = token;
  return watch;
}

absl::StatusOr<ClientGateway::Machine::Asked> ClientGateway::Machine::Admit(
    const HttpRequest& request, HttpAnswer* refusal) {
  absl::StatusOr<tallybus_v1::Watch> watch = LetIn(request, refusal);
  if (!watch.ok()) return watch.status();
  absl::StatusOr<WatchPermissionsPtr> permissions = Authorized(watch->token);
  if (!permissions.ok()) {
    *refusal = Refuse("unauthorized", 401, std::string(permissions.status().message()));
    return permissions.status();
  }
  return Asked{*std::move(watch), *std::move(permissions)};
}

// Null: it depends on the token that is still to come.
absl::StatusOr<WatchPermissionsPtr> ClientGateway::Machine::Authorized(
    std::string_view token) const {
  if (options_.ask_backend) return WatchPermissionsPtr();
  if (!options_.authorize) return EveryPermission();
  if (token.empty()) return WatchPermissionsPtr();
  return options_.authorize(token);
}

bool ClientGateway::Machine::IsWebSocket(const HttpRequest& request, std::string_view subprotocol,
                                         HttpAnswer* refusal) {
  const std::string spoken(subprotocol);
  if (!Lists(request.Header("upgrade"), "websocket")) {
    *refusal = Refuse("no_upgrade", 426, "this is a WebSocket: subprotocol " + spoken);
    refusal->headers.emplace_back("Upgrade", "websocket");
    return false;
  }
  const std::string_view offered = request.Header("sec-websocket-protocol");
  if (offered.empty() || Lists(offered, subprotocol)) return true;
  *refusal = Refuse("subprotocol", 400, "the subprotocol spoken here is " + spoken);
  return false;
}

HttpAnswer ClientGateway::Machine::OnClients(const HttpRequest& request) {
  HttpAnswer answer;
  absl::StatusOr<Asked> asked = Admit(request, &answer);
  if (!asked.ok() || !IsWebSocket(request, tallybus_v1::kSubprotocol, &answer)) return answer;
  answer.fate = HttpAnswer::Fate::kHandOver;
  answer.hand_over = [this, request, asked = *std::move(asked)](TakenSocket&& taken) {
    Prepare(taken);
    auto connection = std::make_shared<WebSocketConnection>(std::move(taken.stream), audience_,
                                                            asked.permissions);
    if (options_.authorize) {
      connection->Speak([this, known = asked.permissions != nullptr](ClientLine& line) {
        return std::make_unique<TallybusV1Client>(line, &options_.authorize, known);
      });
    }
    if (options_.ask_backend) {
      connection->Speak([&, this](ClientLine& line) {
        return std::make_unique<ConnectV1Client>(line, PartsOf(request, asked.watch), asked.watch);
      });
    }
    const bool says_what = !request.Header("sec-websocket-protocol").empty();
    if (!says_what && asked.watch.keys.empty()) {
      connection->SpeakWcsIfAsked(Wcs({{}, {}, asked.watch.token}));
    }
    connection->Start(request, options_.ask_backend ? tallybus_v1::Watch() : asked.watch);
  };
  return answer;
}

// Its token comes in its first frame.
HttpAnswer ClientGateway::Machine::OnWcs(const HttpRequest& request) {
  HttpAnswer answer;
  absl::StatusOr<tallybus_v1::Watch> watch = LetIn(request, &answer);
  if (!watch.ok() || !IsWebSocket(request, wcs::kSubprotocol, &answer)) return answer;
  answer.fate = HttpAnswer::Fate::kHandOver;
  answer.hand_over = [this, request, watch = *std::move(watch)](TakenSocket&& taken) {
    Prepare(taken);
    auto connection =
        std::make_shared<WebSocketConnection>(std::move(taken.stream), audience_, nullptr);
    connection->Speak(Wcs(watch));
    connection->Start(request, {});
  };
  return answer;
}

WebSocketConnection::MakeDialect ClientGateway::Machine::Wcs(tallybus_v1::Watch watch) {
  // Where the request brought a token, the one in the first frame is the backend's alone.
  // The backend is asked for the client's own session, and grants nothing else.
  const auto own = [](std::string_view) -> absl::StatusOr<WatchPermissionsPtr> {
    auto nothing = std::make_shared<WatchPermissions>();
    nothing->only.emplace();
    return nothing;
  };
  const auto authorize = [this, of_request = watch.token](
                             std::string_view token) -> absl::StatusOr<WatchPermissionsPtr> {
    auto permissions = Authorized(of_request.empty() ? token : of_request);
    if (permissions.ok() && *permissions == nullptr) return absl::UnauthenticatedError(kNoToken);
    return permissions;
  };
  std::function<absl::StatusOr<WatchPermissionsPtr>(std::string_view)> judge = authorize;
  if (options_.ask_backend) judge = own;
  return [this, judge, watch = std::move(watch)](ClientLine& line) {
    return std::make_unique<WcsClient>(
        line, WcsClient::Parts{sessions_, thread_, judge, watch, options_.ask_backend});
  };
}

HttpAnswer ClientGateway::Machine::OnEvents(const HttpRequest& request) {
  HttpAnswer answer = Events(request);
  access_.LetPageRead(request, &answer);
  return answer;
}

HttpAnswer ClientGateway::Machine::Events(const HttpRequest& request) {
  HttpAnswer answer;
  absl::StatusOr<Asked> asked = Admit(request, &answer);
  if (!asked.ok()) return answer;
  if (!asked->permissions && !options_.ask_backend) return Refuse("unauthorized", 401, kNoToken);
  tallybus_v1::Watch& watch = asked->watch;
  if (watch.keys.empty()) return Refuse("query", 400, "session, stream or app says what to watch");
  if (options_.ask_backend) return AskForEvents(request, std::move(watch));
  for (const WatchKey& key : watch.keys) {
    if (!asked->permissions->Allow(key)) return Refuse("not_allowed", 403, "this is not for you");
  }
  // The header is the browser's and the newer one: the address is of the first connection.
  const std::string_view last = request.Header("last-event-id");
  if (!last.empty()) watch.after = last;
  answer.fate = HttpAnswer::Fate::kHandOver;
  answer.hand_over = [this, origin = std::string(request.Header("origin")),
                      watch = std::move(watch),
                      permissions = std::move(asked->permissions)](TakenSocket&& taken) {
    Prepare(taken);
    std::make_shared<EventStreamConnection>(std::move(taken.stream), audience_, permissions)
        ->Start(origin, watch);
  };
  return answer;
}

ConnectV1Client::Parts ClientGateway::Machine::PartsOf(const HttpRequest& request,
                                                       const tallybus_v1::Watch& watch) {
  return {sessions_, thread_, std::string(request.Header("origin")), watch.token};
}

// It counts as a client while the backend is asked.
HttpAnswer ClientGateway::Machine::AskForEvents(const HttpRequest& request,
                                                tallybus_v1::Watch watch) {
  const std::string_view last = request.Header("last-event-id");
  if (!last.empty()) watch.after = last;
  HttpAnswer answer;
  answer.fate = HttpAnswer::Fate::kHandOver;
  answer.hand_over = [this, request, watch = std::move(watch)](TakenSocket&& taken) {
    Prepare(taken);
    ConnectV1Client::Parts parts = PartsOf(request, watch);
    auto connection =
        std::make_shared<EventStreamConnection>(std::move(taken.stream), audience_, nullptr);
    const auto on_answer = [this, weak = std::weak_ptr(connection), request,
                            watch](absl::StatusOr<WatchPermissionsPtr> granted) {
      const auto waits = weak.lock();
      if (waits == nullptr) return;
      if (!granted.ok()) {
        const bool later = absl::IsUnavailable(granted.status());
        HttpAnswer refusal = Refuse(later ? "try_later" : "unauthorized", later ? 503 : 401,
                                    std::string(granted.status().message()));
        access_.LetPageRead(request, &refusal);
        return waits->Decline(refusal);
      }
      waits->Permit(*std::move(granted));
      waits->Start(request.Header("origin"), watch);
    };
    connection->Await(
        AskConnect(sessions_, thread_,
                   {AppOf(watch.keys), parts.token, parts.origin, watch.keys, nullptr}, on_answer));
  };
  return answer;
}

void ClientGateway::Machine::Prepare(TakenSocket& taken) {
  const int unacknowledged = static_cast<int>(
      std::min(absl::ToInt64Milliseconds(options_.audience.times.silence), kLongestTimeout));
  taken.stream.Bound(options_.send_buffer_bytes, unacknowledged);
  if (thread_ != nullptr) return;
  {
    std::lock_guard lock(mutex_);
    thread_ = taken.thread;
  }
  // Owned by their own waits: they go with the thread.
  auto timers = std::make_shared<Timers>(taken.stream.get_executor());
  timers_ = timers;
  Tick(std::move(timers));
}

void ClientGateway::Machine::Tick(std::shared_ptr<Timers> timers) {
  timers->tick.expires_after(absl::ToChronoMilliseconds(options_.tick));
  timers->tick.async_wait([this, timers](Error error) mutable {
    if (error) return;
    audience_.Tick();
    sessions_.Tick();
    Tick(std::move(timers));
  });
}

void ClientGateway::Machine::TurnIn(absl::Duration wait) {
  std::shared_ptr<Timers> timers = timers_.lock();
  if (timers == nullptr) return;
  timers->turn.expires_after(absl::ToChronoMicroseconds(wait));
  timers->turn.async_wait([this, timers](Error error) {
    if (!error) audience_.Turn();
  });
}

void ClientGateway::Machine::NoteEmpty() {
  if (!closing_) return;
  std::lock_guard lock(mutex_);
  nobody_left_ = true;
  all_left_.notify_all();
}

void ClientGateway::Machine::GoAway(absl::Duration patience) {
  closing_ = true;
  std::unique_lock lock(mutex_);
  if (thread_ == nullptr) return;
  thread_->Post([this] {
    audience_.GoAway();
    if (audience_.size() == 0) NoteEmpty();
  });
  all_left_.wait_for(lock, absl::ToChronoMilliseconds(patience), [this] { return nobody_left_; });
}

ClientGateway::ClientGateway(Options options, const Clock& clock, Metrics& metrics)
    : machine_(std::make_unique<Machine>(std::move(options), clock, metrics)) {}
ClientGateway::~ClientGateway() = default;

void ClientGateway::SetSource(AskLive ask) { machine_->SetSource(std::move(ask)); }
void ClientGateway::SetSink(EventSink& sink) { machine_->SetSink(sink); }
void ClientGateway::Notify(const Notification& notification) { machine_->Notify(notification); }
uint64_t ClientGateway::gaps() const { return machine_->gaps(); }
void ClientGateway::TakeNoMore() { machine_->TakeNoMore(); }
void ClientGateway::GoAway(absl::Duration patience) { machine_->GoAway(patience); }

std::vector<WebRoute> ClientGateway::Routes() {
  Machine* machine = machine_.get();
  return {
      {"GET", "/clients", [machine](const HttpRequest& r) { return machine->OnClients(r); }, {}},
      {"GET", "/wcs", [machine](const HttpRequest& r) { return machine->OnWcs(r); }, {}},
      {"GET", "/events", [machine](const HttpRequest& r) { return machine->OnEvents(r); }, {}}};
}

}  // namespace tallybus
