// What a batch holds.
#include "tallybus/ingress.h"

#include <algorithm>
#include <variant>

namespace tallybus {
namespace {

size_t BytesOf(const IngressRecord& record) {
  if (const auto* event = std::get_if<Event>(&record)) return event->MemoryBytes();
  if (const auto* stated = std::get_if<StreamStated>(&record)) return stated->status.MemoryBytes();
  if (const auto* change = std::get_if<PublisherChange>(&record)) {
    return sizeof(*change) + change->source.size() + change->node_id.size();
  }
  if (const auto* ask = std::get_if<Ask>(&record)) return ask->event.MemoryBytes();
  if (const auto* rejected = std::get_if<RejectedRecord>(&record)) return rejected->bytes.size();
  const auto& change = std::get<SessionChange>(record);
  return sizeof(change) + change.session_id.size() + change.app_key.size() +
         change.rest_client_config.value_or("").size();
}

}  // namespace

size_t IngressBatch::MemoryBytes() const {
  size_t bytes = 0;
  for (const IngressRecord& record : records) bytes += BytesOf(record);
  return bytes;
}

bool IngressBatch::HoldsEvents() const {
  return std::any_of(records.begin(), records.end(), [](const IngressRecord& record) {
    return std::holds_alternative<Event>(record) || std::holds_alternative<RejectedRecord>(record);
  });
}

bool IngressBatch::HoldsTerminal() const {
  return std::any_of(records.begin(), records.end(), [](const IngressRecord& record) {
    const auto* event = std::get_if<Event>(&record);
    return event != nullptr && event->terminal;
  });
}

}  // namespace tallybus
