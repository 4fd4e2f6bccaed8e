// The router inside a C++ program, with nothing but core: a spool in memory, a transport and a
// client channel of our own. One event goes the whole line from JSON to settled.
#include <absl/status/status.h>
#include <absl/time/time.h>
#include <tallybus/client_channel.h>
#include <tallybus/clock.h>
#include <tallybus/codec.h>
#include <tallybus/ingress.h>
#include <tallybus/log.h>
#include <tallybus/metrics.h>
#include <tallybus/router.h>
#include <tallybus/spool.h>
#include <tallybus/transport.h>

#include <cstdint>
#include <iostream>
#include <memory>
#include <random>
#include <span>
#include <string_view>
#include <utility>

namespace {

constexpr std::string_view kEvent =
    R"({"appKey":"defaultApp","sessionId":"session-1","mediaSessionId":"media-1",)"
    R"("name":"camera-1","published":true,"status":"PUBLISHING"})";

class StderrLog final : public tallybus::Log {
 public:
  void Write(tallybus::LogLevel, std::string_view line) override { std::cerr << line << "\n"; }
};

// Where clients would be told.
class PrintingChannel final : public tallybus::ClientChannel {
 public:
  void Notify(const tallybus::Notification& n) override {
    std::cout << "client " << n.session_id << ": " << n.message << " " << n.id.ToString() << "\n";
  }
};

// Where a backend would be called. A real transport hands the bodies to its own threads and calls
// Complete from there; this one is done at once.
class PrintingTransport final : public tallybus::Transport {
 public:
  explicit PrintingTransport(tallybus::DeliverySink& sink) : sink_(sink) {}

  absl::Status Start() override { return absl::OkStatus(); }
  void Deliver(std::span<const tallybus::Delivery> deliveries) override {
    for (const tallybus::Delivery& delivery : deliveries) {
      const tallybus::Parcel& parcel =
          delivery.parcels.front();  // one: this route sends no batches
      std::cout << "backend: " << parcel.event.method << " " << parcel.event.id.ToString() << " "
                << parcel.body << "\n";
      tallybus::DeliveryResult result;
      result.verdict = tallybus::Verdict::kDelivered;
      sink_.Complete(delivery.ticket, std::move(result));
    }
  }
  void Stop(tallybus::MonoTime) override {}  // nothing is ever left open

 private:
  tallybus::DeliverySink& sink_;
};

tallybus::RouteTable RoutesTo(tallybus::Transport& transport) {
  auto route = std::make_shared<tallybus::Route>();
  route->name = "defaultApp/backend";
  route->app_config = std::make_shared<const tallybus::RestClientConfig>();
  route->endpoint.id = 1;
  route->endpoint.route = route->name;
  route->transport = &transport;
  return {.by_app = {{"defaultApp", std::move(route)}}, .others = {}};
}

absl::Status Publish(tallybus::Router& router, const tallybus::Clock& clock) {
  tallybus::EventDefaults defaults;
  defaults.node_id = "example";
  defaults.now = clock.WallNow();
  auto event = tallybus::EventFromJson(tallybus::kStreamStatusEvent, kEvent, defaults);
  if (!event.ok()) return event.status();
  tallybus::IngressBatch batch;
  batch.records.push_back(*std::move(event));
  return router.Accept(std::move(batch));
}

// A program that serves sleeps until `Parts::wake` is called or the time that Step returned.
bool StepUntilSettled(tallybus::Router& router, const tallybus::Clock& clock) {
  const tallybus::MonoTime deadline = clock.Now() + absl::Seconds(5);
  while (clock.Now() < deadline) {
    router.Step();
    const tallybus::RouterTotals totals = router.Totals();
    if (totals.accepted > 0 && totals.waiting + totals.in_flight == 0) return true;
  }
  return false;
}

uint64_t RandomEpoch() {
  std::random_device random;
  return uint64_t{random()} << 32 | random() | 1;  // never 0
}

}  // namespace

int main() {
  const tallybus::SystemClock clock;
  tallybus::Metrics metrics;
  StderrLog log;
  PrintingChannel channel;
  const std::unique_ptr<tallybus::Spool> spool = tallybus::NewMemorySpool(size_t{1} << 20);
  tallybus::Router router({.clock = clock,
                           .spool = *spool,
                           .metrics = metrics,
                           .log = log,
                           .clients = {&channel},
                           .commits = nullptr,
                           .wake = {},
                           .epoch = RandomEpoch()});
  if (const absl::Status started = router.Start(); !started.ok()) {
    std::cerr << started << "\n";
    return 1;
  }
  PrintingTransport transport(router);
  router.SetRoutes(RoutesTo(transport));

  const absl::Status published = Publish(router, clock);
  if (!published.ok()) {
    std::cerr << published << "\n";
    return 1;
  }
  const bool settled = StepUntilSettled(router, clock);
  std::cout << "delivered " << router.Totals().delivered << " of " << router.Totals().accepted
            << "\n";
  return settled && router.Totals().delivered == 1 ? 0 : 1;
}
