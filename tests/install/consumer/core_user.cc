// Uses core as a C++ library: codec and policy, which bring in protobuf, simdjson and Abseil; and a
// router without a route.
#include <tallybus/client_channel.h>
#include <tallybus/clock.h>
#include <tallybus/codec.h>
#include <tallybus/error_event.h>
#include <tallybus/limited_log.h>
#include <tallybus/mailbox.h>
#include <tallybus/policy.h>
#include <tallybus/router.h>
#include <tallybus/session_table.h>
#include <tallybus/transport_registry.h>

#include <iostream>
#include <memory>
#include <string_view>
#include <utility>

namespace {

class NoLog final : public tallybus::Log {
 public:
  void Write(tallybus::LogLevel, std::string_view) override {}
};

}  // namespace

int main() {
  const tallybus::SystemClock clock;
  tallybus::EventDefaults defaults;
  defaults.now = clock.WallNow();
  auto event =
      tallybus::EventFromJson(tallybus::kStreamStatusEvent,
                              R"({"name":"cam","published":true,"status":"STOPPED"})", defaults);
  if (!event.ok() || !event->terminal) return 1;
  // There and back through protobuf.
  auto again = tallybus::EventFromEnvelope(tallybus::EnvelopeFromEvent(*event), defaults);
  if (!again.ok() || tallybus::LaneKey(*again) != "defaultApp/cam") return 1;

  tallybus::Metrics metrics;
  NoLog log;
  const std::unique_ptr<tallybus::Spool> spool = tallybus::NewMemorySpool(size_t{1} << 20);
  tallybus::Router router(
      {.clock = clock, .spool = *spool, .metrics = metrics, .log = log, .clients = {}, .wake = {}});
  if (!router.Start().ok()) return 1;
  tallybus::IngressBatch batch;
  batch.records.push_back(*std::move(again));
  if (!router.Accept(std::move(batch)).ok()) return 1;
  router.Step();
  std::cout << "accepted " << router.Totals().accepted << "\n";
  return router.Totals().accepted == 1 ? 0 : 1;
}
