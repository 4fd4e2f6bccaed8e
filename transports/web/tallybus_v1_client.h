// A client that speaks tallybus.v1.
#ifndef TALLYBUS_TRANSPORTS_WEB_TALLYBUS_V1_CLIENT_H_
#define TALLYBUS_TRANSPORTS_WEB_TALLYBUS_V1_CLIENT_H_

#include <optional>
#include <string>
#include <string_view>

#include "transports/web/client_dialect.h"

namespace tallybus {

// [web]
class TallybusV1Client : public ClientDialect {
 public:
  // `line` outlives it.
  explicit TallybusV1Client(ClientLine& line) : line_(line) {}
  // Asks for a token, which `authorize` judges; that outlives it. `known`: a good one came already.
  TallybusV1Client(ClientLine& line, const Authorize* authorize, bool known)
      : line_(line), authorize_(authorize), known_(known) {}

  std::string_view subprotocol() const override { return tallybus_v1::kSubprotocol; }
  size_t most_frame_bytes() const override {
    return authorize_ ? tallybus_v1::kMostTokenFrameBytes : tallybus_v1::kMostFrameBytes;
  }
  void Hear(std::string_view frame) override;
  std::optional<Frame> Tell(const Outgoing& next) override;
  std::optional<std::string> Ping() const override { return std::nullopt; }

 private:
  // A Watch or an Unwatch.
  virtual void OnOrder(tallybus_v1::ClientFrame order);
  bool TakeToken(tallybus_v1::ClientFrame& frame);

  ClientLine& line_;
  const Authorize* authorize_ = nullptr;  // null: no tokens are asked for
  bool known_ = true;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_TALLYBUS_V1_CLIENT_H_
