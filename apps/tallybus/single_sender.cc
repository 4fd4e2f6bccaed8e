// The transport is the daemon's, so that what is sent is, too.
#include "apps/tallybus/single_sender.h"

#include <utility>
#include <vector>

#include "transports/rest/rest_transport.h"

namespace tallybus::cli {

absl::Status SingleSender::Check(const Endpoint& endpoint) {
  return rest::RestDescriptor().check(endpoint);
}

SingleSender::SingleSender()
    : transport_(std::make_unique<rest::RestTransport>(
          TransportContext{*this, clock_, metrics_, log_, /*threads=*/1})) {
  started_ = transport_->Start();
}

SingleSender::~SingleSender() { transport_->Stop(clock_.Now()); }

void SingleSender::Complete(Ticket, DeliveryResult result) { done_.set_value(std::move(result)); }

Attempted SingleSender::Send(const Endpoint& endpoint, std::span<const Sample> samples,
                             const Manner& manner) {
  if (!started_.ok()) {
    Attempted none;
    none.result.status = started_;
    return none;
  }
  std::vector<Parcel> parcels;
  for (const Sample& sample : samples) {
    parcels.push_back({.event = sample.event,
                       .body = sample.event.json,
                       .lane = sample.lane,
                       .lane_sequence = sample.lane_sequence,
                       .attempt = manner.duplicate ? 2 : 1,
                       .redelivery = manner.duplicate,
                       .reordered = manner.reordered,
                       .coalesced = 0});
  }
  clock_.ago = manner.signed_ago;
  done_ = {};
  const MonoTime begun = clock_.Now();
  const Delivery delivery{.ticket = Ticket{++last_},
                          .parcels = parcels,
                          .endpoint = endpoint,
                          .deadline = begun + endpoint.timeout,
                          .want_answer = false,
                          .is_call = samples.front().is_call};
  auto result = done_.get_future();
  transport_->Deliver({&delivery, 1});
  return {.result = result.get(), .took = clock_.Now() - begun};
}

}  // namespace tallybus::cli
