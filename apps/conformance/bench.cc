// Waiting is bounded: a completion that never comes fails a check and does not hang it.
#include "apps/conformance/bench.h"

#include <absl/strings/str_replace.h>

#include <chrono>
#include <utility>

namespace tallybus::conformance {
namespace {

// Longer than any attempt that is tried here, also on a machine that does much else.
constexpr auto kPatience = std::chrono::minutes(1);

}  // namespace

void RecordingSink::Complete(Ticket ticket, DeliveryResult result) {
  {
    std::lock_guard lock(mutex_);
    results_[ticket].push_back(std::move(result));
  }
  changed_.notify_all();
}

std::optional<DeliveryResult> RecordingSink::WaitFor(Ticket ticket) const {
  std::unique_lock lock(mutex_);
  const bool came = changed_.wait_for(lock, kPatience, [&] { return results_.count(ticket) > 0; });
  if (!came) return std::nullopt;
  return results_.at(ticket).front();
}

bool RecordingSink::WaitForTickets(size_t count) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return results_.size() >= count; });
}

int RecordingSink::Completions(Ticket ticket) const {
  std::lock_guard lock(mutex_);
  const auto results = results_.find(ticket);
  return results == results_.end() ? 0 : static_cast<int>(results->second.size());
}

size_t RecordingSink::total() const {
  std::lock_guard lock(mutex_);
  size_t total = 0;
  for (const auto& [ticket, results] : results_) total += results.size();
  return total;
}

Endpoint EndpointAt(std::string url, uint64_t id) {
  Endpoint endpoint;
  endpoint.id = id;
  endpoint.route = "defaultApp/backend";
  endpoint.url = std::move(url);
  return endpoint;
}

Bench::Bench(const TransportDescriptor& descriptor, int threads) {
  auto transport = descriptor.create(TransportContext{sink, clock, metrics, log, threads});
  status_ = transport.status();
  if (!transport.ok()) return;
  transport_ = *std::move(transport);
  status_ = transport_->Start();
}

Bench::~Bench() {
  if (status_.ok()) Stop(absl::ZeroDuration());
}

Delivery Bench::Prepare(const Endpoint& endpoint, const Options& options) {
  const auto ticket = static_cast<Ticket>(++last_ticket_);
  auto kept = std::make_unique<Kept>();
  kept->event.id = {.epoch = 0x0123456789abcdef, .sequence = last_ticket_};
  kept->event.time = absl::FromUnixMillis(1'767'225'600'123);
  kept->event.method = options.method;
  kept->event.from_router = options.from_router;
  kept->body = options.body;
  kept->lane = options.lane;
  kept->endpoint = endpoint;
  Kept& it = *kept_.emplace(ticket, std::move(kept)).first->second;
  it.parcels.push_back({.event = it.event,
                        .body = it.body,
                        .lane = it.lane,
                        .lane_sequence = options.lane_sequence,
                        .attempt = options.attempt,
                        .redelivery = options.redelivery,
                        .reordered = false,
                        .coalesced = 0});
  return Delivery{.ticket = ticket,
                  .parcels = it.parcels,
                  .endpoint = it.endpoint,
                  .deadline = clock.Now() + options.timeout,
                  .want_answer = options.want_answer,
                  .is_call = options.is_call,
                  .ahead = options.ahead};
}

Ticket Bench::Deliver(const Endpoint& endpoint, const Options& options) {
  const Delivery delivery = Prepare(endpoint, options);
  transport_->Deliver({&delivery, 1});
  return delivery.ticket;
}

std::vector<Ticket> Bench::DeliverMany(const Endpoint& endpoint, size_t count,
                                       const Options& options) {
  std::vector<Delivery> deliveries;
  std::vector<Ticket> tickets;
  for (size_t i = 0; i < count; ++i) {
    Options each = options;
    each.lane += "/" + std::to_string(i);
    each.body = absl::StrReplaceAll(options.body, {{"{n}", std::to_string(i)}});
    deliveries.push_back(Prepare(endpoint, each));
    tickets.push_back(deliveries.back().ticket);
  }
  transport_->Deliver(deliveries);
  return tickets;
}

std::optional<DeliveryResult> Bench::TryAndWait(const Endpoint& endpoint, const Options& options) {
  return sink.WaitFor(Deliver(endpoint, options));
}

const Event& Bench::EventOf(Ticket ticket) const { return kept_.at(ticket)->event; }

}  // namespace tallybus::conformance
