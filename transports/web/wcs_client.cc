// From the first frame to the backend's word, and from there on.
#include "transports/web/wcs_client.h"

#include <absl/strings/str_format.h>
#include <sys/random.h>

#include <algorithm>
#include <utility>
#include <variant>

namespace tallybus {
namespace {

// Nobody guesses it.
std::string NewToken() {
  uint64_t halves[2];
  while (getrandom(halves, sizeof halves, 0) != sizeof halves) {
  }
  return absl::StrFormat("%016x%016x", halves[0], halves[1]);
}

WatchPermissionsPtr With(const WatchPermissionsPtr& permissions, const WatchKey& own) {
  if (!permissions->only) return permissions;
  auto more = std::make_shared<WatchPermissions>(*permissions);
  more->only->push_back(own);
  return more;
}

}  // namespace

void WcsClient::Hear(std::string_view text) {
  absl::StatusOr<wcs::ClientFrame> frame = wcs::ReadFrame(text);
  if (!frame.ok()) {
    const absl::string_view what = frame.status().message();
    return line_.Close(client_close::kMalformed, {what.data(), what.size()});
  }
  if (std::holds_alternative<wcs::Heard>(*frame)) return;
  if (std::holds_alternative<wcs::Ping>(*frame)) return line_.Say(wcs::PongFrame());
  auto* connection = std::get_if<wcs::Connection>(&*frame);
  if ((connection != nullptr) != (session_ == nullptr)) {
    return line_.Close(client_close::kMalformed, "connection is the first message, and no other");
  }
  if (connection != nullptr) return OnConnection(std::move(*connection));
  for (const std::string& answer : std::get<wcs::Unserved>(*frame).answers) line_.Say(answer);
}

void WcsClient::OnConnection(wcs::Connection connection) {
  absl::StatusOr<WatchPermissionsPtr> permissions = parts_.authorize(connection.auth_token);
  if (!permissions.ok()) {
    const absl::string_view why = permissions.status().message();
    return Decline({why.data(), why.size()});
  }
  permissions_ = *std::move(permissions);
  if (!permissions_->app.empty() && permissions_->app != connection.app_key) {
    return Decline("the token is another app's");
  }
  const auto& keys = parts_.watch.keys;
  if (!std::all_of(keys.begin(), keys.end(),
                   [this](const WatchKey& key) { return permissions_->Allow(key); })) {
    return Decline(client_close::kNotAllowed.text);
  }
  line_.Introduced();
  GatewaySessions::Connect connect{connection.app_key, connection.auth_token, connection.further};
  session_ = parts_.sessions.Open(
      std::move(connect), parts_.thread,
      [this, connection = std::move(connection)](const GatewaySessions::Verdict& verdict) {
        OnVerdict(connection, verdict);
      });
}

void WcsClient::OnVerdict(const wcs::Connection& connection,
                          const GatewaySessions::Verdict& verdict) {
  if (!verdict.accepted || (parts_.backend_must_answer && !verdict.asked)) {
    return Decline(verdict.reason);
  }
  accepted_ = true;
  const WatchKey own{WatchKey::Kind::kSession, session_->id()};
  line_.Permit(With(permissions_, own));
  user_data_ =
      wcs::UserData(connection, connection.auth_token.empty() ? NewToken() : connection.auth_token,
                    session_->id());
  tallybus_v1::Watch watch = std::move(parts_.watch);
  watch.keys.push_back(own);
  line_.Order(std::move(watch));
}

// Who is told that he has a session misses none of its events.
void WcsClient::Begun() { line_.Say(std::exchange(user_data_, {})); }

void WcsClient::Decline(std::string_view reason) {
  line_.Say(wcs::Fail(reason));
  line_.CloseOnceSaid(client_close::kDeclined, std::string(reason));
}

std::optional<ClientDialect::Frame> WcsClient::Tell(const Outgoing& next) {
  std::optional<wcs::Frame> frame = wcs::FrameOf(next.name, next.tail);
  if (!frame) return std::nullopt;
  return Frame{std::move(frame->head), frame->tail};
}

}  // namespace tallybus
