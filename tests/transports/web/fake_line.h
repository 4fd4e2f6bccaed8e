// A client's connection as its dialect sees it: what it is made to do is written down.
#ifndef TALLYBUS_TESTS_TRANSPORTS_WEB_FAKE_LINE_H_
#define TALLYBUS_TESTS_TRANSPORTS_WEB_FAKE_LINE_H_

#include <string>
#include <utility>
#include <vector>

#include "transports/web/client_dialect.h"

namespace tallybus::testing {

class FakeLine final : public ClientLine {
 public:
  void Say(std::string frame) override { said.push_back(std::move(frame)); }
  void Order(tallybus_v1::ClientFrame order) override { orders.push_back(std::move(order)); }
  void Permit(WatchPermissionsPtr may) override { permissions = std::move(may); }
  void Introduced() override { introduced = true; }
  void Close(const ClientClose& why, std::string_view text) override {
    closed = std::to_string(why.code) + " " + std::string(text);
  }
  void CloseOnceSaid(const ClientClose& why, std::string text) override {
    farewell = std::to_string(why.code) + " " + text;
  }

  std::vector<std::string> said;
  std::vector<tallybus_v1::ClientFrame> orders;
  WatchPermissionsPtr permissions;
  bool introduced = false;
  std::string closed;
  std::string farewell;
};

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_TRANSPORTS_WEB_FAKE_LINE_H_
