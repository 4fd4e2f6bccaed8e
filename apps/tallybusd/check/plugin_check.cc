// A transport over nothing: nobody takes its results, and its log is not read.
#include "apps/tallybusd/check/plugin_check.h"

#include <absl/strings/str_cat.h>

#include "tallybus/counted.h"

namespace tallybus::check {
namespace {

class NoSink final : public DeliverySink {
  void Complete(Ticket, DeliveryResult) override {}
};

class NoLog final : public Log {
  void Write(LogLevel, std::string_view) override {}
};

}  // namespace

void CheckPlugins(const std::set<std::string>& schemes, const TransportCatalog& catalog,
                  Findings* findings) {
  NoSink sink;
  NoLog log;
  const SystemClock clock;
  Metrics metrics;
  uint64_t tested = 0;
  for (const auto& [scheme, file] : catalog.plugin_files) {
    if (!schemes.contains(scheme)) continue;
    ++tested;
    const absl::Status status =
        catalog.registry.Find(scheme)->create({sink, clock, metrics, log}).status();
    if (!status.ok()) {
      findings->Error(absl::StrCat("transport ", scheme, " (", file, "): ", status.message()));
    }
  }
  if (tested > 0) findings->tested.push_back(Counted(tested, "plugin"));
}

}  // namespace tallybus::check
