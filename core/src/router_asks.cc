// Calls that the backend may refuse: asked once, answered once; what a session's connect holds back
// goes on with its answer.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "codec/json_members.h"
#include "policy/failure_policy.h"
#include "router_line.h"
#include "tallybus/codec.h"

namespace tallybus {
namespace {

// So many wait for a backend's answer at a time: each is a connection, or waits for one.
constexpr size_t kMostAsks = 4096;
// Of those that no engine asks, but anybody who reaches the web port: half of the connections that
// an endpoint has, so that its events and the engines' calls go on where a backend hangs.
constexpr size_t kMostGatewayAsks = 64;

constexpr char kNoBackend[] = "the app has no backend";
constexpr char kNotAsked[] = "the app's backend is not asked";
constexpr char kTooMany[] = "too many calls wait for the backend";
constexpr char kTooLate[] = "timed out";
constexpr char kStopping[] = "the router is stopping";

// It decided about this call; all else may come out otherwise the next time.
bool SaidNo(const DeliveryResult& result) {
  constexpr int kPassing[] = {408, 425, 429};
  const int code = result.remote_code;
  return code >= 400 && code < 500 &&
         std::find(std::begin(kPassing), std::end(kPassing), code) == std::end(kPassing);
}

bool IsObject(std::string_view json) {
  std::vector<JsonMember> members;
  return SplitJsonObject(json, &members).ok();
}

// The answer's restClientConfig, whatever it is; nullopt: it has none.
std::optional<std::string> ConfigOf(std::string_view json) {
  std::vector<JsonMember> members;
  if (!SplitJsonObject(json, &members).ok()) return std::nullopt;
  for (const JsonMember& member : members) {
    if (member.key == "restClientConfig") return std::string(member.value);
  }
  return std::nullopt;
}

}  // namespace

void Router::Line::TakeAsk(Ask&& ask, Turn* turn) {
  Event& call = ask.event;
  const uint64_t epoch = call.id.epoch;
  if (call.id.epoch == 0) call.id = {parts.epoch, ++last_sequence_};
  OpenAsk open{.method = call.method,
               .session_id = call.session_id,
               .app_key = call.app_key,
               .epoch = epoch,
               .answer = std::move(ask.answer)};
  AskDecision decision = DecideAsk(call, sessions, *routes);
  open.route = decision.route;
  open.survives_failure = decision.survives_failure;
  if (ask.expires <= PassTime()) return Decline(std::move(open), kTooLate, turn);
  if (decision.no_backend && epoch != 0) return Decline(std::move(open), kNoBackend, turn);
  if (!decision.route) {  // spared
    AskAnswer answer;
    answer.accepted = true;
    // A gateway of ours decides by itself what a yes is worth that nobody said.
    if (epoch == 0) answer.reason = decision.no_backend ? kNoBackend : kNotAsked;
    return Finish(std::move(open), std::move(answer), turn);
  }
  size_t& open_asks = epoch == 0 ? open_gateway_asks_ : open_asks_;
  if (open_asks >= (epoch == 0 ? kMostGatewayAsks : kMostAsks)) {
    return Decline(std::move(open), kTooMany, turn);
  }
  open.holds_events = call.method == kConnect && !call.session_id.empty();
  if (open.holds_events) held_.Begin(open.session_id);
  if (decision.exclude) call.json = WithoutFields(call.json, decision.exclude);
  ++open_asks;
  auto asked = std::make_shared<OpenAsk>(std::move(open));
  EndpointQueue* queue = dispatcher.FindQueue(decision.route->name);
  const absl::Status status =
      dispatcher.Ask(*queue, std::move(call), [this, asked](DeliveryResult result, absl::Duration) {
        answers_.emplace_back(std::move(*asked), std::move(result));
      });
  if (status.ok()) return;
  DeliveryResult not_sent;
  not_sent.reason = kStopping;
  answers_.emplace_back(std::move(*asked), std::move(not_sent));
}

bool Router::Line::TakeAnswers() {
  auto answers = std::exchange(answers_, {});
  for (auto& [ask, result] : answers) {
    --(ask.epoch == 0 ? open_gateway_asks_ : open_asks_);
    Turn turn;
    AskAnswer answer;
    answer.accepted = Succeeded(*ask.route, result);
    if (!answer.accepted) {
      answer.reason = FailureInfo(PhraseOf(result), result.answer);
      LogFailedAsk(ask, result.remote_code, answer.reason);
      answer.accepted = ask.survives_failure;
    }
    if (IsObject(result.answer)) {
      answer.json = std::move(result.answer);
    } else if (answer.accepted && !result.answer.empty() && ask.method == kConnect) {
      ask_log_.Write(LogLevel::kWarning,
                     absl::StrCat("connect of session \"", EscapedPrefix(ask.session_id, 128),
                                  "\": the answer is no JSON object, or longer than 64 KiB: it "
                                  "brings no restClientConfig"));
    }
    // To a gateway of ours a no without an object is one that the backend has not said.
    if (ask.epoch == 0 && !answer.accepted) {
      if (!SaidNo(result)) answer.json.clear();
      if (SaidNo(result) && answer.json.empty()) answer.json = "{}";
    }
    Finish(std::move(ask), std::move(answer), &turn);
    Append(std::move(turn));
  }
  return !answers.empty();
}

void Router::Line::Decline(OpenAsk&& ask, std::string_view reason, Turn* turn) {
  LogFailedAsk(ask, 0, reason);
  AskAnswer answer;
  answer.accepted = ask.survives_failure;
  answer.reason = reason;
  Finish(std::move(ask), std::move(answer), turn);
}

// One that is gone would never close what is opened for it.
bool Router::Line::IsThere(uint64_t engine) const {
  auto found = publishers_.find(engine);
  return found == publishers_.end() || found->second.state == PublisherRecord::State::kOpen;
}

// The engine hears of it before the session's events go on.
void Router::Line::Finish(OpenAsk&& ask, AskAnswer&& answer, Turn* turn) {
  (answer.accepted ? counters_.asks_accepted : counters_.asks_declined).Add();
  const bool opens = ask.method == kConnect && !ask.session_id.empty() &&
                     !held_.WasClosed(ask.session_id) && IsThere(ask.epoch);
  if (opens && answer.accepted) {
    answer.session = SessionChange{SessionChange::Action::kOpen, ask.session_id, ask.app_key,
                                   ConfigOf(answer.json), ask.epoch};
    TakeSession(SessionChange(*answer.session), turn);
  }
  ask.answer(std::move(answer));
  if (!ask.holds_events) return;
  for (Event& event : held_.End(ask.session_id, &turn->batch.live)) {
    TakeEvent(std::move(event), turn);
  }
}

void Router::Line::LogFailedAsk(const OpenAsk& ask, int code, std::string_view reason) {
  ask_log_.Write(
      LogLevel::kWarning,
      absl::StrCat(ask.method, " of session \"", EscapedPrefix(ask.session_id, 128), "\" of ",
                   EscapedPrefix(ask.app_key, 128),
                   ask.survives_failure ? " failed: " : " declined: ",
                   code == 0 ? "" : absl::StrCat(code, " "), EscapedPrefix(reason, 256)));
}

// Nothing of a session passes what waits for its connect, least of all an end that the router
// makes.
void Router::Line::TakeInOrder(const std::string& source, Event&& event, Turn* turn) {
  if (!held_.Holds(event.session_id)) return TakeEvent(std::move(event), turn);
  if (event.id.epoch == 0) event.id = {parts.epoch, ++last_sequence_};
  if (held_.Hold(source, event, &turn->batch.live)) return;
  const std::string session_id = event.session_id;
  for (Event& earlier : held_.LetGo(session_id, &turn->batch.live)) {
    TakeEvent(std::move(earlier), turn);
  }
  TakeEvent(std::move(event), turn);
}

// Whoever asked has lost the answer with the process that waited for it; a client of its gateway
// has lost the connection that its session was.
bool Router::Line::LetGoOfLeft() {
  if ((!held_.HasLeft() && left_sessions_.empty()) || parts.offline) return false;
  Turn turn;
  for (std::string& id : std::exchange(left_sessions_, {})) {
    TakeSession({SessionChange::Action::kClose, std::move(id), "", std::nullopt, 0}, &turn);
  }
  for (Event& event : held_.TakeLeft(&turn.batch.live)) TakeEvent(std::move(event), &turn);
  Append(std::move(turn));
  return true;
}

}  // namespace tallybus
