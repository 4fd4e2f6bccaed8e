// What it asks is done, what it is told is numbered.
#include "transports/web/tallybus_v1_client.h"

#include <utility>
#include <variant>

namespace tallybus {

void TallybusV1Client::Hear(std::string_view text) {
  absl::StatusOr<tallybus_v1::ClientFrame> frame = tallybus_v1::ReadFrame(text);
  if (!frame.ok()) {
    const absl::string_view what = frame.status().message();
    return line_.Close(client_close::kMalformed, {what.data(), what.size()});
  }
  if (std::holds_alternative<tallybus_v1::Ping>(*frame)) return line_.Say(tallybus_v1::Pong());
  OnOrder(*std::move(frame));
}

void TallybusV1Client::OnOrder(tallybus_v1::ClientFrame order) {
  if (authorize_ == nullptr || TakeToken(order)) line_.Order(std::move(order));
}

// It takes the place of the one before. False: it does not count, and the connection is closed.
bool TallybusV1Client::TakeToken(tallybus_v1::ClientFrame& frame) {
  auto* watch = std::get_if<tallybus_v1::Watch>(&frame);
  const std::string token = watch == nullptr ? "" : std::exchange(watch->token, {});
  if (token.empty() && known_) return true;
  absl::StatusOr<WatchPermissionsPtr> permissions =
      absl::UnauthenticatedError("the first watch must bring a token");
  if (!token.empty()) permissions = (*authorize_)(token);
  if (permissions.ok()) {
    known_ = true;
    line_.Permit(*std::move(permissions));
    return true;
  }
  const absl::string_view why = permissions.status().message();
  line_.Close(client_close::kUnauthorized, {why.data(), why.size()});
  return false;
}

std::optional<ClientDialect::Frame> TallybusV1Client::Tell(const Outgoing& next) {
  return Frame{tallybus_v1::Head(next.sequence), next.tail};
}

}  // namespace tallybus
