// A client that speaks tallybus.v1.
#ifndef TALLYBUS_TRANSPORTS_WEB_TALLYBUS_V1_CLIENT_H_
#define TALLYBUS_TRANSPORTS_WEB_TALLYBUS_V1_CLIENT_H_

#include <optional>
#include <string>
#include <string_view>

#include "transports/web/client_dialect.h"

namespace tallybus {

// [web]
class TallybusV1Client final : public ClientDialect {
 public:
  // `line` outlives it. With tokens its frames may be longer.
  TallybusV1Client(ClientLine& line, bool tokens) : line_(line), tokens_(tokens) {}

  std::string_view subprotocol() const override { return tallybus_v1::kSubprotocol; }
  size_t most_frame_bytes() const override {
    return tokens_ ? tallybus_v1::kMostTokenFrameBytes : tallybus_v1::kMostFrameBytes;
  }
  void Hear(std::string_view frame) override;
  std::optional<Frame> Tell(const Outgoing& next) override;
  std::optional<std::string> Ping() const override { return std::nullopt; }

 private:
  ClientLine& line_;
  const bool tokens_;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_TALLYBUS_V1_CLIENT_H_
