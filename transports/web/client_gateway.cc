// From the router's thread to the web server's, and from a request to a connection.
#include "transports/web/client_gateway.h"

#include <absl/strings/match.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <string>
#include <utility>

#include "tallybus/mailbox.h"
#include "transports/web/answers.h"
#include "transports/web/event_stream_connection.h"
#include "transports/web/taken_socket.h"
#include "transports/web/web_socket_connection.h"

namespace tallybus {
namespace {

namespace asio = boost::asio;
using Error = boost::system::error_code;

// Events have a bound of their own; what lives must come through.
constexpr size_t kNoBound = std::numeric_limits<size_t>::max();

constexpr int64_t kLongestTimeout = std::numeric_limits<int>::max();

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

bool ListHas(std::string_view list, std::string_view word) {
  for (absl::string_view item : absl::StrSplit(View(list), ',')) {
    if (absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(item), View(word))) return true;
  }
  return false;
}

// From "Authorization: Bearer <token>", or else access_token=<token>.
std::string_view TokenOf(const HttpRequest& request, const tallybus_v1::Watch& query) {
  const std::string_view header = request.Header("authorization");
  constexpr std::string_view kBearer = "Bearer ";
  const bool bearer = absl::StartsWithIgnoreCase(View(header), View(kBearer));
  return bearer ? header.substr(kBearer.size()) : std::string_view(query.token);
}

}  // namespace

class ClientGateway::Machine {
 public:
  Machine(Options options, const Clock& clock, Metrics& metrics)
      : options_(std::move(options)),
        access_(options_.access),
        metrics_(metrics),
        mailbox_(kNoBound, [this] { thread_->Post([this] { Drain(); }); }),
        audience_(
            options_.audience, clock, metrics,
            [this](uint64_t pass, std::vector<LiveFilter> filters) {
              AskRouter(pass, std::move(filters));
            },
            [this](absl::Duration wait) { TurnIn(wait); }, watching_, [this] { NoteEmpty(); }) {}

  void SetSource(AskLive ask) { ask_ = std::move(ask); }
  uint64_t gaps() const { return audience_.gaps(); }

  // [router]
  void Notify(const Notification& notification) {
    if (!watching_.load(std::memory_order_acquire)) return;
    AudienceItem item;
    item.message = tallybus_v1::MakeMessage(notification);
    const size_t bytes = item.message->Bytes();
    if (events_.load(std::memory_order_relaxed) >= options_.mailbox_events ||
        bytes_.load(std::memory_order_relaxed) + bytes > options_.mailbox_bytes) {
      return NoteLost();
    }
    events_.fetch_add(1, std::memory_order_relaxed);
    bytes_.fetch_add(bytes, std::memory_order_relaxed);
    Put(std::move(item));
  }

  // [web]
  HttpAnswer OnClients(const HttpRequest& request);
  HttpAnswer OnEvents(const HttpRequest& request);

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
  absl::StatusOr<Asked> Admit(const HttpRequest& request, HttpAnswer* refusal);
  absl::StatusOr<WatchPermissionsPtr> Authorized(std::string_view token) const;
  void AskRouter(uint64_t pass, std::vector<LiveFilter> filters);
  void Put(AudienceItem item);
  void NoteLost();
  void Drain();
  void Prepare(TakenSocket& taken);
  void Tick(std::shared_ptr<Timers> timers);
  void TurnIn(absl::Duration wait);
  void NoteEmpty();

  const Options options_;
  const ClientAccess access_;
  Metrics& metrics_;
  AskLive ask_;
  // Set by the first client, before anybody watches; mutex_ is for GoAway alone.
  std::shared_ptr<ServerThread> thread_;
  std::atomic<bool> watching_{false};
  std::atomic<size_t> events_{0};  // in the mailbox
  std::atomic<size_t> bytes_{0};
  bool told_lost_ = false;   // [router] what was put last says that events were lost
  uint64_t losses_put_ = 0;  // [router]
  std::atomic<uint64_t> losses_taken_{0};
  Mailbox<AudienceItem> mailbox_;
  Audience audience_;
  std::vector<AudienceItem> taken_;
  std::weak_ptr<Timers> timers_;
  std::atomic<bool> closing_{false};
  std::mutex mutex_;
  std::condition_variable all_left_;
  bool nobody_left_ = false;
};

// [router]
void ClientGateway::Machine::Put(AudienceItem item) {
  told_lost_ = item.lost;
  (void)mailbox_.Push(std::move(item));  // never full, see kNoBound
}

// [router] At its place among all that is put, and at once: nothing may come after it. One says it
// for all that is lost until it is taken or something else is put, so it needs no bound.
void ClientGateway::Machine::NoteLost() {
  if (told_lost_ && losses_taken_.load(std::memory_order_acquire) < losses_put_) return;
  ++losses_put_;
  AudienceItem item;
  item.lost = true;
  Put(std::move(item));
}

void ClientGateway::Machine::AskRouter(uint64_t pass, std::vector<LiveFilter> filters) {
  ask_(std::move(filters), [this, pass](std::vector<LiveStreams> found) {
    AudienceItem item;
    item.pass = pass;
    item.found = std::move(found);
    Put(std::move(item));
  });
}

void ClientGateway::Machine::Drain() {
  mailbox_.Drain(&taken_);
  for (const AudienceItem& item : taken_) {
    if (item.lost) losses_taken_.fetch_add(1, std::memory_order_release);
    if (!item.message) continue;
    events_.fetch_sub(1, std::memory_order_relaxed);
    bytes_.fetch_sub(item.message->Bytes(), std::memory_order_relaxed);
  }
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

// Not OK: *refusal says why.
absl::StatusOr<ClientGateway::Machine::Asked> ClientGateway::Machine::Admit(
    const HttpRequest& request, HttpAnswer* refusal) {
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
  absl::StatusOr<WatchPermissionsPtr> permissions = Authorized(TokenOf(request, *watch));
  if (!permissions.ok()) {
    return refuse("unauthorized", 401, std::string(permissions.status().message()));
  }
  watch->token.clear();
  return Asked{*std::move(watch), *std::move(permissions)};
}

// Null: it depends on the token that is still to come.
absl::StatusOr<WatchPermissionsPtr> ClientGateway::Machine::Authorized(
    std::string_view token) const {
  if (!options_.authorize) return EveryPermission();
  if (token.empty()) return WatchPermissionsPtr();
  return options_.authorize(token);
}

HttpAnswer ClientGateway::Machine::OnClients(const HttpRequest& request) {
  HttpAnswer answer;
  absl::StatusOr<Asked> asked = Admit(request, &answer);
  if (!asked.ok()) return answer;
  if (!ListHas(request.Header("upgrade"), "websocket")) {
    answer = Refuse("no_upgrade", 426, "this is a WebSocket: subprotocol tallybus.v1");
    answer.headers.emplace_back("Upgrade", "websocket");
    return answer;
  }
  const std::string_view offered = request.Header("sec-websocket-protocol");
  if (!offered.empty() && !ListHas(offered, tallybus_v1::kSubprotocol)) {
    return Refuse("subprotocol", 400, "the subprotocol spoken here is tallybus.v1");
  }
  answer.fate = HttpAnswer::Fate::kHandOver;
  answer.hand_over = [this, request, asked = *std::move(asked)](TakenSocket&& taken) {
    Prepare(taken);
    std::make_shared<WebSocketConnection>(std::move(taken.socket), audience_, options_.authorize,
                                          asked.permissions)
        ->Start(request, asked.watch);
  };
  return answer;
}

HttpAnswer ClientGateway::Machine::OnEvents(const HttpRequest& request) {
  HttpAnswer answer;
  absl::StatusOr<Asked> asked = Admit(request, &answer);
  if (!asked.ok()) return answer;
  if (!asked->permissions) return Refuse("unauthorized", 401, "a token is wanted");
  tallybus_v1::Watch& watch = asked->watch;
  if (watch.keys.empty()) return Refuse("query", 400, "session, stream or app says what to watch");
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
    std::make_shared<EventStreamConnection>(std::move(taken.socket), audience_, permissions)
        ->Start(origin, watch);
  };
  return answer;
}

// What the kernel would take in a slow client's place is no bound of ours.
void ClientGateway::Machine::Prepare(TakenSocket& taken) {
  Error ignored;
  taken.socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  taken.socket.set_option(asio::socket_base::send_buffer_size(options_.send_buffer_bytes), ignored);
  // A peer that vanished acknowledges nothing: then the kernel ends the connection.
  const int unacknowledged = static_cast<int>(
      std::min(absl::ToInt64Milliseconds(options_.audience.times.silence), kLongestTimeout));
  (void)setsockopt(taken.socket.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged,
                   sizeof unacknowledged);
  if (thread_ != nullptr) return;
  {
    std::lock_guard lock(mutex_);
    thread_ = taken.thread;
  }
  // Owned by their own waits: they go with the thread.
  auto timers = std::make_shared<Timers>(taken.socket.get_executor());
  timers_ = timers;
  Tick(std::move(timers));
}

void ClientGateway::Machine::Tick(std::shared_ptr<Timers> timers) {
  timers->tick.expires_after(absl::ToChronoMilliseconds(options_.tick));
  timers->tick.async_wait([this, timers](Error error) mutable {
    if (error) return;
    audience_.Tick();
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
void ClientGateway::Notify(const Notification& notification) { machine_->Notify(notification); }
uint64_t ClientGateway::gaps() const { return machine_->gaps(); }
void ClientGateway::GoAway(absl::Duration patience) { machine_->GoAway(patience); }

std::vector<WebRoute> ClientGateway::Routes() {
  Machine* machine = machine_.get();
  return {
      {"GET", "/clients", [machine](const HttpRequest& r) { return machine->OnClients(r); }, {}},
      {"GET", "/events", [machine](const HttpRequest& r) { return machine->OnEvents(r); }, {}}};
}

}  // namespace tallybus
