// A client's connection without a wire: what it is told is written down.
#ifndef TALLYBUS_TESTS_TRANSPORTS_WEB_FAKE_CLIENT_H_
#define TALLYBUS_TESTS_TRANSPORTS_WEB_FAKE_CLIENT_H_

#include <string>
#include <utility>
#include <vector>

#include "transports/web/audience.h"
#include "transports/web/client_connection.h"

namespace tallybus::testing {

class FakeClient final : public ClientConnection {
 public:
  explicit FakeClient(const Watcher::Limits& limits,
                      WatchPermissionsPtr permissions = EveryPermission())
      : ClientConnection(Kind::kWebSocket, limits, std::move(permissions)) {}

  void Wake() override {
    ++woken;
    while (audience != nullptr && reads) {
      const std::optional<Outgoing> next = watcher().Next(audience->ring());
      if (!next) return;
      told.push_back(std::to_string(next->sequence) + " " +
                     (next->id.empty() ? std::string(next->name) : std::string(next->id)));
      tails.emplace_back(next->tail);
    }
  }
  void Close(const ClientClose& why, std::string_view) override {
    closed = why.code;
    watcher().Drop();
  }
  void EndAfterAll() override { closed = client_close::kGoingAway.code; }
  void Tick(MonoTime) override { ++ticks; }

  const Audience* audience = nullptr;
  bool reads = true;
  int woken = 0;
  int ticks = 0;
  uint16_t closed = 0;
  std::vector<std::string> told;
  std::vector<std::string> tails;
};

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_TRANSPORTS_WEB_FAKE_CLIENT_H_
