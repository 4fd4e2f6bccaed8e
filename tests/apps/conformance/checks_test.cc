// Each check finds the transport that breaks its sentence; those that keep all of them are the
// tests of our own transports.
#include "apps/conformance/checks.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>

#include "transports/memory/memory_transport.h"

namespace tallybus::conformance {
namespace {

using ::testing::HasSubstr;

// What it does with one delivery; nullopt: nothing, for ever.
using Wrong = std::function<std::optional<DeliveryResult>(const Delivery&)>;

// Breaks what it is told to, and stops by doing nothing.
class WrongTransport final : public Transport {
 public:
  WrongTransport(const TransportContext& context, Wrong wrong)
      : context_(context), wrong_(std::move(wrong)) {}
  absl::Status Start() override { return absl::OkStatus(); }
  void Deliver(std::span<const Delivery> deliveries) override {
    for (const Delivery& delivery : deliveries) {
      if (auto result = wrong_(delivery)) context_.sink.Complete(delivery.ticket, *result);
    }
  }
  void Stop(MonoTime) override {}

 private:
  const TransportContext context_;
  const Wrong wrong_;
};

class WrongPeer final : public Peer {
 public:
  explicit WrongPeer(std::vector<Arrival> arrivals) : arrivals_(std::move(arrivals)) {}
  Endpoint endpoint() override { return EndpointAt("memory:x"); }
  std::vector<Arrival> Arrivals() override { return arrivals_; }

 private:
  const std::vector<Arrival> arrivals_;
};

class WrongSubject final : public Subject {
 public:
  WrongSubject(Wrong wrong, std::vector<Arrival> arrivals)
      : wrong_(std::move(wrong)), arrivals_(std::move(arrivals)) {}
  TransportDescriptor descriptor() override {
    TransportDescriptor descriptor;
    descriptor.create =
        [this](const TransportContext& context) -> absl::StatusOr<std::unique_ptr<Transport>> {
      for (int i = 0; i < faults; ++i) {
        context.metrics.GetCounter("tallybus_plugin_faults_total", "", {{"fault", "twice"}}).Add();
      }
      return std::make_unique<WrongTransport>(context, wrong_);
    };
    return descriptor;
  }
  std::unique_ptr<Peer> MakePeer(PeerMood) override {
    return has_peer ? std::make_unique<WrongPeer>(arrivals_) : nullptr;
  }
  std::string NotApplicable(PeerMood mood) const override {
    return mood == PeerMood::kRejects ? "no such answer" : "";
  }
  std::vector<std::string> Carries() const override { return carries; }

  int faults = 0;
  bool has_peer = true;
  std::vector<std::string> carries;

 private:
  const Wrong wrong_;
  const std::vector<Arrival> arrivals_;
};

std::optional<DeliveryResult> Deliver(const Delivery&) {
  DeliveryResult result;
  result.verdict = Verdict::kDelivered;
  return result;
}

const Check& Named(const std::string& name) {
  for (const Check& check : Checks()) {
    if (check.name == name) return check;
  }
  ADD_FAILURE() << name;
  return Checks()[0];
}

// "ok", "failed: why" or "not checked: why".
std::string RunNamed(const std::string& name, Subject& subject) {
  const Outcome outcome = Run(Named(name), subject);
  if (outcome.kind == Outcome::Kind::kOk) return "ok";
  return (outcome.kind == Outcome::Kind::kFailed ? "failed: " : "not checked: ") + outcome.why;
}
std::string RunNamed(const std::string& name, const Wrong& wrong,
                     std::vector<Arrival> arrivals = {}) {
  WrongSubject subject(wrong, std::move(arrivals));
  return RunNamed(name, subject);
}

TEST(ChecksTest, WhatDoesNotArriveIsFound) {
  EXPECT_EQ(RunNamed("BytesArriveExactly", Deliver), "failed: 0 of 1 arrived");
  Arrival other;
  other.body = "{}";
  EXPECT_EQ(RunNamed("BytesArriveExactly", Deliver, {other}),
            "failed: what arrived is not the body");
  EXPECT_EQ(RunNamed("AMebibyteArrives", Deliver, {other}), "failed: what arrived is not the body");
  EXPECT_THAT(RunNamed("EveryAttributeSurvives", Deliver, {other}),
              HasSubstr("failed: the request does not hold: method, id, time, lane"));
  EXPECT_EQ(RunNamed("AThousandInFlightAllArrive", Deliver, {other}), "failed: 1 of 1000 arrived");
  Arrival flagged;
  flagged.redelivery = true;
  EXPECT_EQ(RunNamed("FlagsThatAreNotSetDoNotArrive", Deliver, {flagged}),
            "failed: a flag arrived all the same");
}

TEST(ChecksTest, OfAnUnknownProtocolWhatMustBeCarriedIsSaid) {
  Arrival raw;
  raw.bytes = "ConnectionStatusEvent";
  WrongSubject subject(Deliver, {raw});
  EXPECT_THAT(
      RunNamed("EveryAttributeSurvives", subject),
      HasSubstr("not checked: the request does not hold: id, time, lane, sequence, attempt;"));
  subject.carries = {"method"};
  EXPECT_THAT(RunNamed("EveryAttributeSurvives", subject), HasSubstr("not checked"));
  subject.carries = {"lane"};
  EXPECT_THAT(RunNamed("EveryAttributeSurvives", subject), HasSubstr("failed"));
}

TEST(ChecksTest, AnAttemptIsNotFoundInWhatElseIsSent) {
  Arrival raw;
  raw.bytes = "POST /2026-01-17 17 ConnectionStatusEvent 117";
  WrongSubject subject(Deliver, {raw});
  subject.carries = {"attempt"};
  EXPECT_EQ(RunNamed("EveryAttributeSurvives", subject),
            "failed: the request does not hold: id, time, lane, sequence, attempt");
}

// A thousand requests as the bench's events would be, by a protocol that is not known.
std::vector<Arrival> AThousand() {
  std::vector<Arrival> arrivals(1000);
  for (size_t i = 0; i < arrivals.size(); ++i) {
    const EventId id = {.epoch = 0x0123456789abcdef, .sequence = i + 1};
    arrivals[i].bytes = absl::StrCat(id.ToString(), " {\"number\":", i, "}");
  }
  return arrivals;
}

TEST(ChecksTest, OfAThousandThatArriveOneInAnothersPlaceIsFound) {
  std::vector<Arrival> arrivals = AThousand();
  EXPECT_EQ(RunNamed("AThousandInFlightAllArrive", Deliver, arrivals), "ok");
  std::string& one = arrivals[7].bytes;
  const std::string was = std::exchange(one, arrivals[8].bytes);
  EXPECT_EQ(RunNamed("AThousandInFlightAllArrive", Deliver, arrivals),
            "failed: 999 of 1000 arrived");
  for (const char* other : {"{\"number\":1000}", "{\"number\":}", "{}"}) {
    one = other;
    EXPECT_EQ(RunNamed("AThousandInFlightAllArrive", Deliver, arrivals),
              "failed: something arrived that was not sent");
  }
  Arrival known;
  known.body = "{\"number\":7}";
  known.event_id = "another";
  arrivals[7] = known;
  EXPECT_EQ(RunNamed("AThousandInFlightAllArrive", Deliver, arrivals),
            "failed: an event arrived under the id of another");
}

TEST(ChecksTest, OfAnUnknownProtocolThatCarriesIdsTheyMustBeThoseOfTheBodies) {
  std::vector<Arrival> arrivals = AThousand();
  arrivals[0].bytes = arrivals[9].bytes.substr(0, arrivals[9].bytes.find(' ')) + " {\"number\":0}";
  WrongSubject subject(Deliver, arrivals);
  EXPECT_EQ(RunNamed("AThousandInFlightAllArrive", subject), "ok");
  subject.carries = {"id"};
  EXPECT_EQ(RunNamed("AThousandInFlightAllArrive", subject),
            "failed: an event arrived under the id of another");
}

TEST(ChecksTest, WithoutAPeerACheckFailsAndSaysSo) {
  WrongSubject subject(Deliver, {});
  subject.has_peer = false;
  EXPECT_EQ(RunNamed("BytesArriveExactly", subject),
            "failed: no peer can be made here: the transport was not tried");
}

TEST(ChecksTest, AWrongVerdictIsFound) {
  EXPECT_EQ(RunNamed("APeerThatRefusesCompletesTheTicket", Deliver),
            "failed: the verdict is \"delivered\", not \"retry later\"");
  const Wrong word = [](const Delivery&) {
    DeliveryResult result;
    result.status = absl::UnavailableError("x");
    result.reason = "ECONNREFUSED";
    return result;
  };
  EXPECT_EQ(RunNamed("APeerThatRefusesCompletesTheTicket", word),
            "failed: the reason is \"ECONNREFUSED\", not \"connection refused\"");
  EXPECT_EQ(RunNamed("OverloadIsRetriedWithThePeersHint", word), "failed: the hint is 0, not 7s");
  EXPECT_EQ(RunNamed("APermanentFailureIsRejected", word), "not checked: no such answer");
}

TEST(ChecksTest, AWrongTimeIsFound) {
  const Wrong at_once = [](const Delivery&) {
    DeliveryResult result;
    result.reason = "timed out";
    return result;
  };
  EXPECT_EQ(RunNamed("APeerThatHangsCompletesByTheDeadline", at_once),
            "failed: it gave up before its deadline");
}

TEST(ChecksTest, AStopThatLeavesTicketsOpenIsFound) {
  const Wrong never = [](const Delivery&) { return std::nullopt; };
  for (const char* name :
       {"StopCompletesOpenTickets", "StopLetsOpenAttemptsFinish", "ASecondStopDoesNothing"}) {
    EXPECT_THAT(RunNamed(name, never), HasSubstr("failed: ")) << name;
  }
  EXPECT_THAT(RunNamed("ADeliveryAfterStopIsRetriedLater", Deliver), HasSubstr("failed: "));
}

TEST(ChecksTest, APluginThatDoesWhatItMustNotHasFailed) {
  WrongSubject subject(Deliver, {});
  EXPECT_EQ(RunNamed("EachTicketCompletesOnce", subject), "ok");
  subject.faults = 2;
  EXPECT_EQ(RunNamed("EachTicketCompletesOnce", subject),
            "failed: the plugin did what it must not: twice (2)");
}

TEST(ChecksTest, EachHasItsOwnSentence) {
  std::vector<std::string> sentences;
  for (const Check& check : Checks()) sentences.push_back(check.sentence);
  std::sort(sentences.begin(), sentences.end());
  EXPECT_EQ(std::unique(sentences.begin(), sentences.end()), sentences.end());
  EXPECT_EQ(sentences.size(), 17u);
}

}  // namespace
}  // namespace tallybus::conformance
