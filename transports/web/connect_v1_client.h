// A client that speaks tallybus.v1 under clients.auth: connect.
#ifndef TALLYBUS_TRANSPORTS_WEB_CONNECT_V1_CLIENT_H_
#define TALLYBUS_TRANSPORTS_WEB_CONNECT_V1_CLIENT_H_

#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "transports/web/connect_grant.h"
#include "transports/web/tallybus_v1_client.h"

namespace tallybus {

// [web] Watches are taken in their order; one that needs the backend's word holds up those behind
// it.
class ConnectV1Client final : public TallybusV1Client {
 public:
  struct Parts {
    GatewaySessions& sessions;  // outlives it
    std::shared_ptr<ServerThread> thread;
    std::string origin;
    std::string token;  // of the request; empty: there is none
  };

  // `line` outlives it. `watch`: of the address; its keys may be empty.
  ConnectV1Client(ClientLine& line, Parts parts, tallybus_v1::Watch watch);

  void Opened() override;
  size_t most_frame_bytes() const override { return tallybus_v1::kMostTokenFrameBytes; }

 private:
  void OnOrder(tallybus_v1::ClientFrame order) override;
  void Go();
  void AskFor(tallybus_v1::Watch& watch);
  void OnAnswer(absl::StatusOr<WatchPermissionsPtr> granted);

  ClientLine& line_;
  Parts parts_;
  tallybus_v1::Watch of_address_;
  std::string app_;  // of the first watch
  WatchPermissionsPtr granted_;
  std::deque<tallybus_v1::ClientFrame> held_;
  std::shared_ptr<void> question_;  // about the first of held_
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_CONNECT_V1_CLIENT_H_
