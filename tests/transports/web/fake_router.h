// The router, as the gateway's sessions see it.
#ifndef TALLYBUS_TESTS_TRANSPORTS_WEB_FAKE_ROUTER_H_
#define TALLYBUS_TESTS_TRANSPORTS_WEB_FAKE_ROUTER_H_

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tallybus/ingress.h"

namespace tallybus::testing {

class FakeRouter final : public EventSink {
 public:
  absl::Status Accept(IngressBatch&& batch) override {
    if (!status.ok()) return status;
    for (IngressRecord& record : batch.records) {
      if (auto* ask = std::get_if<Ask>(&record)) {
        asks.push_back(std::move(*ask));
      } else {
        closed.push_back(std::get<SessionChange>(record).session_id);
      }
    }
    return absl::OkStatus();
  }
  bool IsBehind() const override { return false; }
  bool HasRoom() const override { return true; }

  absl::Status status;
  std::vector<Ask> asks;
  std::vector<std::string> closed;
};

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_TRANSPORTS_WEB_FAKE_ROUTER_H_
