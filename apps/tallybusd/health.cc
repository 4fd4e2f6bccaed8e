// Read from the metrics that the parts keep anyway.
#include "health.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>
#include <unistd.h>

#include <utility>

#include "tallybus/codec.h"

namespace tallybus {
namespace {

constexpr absl::Duration kStalled = absl::Seconds(5);

int64_t Milliseconds(const Clock& clock) {
  return absl::ToInt64Milliseconds(clock.Now() - MonoTime());
}

}  // namespace

HealthReport::HealthReport(const Clock& clock, const Router& router, const Spool& spool,
                           Metrics& metrics, std::string node, std::string spool_path)
    : clock_(clock),
      router_(router),
      spool_(spool),
      node_(std::move(node)),
      spool_path_(std::move(spool_path)),
      started_(clock.Now()),
      engines_(metrics.GetGauge("tallybus_engines_connected", "Engines that are connected")),
      engines_refused_(metrics.GetCounter("tallybus_engines_refused_total",
                                          "Engines refused for their protocol version")),
      waiting_(metrics.GetGauge("tallybus_waiting_events",
                                "Events in the spool that no attempt is made for")),
      in_flight_(
          metrics.GetGauge("tallybus_in_flight_events", "Events that a transport is sending")) {
  Turned();
}

void HealthReport::Turned() { turned_ms_.store(Milliseconds(clock_), std::memory_order_relaxed); }

Health HealthReport::Ask() const { return AskWith(""); }

Health HealthReport::AskStatus() const {
  return AskWith(absl::StrCat("\"pid\":", getpid(), ",\"uptime_seconds\":",
                              absl::ToInt64Seconds(clock_.Now() - started_), ","));
}

Health HealthReport::AskWith(const std::string& more) const {
  const int64_t silent = Milliseconds(clock_) - turned_ms_.load(std::memory_order_relaxed);
  const bool turns = silent < absl::ToInt64Milliseconds(kStalled);
  const bool room = router_.HasRoom();
  absl::string_view status = "ok";
  if (!room) status = "spool full";
  if (!room && router_.IsBehind()) status = "spool behind";
  if (!spool_.Healthy()) status = "spool cannot be written";
  if (!turns) status = "router stalled";
  Health health;
  health.ok = turns && room;
  health.json = absl::StrCat(
      "{\"status\":\"", status, "\",\"node\":", JsonString(node_), ",\"version\":\"",
      TALLYBUS_VERSION, "\",", more, "\"spool\":{\"path\":", JsonString(spool_path_),
      ",\"used_bytes\":", spool_.UsedBytes(), ",\"max_bytes\":", spool_.MaxBytes(),
      "},\"engines\":{\"connected\":", engines_.Value(), ",\"refused\":", engines_refused_.Value(),
      "},\"waiting\":", waiting_.Value(), ",\"in_flight\":", in_flight_.Value(), "}\n");
  return health;
}

}  // namespace tallybus
