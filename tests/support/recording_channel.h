// A client channel that remembers what clients were told.
#ifndef TALLYBUS_TESTS_SUPPORT_RECORDING_CHANNEL_H_
#define TALLYBUS_TESTS_SUPPORT_RECORDING_CHANNEL_H_

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tallybus/client_channel.h"

namespace tallybus::testing {

class RecordingChannel final : public ClientChannel {
 public:
  struct Message {
    std::string session_id;
    std::string message;
    std::string json;
    EventId id;
    absl::Time time;
    std::string app_key = {};
    std::string name = {};
  };

  void Notify(const Notification& n) override {
    Message message{
        std::string(n.session_id), std::string(n.message), std::string(n.json), n.id, n.time,
        std::string(n.app_key),    std::string(n.name)};
    if (n.session_id.empty()) {
      without_session_.push_back(std::move(message));
      return;
    }
    all_.push_back(std::move(message));
    if (on_notify) on_notify(all_.back());
  }

  uint64_t gaps() const override { return lost; }

  // Of sessions, as every channel by session tells them.
  const std::vector<Message>& all() const { return all_; }
  const std::vector<Message>& without_session() const { return without_session_; }
  // The objects of one message name, in their order.
  std::vector<std::string> Of(std::string_view message) const {
    std::vector<std::string> found;
    for (const Message& m : all_) {
      if (m.message == message) found.push_back(m.json);
    }
    return found;
  }

  std::function<void(const Message&)> on_notify;
  uint64_t lost = 0;

 private:
  std::vector<Message> all_;
  std::vector<Message> without_session_;
};

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_SUPPORT_RECORDING_CHANNEL_H_
