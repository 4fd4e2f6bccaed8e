// Whatever a backend answers to `connect`: who asked hears of it once, and the session's next event
// goes on.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "tallybus/router.h"
#include "tests/support/event_builder.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recording_log.h"
#include "tests/support/scripted_transport.h"

namespace tallybus::testing {
namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

// The first byte chooses the status.
DeliveryResult AnswerOf(const uint8_t* data, size_t size) {
  constexpr int kStatuses[] = {200, 204, 302, 403, 500};
  if (size == 0) return Refused();
  return Answered(kStatuses[data[0] % 5], "OK",
                  std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
}

void Run(const uint8_t* data, size_t size) {
  ManualClock clock;
  Metrics metrics;
  RecordingLog log;
  ScriptedTransport transport;
  const std::unique_ptr<Spool> spool = NewMemorySpool(size_t{1} << 24);
  Router router(Router::Parts{
      .clock = clock, .spool = *spool, .metrics = metrics, .log = log, .clients = {}});
  transport.SetSink(router);
  Check(router.Start().ok());
  auto route = std::make_shared<Route>();
  route->name = "defaultApp/backend";
  route->app_config = std::make_shared<RestClientConfig>();
  route->transport = &transport;
  router.SetRoutes({{{kApp, route}}, {}});
  int answers = 0;
  Ask ask;
  ask.event = StatusEvent("a", "PUBLISHING");
  ask.event.method = kConnect;
  ask.expires = absl::InfiniteFuture();
  ask.answer = [&answers](AskAnswer) { ++answers; };
  Check(router.Accept({{std::move(ask), StatusEvent("a", "PUBLISHING")}, std::nullopt}).ok());
  router.Step();
  Check(transport.attempts().size() == 1 && answers == 0);
  transport.Complete(0, AnswerOf(data, size));
  router.Step();
  Check(answers == 1);
  Check(router.Accept({{StatusEvent("b", "PUBLISHING")}, std::nullopt}).ok());
  router.Step();
}

}  // namespace
}  // namespace tallybus::testing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tallybus::testing::Run(data, size);
  return 0;
}
