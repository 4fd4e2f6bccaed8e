// An event sink that keeps its batches and has room or none, as the test says.
#ifndef TALLYBUS_TESTS_TRANSPORTS_ZMQ_RECORDING_SINK_H_
#define TALLYBUS_TESTS_TRANSPORTS_ZMQ_RECORDING_SINK_H_

#include <utility>
#include <variant>
#include <vector>

#include "tallybus/ingress.h"

namespace tallybus::zmq_transport {

class RecordingSink final : public EventSink {
 public:
  absl::Status Accept(IngressBatch&& batch) override {
    if (full) return absl::ResourceExhaustedError("full");
    batches.push_back(std::move(batch));
    return absl::OkStatus();
  }
  bool IsBehind() const override { return behind; }
  bool HasRoom() const override { return !full; }

  template <typename Record>
  std::vector<Record> All() const {
    std::vector<Record> found;
    for (const IngressBatch& batch : batches) {
      for (const IngressRecord& record : batch.records) {
        if (const auto* one = std::get_if<Record>(&record)) found.push_back(*one);
      }
    }
    return found;
  }
  std::vector<Event> events() const { return All<Event>(); }

  std::vector<IngressBatch> batches;
  bool full = false;
  bool behind = false;
};

}  // namespace tallybus::zmq_transport

#endif  // TALLYBUS_TESTS_TRANSPORTS_ZMQ_RECORDING_SINK_H_
