// The same questions go either way; only who answers differs.
#include "apps/tallybus/desk_door.h"

#include <absl/flags/flag.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <sys/stat.h>

#include <optional>

#include "apps/desk/desk_api.h"
#include "apps/tallybus/admin_client.h"
#include "apps/tallybus/flags.h"
#include "tallybus/sqlite_spool.h"

namespace tallybus::cli {
namespace {

constexpr int kMostTurns = 10'000;

class DaemonDoor final : public DeskDoor {
 public:
  explicit DaemonDoor(AdminClient client) : client_(std::move(client)) {}

  absl::StatusOr<std::string> Ask(const std::string& method, const std::string& target) override {
    absl::StatusOr<AdminClient::Answer> answer =
        method == "GET" ? client_.Get(target) : client_.Post(target, "");
    if (!answer.ok()) return answer.status();
    if (absl::Status status = client_.Judge(*answer); !status.ok()) return status;
    return std::move(answer->body);
  }

 private:
  AdminClient client_;
};

class QuietLog final : public Log {
 public:
  void Write(LogLevel, std::string_view) override {}
};

// A router that sends nothing, over a spool that nobody else has.
class OfflineDoor final : public DeskDoor {
 public:
  ~OfflineDoor() override {
    if (spool_ != nullptr) (void)spool_->Stop().ok();
  }

  absl::Status Open(const std::string& folder) {
    struct stat file;
    if (stat((folder + "/spool.db").c_str(), &file) != 0) {
      return absl::NotFoundError(absl::StrCat("--spool: no spool.db in ", folder));
    }
    SqliteSpoolOptions options;
    options.directory = folder;
    options.offline = true;
    absl::StatusOr<std::unique_ptr<Spool>> spool = OpenSqliteSpool(options, clock_);
    if (!spool.ok()) return spool.status();
    spool_ = *std::move(spool);
    router_ = std::make_unique<Router>(Router::Parts{.clock = clock_,
                                                     .spool = *spool_,
                                                     .metrics = metrics_,
                                                     .log = log_,
                                                     .clients = {},
                                                     .commits = nullptr,
                                                     .wake = nullptr,
                                                     .offline = true});
    router_->StopDispatch();
    routes_ = desk::DeskRoutes(*router_, clock_);
    return router_->Start();
  }

  absl::StatusOr<std::string> Ask(const std::string& method, const std::string& target) override {
    HttpRequest request;
    request.method = method;
    request.path = target.substr(0, target.find('?'));
    if (request.path.size() < target.size()) request.query = target.substr(request.path.size() + 1);
    auto answer = std::make_shared<std::optional<HttpAnswer>>();
    for (const WebRoute& route : routes_) {
      if (route.method != method || route.path != request.path) continue;
      route.async_handler(request, [answer](HttpAnswer got) { *answer = std::move(got); });
    }
    // The spool answers on a thread of its own; a turn waits a little for it.
    for (int turn = 0; turn < kMostTurns && !*answer; ++turn) {
      router_->Step();
      if (!*answer) absl::SleepFor(absl::Milliseconds(1));
    }
    if (!*answer) return absl::DeadlineExceededError("the spool does not answer");
    if ((*answer)->status == 200) return std::move((*answer)->body);
    return absl::UnknownError((*answer)->body);
  }

 private:
  SystemClock clock_;
  Metrics metrics_;
  QuietLog log_;
  std::unique_ptr<Spool> spool_;
  std::unique_ptr<Router> router_;
  std::vector<WebRoute> routes_;
};

std::string Encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out.push_back(c);
    } else {
      absl::StrAppendFormat(&out, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace

absl::StatusOr<std::unique_ptr<DeskDoor>> DeskDoor::Open(const std::string& admin) {
  const std::string folder = absl::GetFlag(FLAGS_spool);
  if (!folder.empty()) {
    auto door = std::make_unique<OfflineDoor>();
    if (absl::Status status = door->Open(folder); !status.ok()) return status;
    return door;
  }
  AdminClient::Limits limits;
  limits.timeout = absl::GetFlag(FLAGS_timeout).value_or(limits.timeout);
  const std::string named = absl::GetFlag(FLAGS_admin);
  absl::StatusOr<AdminClient> client = AdminClient::At(named.empty() ? admin : named, limits);
  if (!client.ok()) return client.status();
  return std::make_unique<DaemonDoor>(*std::move(client));
}

Target& Target::Add(std::string_view name, std::string_view value) {
  if (value.empty()) return *this;
  text_.push_back(text_.find('?') == std::string::npos ? '?' : '&');
  absl::StrAppend(&text_, std::string(name), "=", Encoded(value));
  return *this;
}

Target& Target::AddFilter() {
  const std::pair<const char*, std::string> filters[] = {
      {"since", absl::GetFlag(FLAGS_since)},     {"until", absl::GetFlag(FLAGS_until)},
      {"app", absl::GetFlag(FLAGS_app)},         {"stream", absl::GetFlag(FLAGS_stream)},
      {"session", absl::GetFlag(FLAGS_session)}, {"route", absl::GetFlag(FLAGS_route)},
      {"id", absl::GetFlag(FLAGS_id)},           {"rows", absl::GetFlag(FLAGS_rows)}};
  for (const auto& [name, value] : filters) {
    narrowed_ = narrowed_ || !value.empty();
    Add(name, value);
  }
  return *this;
}

std::vector<std::string> WithDeskFlags(std::initializer_list<const char*> flags) {
  std::vector<std::string> all = {"admin", "spool", "json", "timeout"};
  all.insert(all.end(), flags.begin(), flags.end());
  return all;
}

std::vector<std::string> WithFilterFlags(std::initializer_list<const char*> flags) {
  std::vector<std::string> all =
      WithDeskFlags({"since", "until", "app", "stream", "session", "route", "id", "rows"});
  all.insert(all.end(), flags.begin(), flags.end());
  return all;
}

}  // namespace tallybus::cli
