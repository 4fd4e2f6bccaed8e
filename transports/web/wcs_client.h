// A client that speaks wcs: it has a session of its own, which the backend is asked for.
#ifndef TALLYBUS_TRANSPORTS_WEB_WCS_CLIENT_H_
#define TALLYBUS_TRANSPORTS_WEB_WCS_CLIENT_H_

#include <absl/status/statusor.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "transports/web/client_dialect.h"
#include "transports/web/gateway_sessions.h"
#include "transports/web/wcs_dialect.h"

namespace tallybus {

// [web]
class WcsClient final : public ClientDialect {
 public:
  struct Parts {
    GatewaySessions& sessions;  // outlives it
    std::shared_ptr<ServerThread> thread;
    // What a client with this token may watch, beside its own session. UNAUTHENTICATED: it is
    // declined, and told why.
    std::function<absl::StatusOr<WatchPermissionsPtr>(std::string_view auth_token)> authorize;
    tallybus_v1::Watch watch;  // of the address; its keys may be empty
    // Where nobody was asked, nobody is let in.
    bool backend_must_answer = false;
  };

  // `line` outlives it.
  WcsClient(ClientLine& line, Parts parts) : line_(line), parts_(std::move(parts)) {}

  std::string_view subprotocol() const override { return wcs::kSubprotocol; }
  size_t most_frame_bytes() const override {
    return accepted_ ? wcs::kMostFrameBytes : wcs::kMostFirstFrameBytes;
  }
  void Hear(std::string_view frame) override;
  void Begun() override;
  std::optional<Frame> Tell(const Outgoing& next) override;
  std::optional<std::string> Ping() const override { return wcs::PingFrame(); }

 private:
  void OnConnection(wcs::Connection connection);
  void OnVerdict(const wcs::Connection& connection, const GatewaySessions::Verdict& verdict);
  void Decline(std::string_view reason);

  ClientLine& line_;
  Parts parts_;
  WatchPermissionsPtr permissions_;
  std::shared_ptr<GatewaySessions::Session> session_;  // from its first frame on
  bool accepted_ = false;                              // by the backend, where it is asked
  std::string user_data_;  // the frame that says so, until its watch has begun
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_WCS_CLIENT_H_
