// A question goes to the router as a record, its answer comes back as a task of the web thread.
#include "transports/web/gateway_sessions.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <sys/random.h>

#include <utility>

#include "tallybus/codec.h"
#include "transports/web/client_close.h"
#include "transports/web/pending_answer.h"
#include "transports/web/token.h"

namespace tallybus {
namespace {

// Where the router has as many, it refuses too. Counted here, a stranger's question costs it
// nothing.
constexpr long kMostQuestions = 64;
constexpr std::string_view kTooMany = "too many calls wait for the backend";

// Nobody can tell the next one from those before it.
std::string NewSessionId() {
  uint64_t number = 0;
  while (getrandom(&number, sizeof number, 0) != sizeof number) {
  }
  return absl::StrFormat("web/%016x", number);
}

std::string ConnectJson(const GatewaySessions::Connect& connect, const std::string& node_id,
                        const std::string& session_id) {
  std::string json =
      absl::StrCat("{\"nodeId\":", JsonString(node_id), ",\"appKey\":", JsonString(connect.app_key),
                   ",\"sessionId\":", JsonString(session_id));
  if (!connect.auth_token.empty()) {
    absl::StrAppend(&json, ",\"authToken\":", JsonString(connect.auth_token));
  }
  if (!connect.further.empty()) absl::StrAppend(&json, ",", connect.further);
  return json.append("}");
}

GatewaySessions::Verdict VerdictOf(AskAnswer&& answer) {
  GatewaySessions::Verdict verdict;
  verdict.accepted = answer.accepted;
  // A `connect` that failed is declined: what is said of an accepted one is that nobody was asked.
  verdict.asked = !answer.accepted || answer.reason.empty();
  // The router gives each no of the backend's an object.
  verdict.passing = !answer.accepted && answer.json.empty();
  verdict.reason = std::move(answer.reason);
  verdict.json = std::move(answer.json);
  return verdict;
}

}  // namespace

std::shared_ptr<GatewaySessions::Session> GatewaySessions::Open(
    Connect connect, std::shared_ptr<ServerThread> thread, Answer answer) {
  std::shared_ptr<Session> session(new Session(*this, NewSessionId(), std::move(answer)));
  const auto give = [thread = std::move(thread),
                     waiting = std::weak_ptr<Session>(session)](Verdict got) {
    thread->Post([waiting, verdict = std::move(got)]() mutable {
      if (const auto waits = waiting.lock()) Take(*waits, std::move(verdict));
    });
  };
  const auto refuse = [&](std::string_view reason, bool passing) {
    session->declined_ = true;  // the router does not know it
    Verdict refused;
    refused.passing = passing;
    refused.reason = reason;
    give(std::move(refused));
    return session;
  };
  if (connect.auth_token.size() > TokenVerifier::kMaxTokenBytes) {
    return refuse("the token is too long", false);
  }
  if (questions_.use_count() > kMostQuestions) return refuse(kTooMany, true);
  Ask ask;
  ask.event.time = clock_.WallNow();
  ask.event.method = kConnect;
  ask.event.node_id = node_id_;
  ask.event.session_id = session->id();
  ask.event.json = ConnectJson(connect, node_id_, session->id());
  ask.event.app_key = std::move(connect.app_key);
  ask.expires = absl::InfiniteFuture();  // the app's timeout is the bound
  ask.answer = [give, counted = questions_](AskAnswer got) { give(VerdictOf(std::move(got))); };
  IngressBatch batch;
  batch.records.emplace_back(std::move(ask));
  const absl::Status status = sink_->Accept(std::move(batch));
  if (status.ok()) return session;
  return refuse(absl::IsUnavailable(status) ? client_close::kGoingAway.text : kTooMany, true);
}

void GatewaySessions::Take(Session& session, Verdict verdict) {
  session.declined_ = !verdict.accepted;
  std::exchange(session.answer_, nullptr)(verdict);
}

// What was closed before its answer is not opened by it: the router hears of both in order.
GatewaySessions::Session::~Session() {
  if (declined_) return;
  sessions_.closed_.push_back(id_);
  sessions_.TellClosed();
}

// A router that stops closes what is left when it starts again.
void GatewaySessions::TellClosed() {
  if (closed_.empty()) return;
  IngressBatch batch;
  for (const std::string& id : closed_) {
    batch.records.emplace_back(
        SessionChange{SessionChange::Action::kClose, id, "", std::nullopt, 0});
  }
  if (!absl::IsResourceExhausted(sink_->Accept(std::move(batch)))) closed_.clear();
}

}  // namespace tallybus
