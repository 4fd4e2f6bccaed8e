// One question at a time: what is granted grows with each yes.
#include "transports/web/connect_v1_client.h"

#include <algorithm>
#include <variant>

namespace tallybus {
namespace {

constexpr size_t kMostHeld = 16;
constexpr size_t kMostHeldBytes = size_t{16} << 10;
constexpr size_t kMostGranted = 256;  // of a connection: what is unwatched stays granted

size_t BytesOf(const tallybus_v1::ClientFrame& order) {
  size_t bytes = sizeof order;
  const auto add = [&](const std::vector<WatchKey>& keys) {
    for (const WatchKey& key : keys) bytes += sizeof key + key.value.size();
  };
  if (const auto* watch = std::get_if<tallybus_v1::Watch>(&order)) {
    bytes += watch->after.size() + watch->token.size();
    add(watch->keys);
  } else if (const auto* unwatch = std::get_if<tallybus_v1::Unwatch>(&order)) {
    add(unwatch->keys);
  }
  return bytes;
}

const ClientClose& CloseOf(const absl::Status& refusal) {
  if (!absl::IsUnavailable(refusal)) return client_close::kUnauthorized;
  const absl::string_view stops(client_close::kGoingAway.text.data(),
                                client_close::kGoingAway.text.size());
  return refusal.message() == stops ? client_close::kGoingAway : client_close::kTryLater;
}

}  // namespace

ConnectV1Client::ConnectV1Client(ClientLine& line, Parts parts, tallybus_v1::Watch watch)
    : TallybusV1Client(line), line_(line), parts_(std::move(parts)), of_address_(std::move(watch)) {
  of_address_.token.clear();
}

void ConnectV1Client::Opened() {
  if (!of_address_.keys.empty()) OnOrder(std::move(of_address_));
}

void ConnectV1Client::OnOrder(tallybus_v1::ClientFrame order) {
  size_t bytes = 0;
  for (const tallybus_v1::ClientFrame& held : held_) bytes += BytesOf(held);
  const bool too_many = bytes > 0 && bytes + BytesOf(order) > kMostHeldBytes;
  if (held_.size() == kMostHeld || too_many)
    return line_.Close(client_close::kTooManyOrders, client_close::kTooManyOrders.text);
  held_.push_back(std::move(order));
  Go();
}

void ConnectV1Client::Go() {
  while (!held_.empty() && question_ == nullptr) {
    auto* watch = std::get_if<tallybus_v1::Watch>(&held_.front());
    const auto has = [this](const WatchKey& key) { return granted_ && granted_->Allow(key); };
    if (watch != nullptr && !std::all_of(watch->keys.begin(), watch->keys.end(), has)) {
      return AskFor(*watch);
    }
    tallybus_v1::ClientFrame order = std::move(held_.front());
    held_.pop_front();
    line_.Order(std::move(order));
  }
}

void ConnectV1Client::AskFor(tallybus_v1::Watch& watch) {
  const auto refuse = [this](const ClientClose& why) {
    held_.clear();
    line_.Close(why, why.text);
  };
  const size_t before = granted_ ? granted_->only->size() : 0;
  if (watch.keys.size() > tallybus_v1::kMostWatches) return refuse(client_close::kTooManyWatches);
  if (before + watch.keys.size() > kMostGranted) return refuse(client_close::kTooManyGranted);
  if (!watch.token.empty()) parts_.token = std::exchange(watch.token, {});
  if (app_.empty()) app_ = AppOf(watch.keys);
  const auto foreign = [this](const WatchKey& key) {
    return key.kind == WatchKey::Kind::kApp && key.value != app_;
  };
  if (std::any_of(watch.keys.begin(), watch.keys.end(), foreign)) {
    return refuse(client_close::kNotAllowed);
  }
  line_.Introduced();
  question_ = AskConnect(
      parts_.sessions, parts_.thread, {app_, parts_.token, parts_.origin, watch.keys, granted_},
      [this](absl::StatusOr<WatchPermissionsPtr> granted) { OnAnswer(std::move(granted)); });
}

void ConnectV1Client::OnAnswer(absl::StatusOr<WatchPermissionsPtr> granted) {
  question_.reset();
  if (!granted.ok()) {
    held_.clear();
    const absl::string_view why = granted.status().message();
    return line_.Close(CloseOf(granted.status()), {why.data(), why.size()});
  }
  granted_ = *std::move(granted);
  line_.Permit(granted_);
  Go();
}

}  // namespace tallybus
