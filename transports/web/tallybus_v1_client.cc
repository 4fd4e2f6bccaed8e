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
  line_.Order(*std::move(frame));
}

std::optional<ClientDialect::Frame> TallybusV1Client::Tell(const Outgoing& next) {
  return Frame{tallybus_v1::Head(next.sequence), next.tail};
}

}  // namespace tallybus
