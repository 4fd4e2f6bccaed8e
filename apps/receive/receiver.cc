// What happens to each request.
#include "apps/receive/receiver.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <utility>

#include "tallybus/counted.h"
#include "tallybus/event.h"

namespace tallybus::receive {
namespace {

// A router opens up to 128 connections to one endpoint; hanging ones pile up beside them.
constexpr size_t kConnections = 1024;
constexpr size_t kBodyBytes = 2 * kMaxEventBytes;

HttpAnswer OnlyPost() {
  HttpAnswer answer;
  answer.status = 405;
  answer.headers.emplace_back("Allow", "POST");
  return answer;
}

}  // namespace

std::string Receiver::Totals::ToString() const {
  std::string text = absl::StrCat(Counted(events, "event"), ", ", Counted(duplicates, "duplicate"),
                                  ", ", Counted(holes, "hole"));
  if (refused != 0) absl::StrAppend(&text, ", ", refused, " refused");
  if (forgotten != 0)
    absl::StrAppend(&text, ", ", Counted(forgotten, "id or lane", "ids or lanes"), " forgotten");
  return text;
}

Receiver::Receiver(Options options)
    : options_(std::move(options)),
      ids_(options_.remembered_ids),
      lanes_(options_.remembered_lanes) {}

absl::StatusOr<std::unique_ptr<Receiver>> Receiver::Start(Options options) {
  std::unique_ptr<Receiver> receiver(new Receiver(std::move(options)));
  // Requests wait for the lock, so that the address is the first line.
  std::lock_guard lock(receiver->mutex_);
  absl::StatusOr<std::unique_ptr<HttpServer>> server = HttpServer::Start(receiver->ServerOptions());
  if (!server.ok()) return server.status();
  receiver->server_ = *std::move(server);
  receiver->options_.print(absl::StrCat("listening on http://", receiver->address()));
  return receiver;
}

HttpServer::Options Receiver::ServerOptions() {
  HttpServer::Options http;
  http.listen = options_.listen;
  http.setting = options_.setting;
  http.thread_name = "tallybus-recv";
  http.max_connections = kConnections;
  http.body_bytes = kBodyBytes;
  // A router keeps connections for its next event; a backend should not be the one to end them.
  http.idle_timeout = absl::Minutes(5);
  http.handler = [this](const HttpRequest& request) { return OnRequest(request); };
  http.refused = [this](std::string_view reason) {
    std::lock_guard lock(mutex_);
    ++totals_.refused;
    if (!options_.json) options_.print(absl::StrCat("refused: ", std::string(reason)));
  };
  return http;
}

HttpAnswer Receiver::OnRequest(const HttpRequest& request) {
  if (request.method != "POST") return OnlyPost();
  std::lock_guard lock(mutex_);
  Arrival arrival = ReadArrival(request);
  Judge(arrival);
  const ScriptedAnswer& scripted = options_.script.Next();
  arrival.answer = scripted.ToString();
  options_.print(options_.json ? JsonLine(arrival)
                               : ReadableLine(arrival, Rfc3339Millis(absl::Now())));
  return AnswerTo(scripted, arrival);
}

void Receiver::Judge(Arrival& arrival) {
  ++totals_.events;
  arrival.duplicate = !arrival.id.empty() && ids_.Note(arrival.id);
  if (arrival.duplicate) {
    ++totals_.duplicates;
    return;  // it has its old sequence
  }
  if (arrival.lane.empty() || arrival.sequence == 0) return;
  const uint64_t due = lanes_.Note(arrival.lane, arrival.sequence);
  if (due == 0 || due == arrival.sequence) return;
  arrival.hole_before = due;
  ++totals_.holes;
}

HttpAnswer Receiver::AnswerTo(const ScriptedAnswer& scripted, const Arrival& arrival) {
  HttpAnswer answer;
  if (scripted.kind == ScriptedAnswer::Kind::kHang) answer.fate = HttpAnswer::Fate::kSilence;
  if (scripted.kind == ScriptedAnswer::Kind::kReset) answer.fate = HttpAnswer::Fate::kReset;
  answer.status = scripted.status;
  if (scripted.status == 200) {
    answer.headers.emplace_back("Content-Type", "application/json");
    answer.body = arrival.body;
  }
  answer.sent = [this] { OnSent(); };
  return answer;
}

// After the answer and not at the request: whoever stops the server then cuts nobody off.
void Receiver::OnSent() {
  if (++answered_ == options_.until && options_.done) options_.done();
}

Receiver::Totals Receiver::totals() const {
  std::lock_guard lock(mutex_);
  Totals totals = totals_;
  totals.forgotten = ids_.forgotten() + lanes_.forgotten();
  return totals;
}

}  // namespace tallybus::receive
