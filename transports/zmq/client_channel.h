// The client channel on XPUB: frames [session/<sessionId>][message][JSON][meta].
#ifndef TALLYBUS_ZMQ_CLIENT_CHANNEL_H_
#define TALLYBUS_ZMQ_CLIENT_CHANNEL_H_

#include <absl/container/flat_hash_set.h>
#include <absl/status/statusor.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tallybus/client_channel.h"
#include "tallybus/clock.h"
#include "tallybus/metrics.h"
#include "transports/zmq/bound_socket.h"
#include "transports/zmq/topic_sequences.h"

namespace tallybus::zmq_transport {

// One thread: the router's. A subscriber that reads too slowly loses messages and sees it by the
// sequence; the others lose none.
class XpubChannel final : public ClientChannel {
 public:
  // [control] listen.clients.
  static absl::StatusOr<std::unique_ptr<XpubChannel>> Bind(zmq::context_t& context,
                                                           const std::string& endpoint,
                                                           const Clock& clock, Metrics& metrics);

  void Notify(const Notification& notification) override;
  uint64_t gaps() const override { return dropped_.Value(); }
  // [owner] Reads what subscribers asked for; true where more may wait.
  bool Receive();

  // [control] How long its end waits for subscribers to take what was sent to them.
  void Linger(absl::Duration most) {
    bound_.socket().set(zmq::sockopt::linger, static_cast<int>(absl::ToInt64Milliseconds(most)));
  }

  zmq::socket_t& socket() { return bound_.socket(); }
  bool HasUnannounced() { return bound_.HasUnannounced(); }
  const std::string& endpoint() const { return bound_.endpoint(); }

 private:
  XpubChannel(BoundSocket bound, const Clock& clock, Metrics& metrics);

  // False where a subscriber to the topic has no room, and then nobody got it.
  bool SendToAll(std::span<const std::string_view> frames);

  BoundSocket bound_;
  const Clock& clock_;
  TopicSequences sequences_;
  absl::flat_hash_set<std::string> topics_;  // that somebody subscribed to
  bool anybody_asked_ = false;               // once: who is there now is for libzmq to know
  Gauge& subscriptions_gauge_;
  Counter& dropped_;
};

}  // namespace tallybus::zmq_transport

#endif  // TALLYBUS_ZMQ_CLIENT_CHANNEL_H_
