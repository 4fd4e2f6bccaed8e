// All texts of a delivery in one piece of memory, and the C structs that point into it.
#include "plugins/loader/delivery_copy.h"

#include <absl/time/time.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace tallybus::loader {
namespace {

constexpr size_t kLongestId = 40;  // 16 digits, a dash, up to 20 digits

size_t TextBytes(const Parcel& parcel) {
  const Event& event = parcel.event;
  return parcel.body.size() + parcel.lane.size() + kLongestId + event.method.size() +
         event.node_id.size() + event.app_key.size() + event.session_id.size() +
         event.media_session_id.size() + event.name.size() + event.status.size();
}

uint32_t FlagIf(bool set, uint32_t flag) { return set ? flag : 0; }

uint32_t FlagsOf(const Parcel& parcel) {
  return FlagIf(parcel.redelivery, TALLYBUS_PARCEL_REDELIVERY) |
         FlagIf(parcel.reordered, TALLYBUS_PARCEL_REORDERED) |
         FlagIf(parcel.event.from_router, TALLYBUS_PARCEL_FROM_ROUTER) |
         FlagIf(parcel.event.terminal, TALLYBUS_PARCEL_TERMINAL);
}

uint32_t Milliseconds(absl::Duration time) {
  const int64_t most = std::numeric_limits<uint32_t>::max();
  return static_cast<uint32_t>(std::clamp<int64_t>(absl::ToInt64Milliseconds(time), 0, most));
}

}  // namespace

int64_t Nanoseconds(MonoTime time) { return absl::ToInt64Nanoseconds(time - MonoTime()); }

EndpointCopy::EndpointCopy(const Endpoint& endpoint) : endpoint_(endpoint) {
  for (const auto& [name, value] : endpoint_.options) {
    options_.push_back({Bytes(name), Bytes(value)});
  }
  c_.struct_size = sizeof c_;
  c_.id = endpoint_.id;
  c_.route = Bytes(endpoint_.route);
  c_.url = Bytes(endpoint_.url);
  c_.options = options_.data();
  c_.option_count = options_.size();
  c_.timeout_ms = Milliseconds(endpoint_.timeout);
  c_.max_connections = static_cast<uint32_t>(std::max(endpoint_.max_connections, 1));
}

DeliveryCopy::DeliveryCopy(const Delivery& delivery, std::shared_ptr<const EndpointCopy> endpoint)
    : endpoint_(std::move(endpoint)) {
  size_t room = 0;
  for (const Parcel& parcel : delivery.parcels) room += TextBytes(parcel);
  text_.reserve(room);
  for (const Parcel& parcel : delivery.parcels) parcels_.push_back(Copy(parcel));
  for (const tallybus_parcel& parcel : parcels_) pointers_.push_back(&parcel);
  c_.struct_size = sizeof c_;
  c_.ticket = static_cast<uint64_t>(delivery.ticket);
  c_.endpoint = endpoint_->c();
  c_.parcels = pointers_.data();
  c_.parcel_count = pointers_.size();
  c_.deadline_ns = Nanoseconds(delivery.deadline);
  c_.flags = FlagIf(delivery.want_answer, TALLYBUS_DELIVERY_WANTS_ANSWER) |
             FlagIf(delivery.is_call, TALLYBUS_DELIVERY_IS_CALL);
}

tallybus_bytes DeliveryCopy::Keep(std::string_view text) {
  if (text.empty()) return {nullptr, 0};
  const size_t at = text_.size();
  text_ += text;
  return {text_.data() + at, text.size()};
}

tallybus_parcel DeliveryCopy::Copy(const Parcel& parcel) {
  const Event& event = parcel.event;
  tallybus_parcel c = {};
  c.struct_size = sizeof c;
  c.body = Keep(parcel.body);
  c.event_id = Keep(event.id.ToString());
  c.method = Keep(event.method);
  c.node_id = Keep(event.node_id);
  c.app_key = Keep(event.app_key);
  c.session_id = Keep(event.session_id);
  c.media_session_id = Keep(event.media_session_id);
  c.name = Keep(event.name);
  c.status = Keep(event.status);
  c.lane = Keep(parcel.lane);
  c.lane_sequence = parcel.lane_sequence;
  c.time_unix_us = absl::ToUnixMicros(event.time);
  c.attempt = static_cast<uint32_t>(parcel.attempt);
  c.coalesced = parcel.coalesced;
  c.flags = FlagsOf(parcel);
  return c;
}

}  // namespace tallybus::loader
