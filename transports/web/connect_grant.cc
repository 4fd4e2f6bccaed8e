// A question is a session of the gateway's own: a yes keeps it open until the next yes.
#include "transports/web/connect_grant.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "tallybus/codec.h"

namespace tallybus {
namespace {

constexpr char kDefaultApp[] = "defaultApp";

const char* WordOf(WatchKey::Kind kind) {
  switch (kind) {
    case WatchKey::Kind::kSession:
      return "session";
    case WatchKey::Kind::kStream:
      return "stream";
    case WatchKey::Kind::kApp:
      break;
  }
  return "app";
}

// "origin":"https://…","watch":[{"session":"s1"}]
std::string FurtherOf(const ConnectQuestion& question) {
  std::string further;
  if (!question.origin.empty()) {
    absl::StrAppend(&further, "\"origin\":", JsonString(question.origin), ",");
  }
  further.append("\"watch\":[");
  for (const WatchKey& key : question.keys) {
    absl::StrAppend(&further, further.back() == '[' ? "" : ",", "{\"", WordOf(key.kind),
                    "\":", JsonString(key.value), "}");
  }
  return further.append("]");
}

WatchPermissionsPtr Grant(const ConnectQuestion& question, std::shared_ptr<const void> session) {
  auto permissions = question.granted ? std::make_shared<WatchPermissions>(*question.granted)
                                      : std::make_shared<WatchPermissions>();
  permissions->app = question.app_key;
  permissions->held = std::move(session);
  if (!permissions->only) permissions->only.emplace();
  for (const WatchKey& key : question.keys) {
    if (!permissions->Allow(key)) permissions->only->push_back(key);
  }
  return permissions;
}

}  // namespace

std::string AppOf(const std::vector<WatchKey>& keys) {
  for (const WatchKey& key : keys) {
    if (key.kind == WatchKey::Kind::kApp) return key.value;
  }
  return kDefaultApp;
}

std::shared_ptr<void> AskConnect(GatewaySessions& sessions, std::shared_ptr<ServerThread> thread,
                                 ConnectQuestion question, ConnectAnswer answer) {
  GatewaySessions::Connect connect{question.app_key, question.token, FurtherOf(question)};
  auto opened = std::make_shared<std::weak_ptr<GatewaySessions::Session>>();
  std::shared_ptr<GatewaySessions::Session> session = sessions.Open(
      std::move(connect), std::move(thread),
      [opened, question = std::move(question),
       answer = std::move(answer)](const GatewaySessions::Verdict& verdict) {
        // A yes that no backend said is none.
        if (verdict.accepted && verdict.asked) return answer(Grant(question, opened->lock()));
        const std::string& why = verdict.reason;
        if (verdict.passing) return answer(absl::UnavailableError(why));
        answer(absl::UnauthenticatedError(why.empty() ? "the backend declined" : why));
      });
  *opened = session;
  return session;
}

}  // namespace tallybus
