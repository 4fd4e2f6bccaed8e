// A transport without a wire: it remembers each attempt, and the test decides when and how it ends.
#ifndef TALLYBUS_TESTS_SUPPORT_SCRIPTED_TRANSPORT_H_
#define TALLYBUS_TESTS_SUPPORT_SCRIPTED_TRANSPORT_H_

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tallybus/transport.h"

namespace tallybus::testing {

// What an HTTP status means for an event that must arrive.
inline Verdict VerdictOf(int code) {
  if (code / 100 == 2) return Verdict::kDelivered;
  if (code == 401 || (code >= 403 && code <= 405) || code == 407) return Verdict::kHold;
  if (code == 410) return Verdict::kGone;
  if (code == 408 || code == 425 || code == 429) return Verdict::kRetryLater;
  return code / 100 == 5 && code != 501 && code != 505 ? Verdict::kRetryLater : Verdict::kRejected;
}

// What a peer's HTTP answer becomes.
inline DeliveryResult Answered(int code, std::string reason = "OK", std::string answer = "") {
  DeliveryResult result;
  result.verdict = VerdictOf(code);
  result.remote_code = code;
  result.reason = std::move(reason);
  result.answer = std::move(answer);
  return result;
}

// Nobody listens: the request never reached a peer.
inline DeliveryResult Refused() {
  DeliveryResult result;
  result.reason = "connection refused";
  result.never_sent = true;
  return result;
}

// Another attempt failed while this one waited for a connection.
inline DeliveryResult Unsent() {
  DeliveryResult result = Refused();
  result.status = absl::CancelledError("put back");
  return result;
}

// The request may have arrived, the answer did not.
inline DeliveryResult TimedOut() {
  DeliveryResult result;
  result.reason = "timed out";
  return result;
}

// One thread.
class ScriptedTransport final : public Transport {
 public:
  struct Attempt {  // a copy of a Delivery; of a batch, its first event
    Ticket ticket;
    Event event;
    std::string body;
    std::string lane;
    uint64_t lane_sequence;
    int attempt;
    bool redelivery;
    bool reordered;
    uint32_t coalesced;
    std::string url;
    MonoTime deadline;
    bool want_answer;
    bool ahead;
    std::vector<std::string> batch;  // the name of each event, in order
    bool open = true;
  };
  // Ends an attempt inside Deliver; nullopt: it stays open.
  using Script = std::function<std::optional<DeliveryResult>(const Attempt&)>;

  void SetSink(DeliverySink& sink) { sink_ = &sink; }
  void Run(Script script) { script_ = std::move(script); }
  void SetMostAhead(int most) { most_ahead_ = most; }

  absl::Status Start() override { return absl::OkStatus(); }
  void Deliver(std::span<const Delivery> deliveries) override {
    for (const Delivery& d : deliveries) {
      const Parcel& p = d.parcels.front();
      std::vector<std::string> batch;
      for (const Parcel& each : d.parcels) batch.push_back(each.event.name);
      attempts_.push_back({d.ticket, p.event, std::string(p.body), std::string(p.lane),
                           p.lane_sequence, p.attempt, p.redelivery, p.reordered, p.coalesced,
                           d.endpoint.url, d.deadline, d.want_answer, d.ahead, std::move(batch)});
      if (!script_) continue;
      if (auto result = script_(attempts_.back())) Complete(attempts_.size() - 1, *result);
    }
  }
  int most_ahead() const override { return most_ahead_; }
  void Stop(MonoTime) override {
    for (size_t i = 0; i < attempts_.size(); ++i) {
      if (attempts_[i].open) Complete(i, TimedOut());
    }
  }

  // Ends attempt number `index`, from 0.
  void Complete(size_t index, DeliveryResult result) {
    attempts_.at(index).open = false;
    sink_->Complete(attempts_[index].ticket, std::move(result));
  }

  const std::vector<Attempt>& attempts() const { return attempts_; }
  // "<name> <status>" of each attempt, in order.
  std::vector<std::string> Story() const {
    std::vector<std::string> story;
    for (const Attempt& a : attempts_) story.push_back(a.event.name + " " + a.event.status);
    return story;
  }
  size_t open() const {
    size_t count = 0;
    for (const Attempt& a : attempts_) count += a.open ? 1 : 0;
    return count;
  }

 private:
  DeliverySink* sink_ = nullptr;
  Script script_;
  int most_ahead_ = 0;
  std::vector<Attempt> attempts_;
};

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_SUPPORT_SCRIPTED_TRANSPORT_H_
