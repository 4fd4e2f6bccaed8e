// Publishes each notification under its session's topic.
#include "transports/zmq/client_channel.h"

#include <absl/strings/str_cat.h>

#include <utility>
#include <vector>

namespace tallybus::zmq_transport {

absl::StatusOr<std::unique_ptr<XpubChannel>> XpubChannel::Bind(zmq::context_t& context,
                                                               const std::string& endpoint,
                                                               const Clock& clock,
                                                               Metrics& metrics) {
  auto bound = BoundSocket::Bind(context, zmq::socket_type::xpub, "listen.clients", endpoint);
  if (!bound.ok()) return bound.status();
  return std::unique_ptr<XpubChannel>(new XpubChannel(*std::move(bound), clock, metrics));
}

XpubChannel::XpubChannel(BoundSocket bound, const Clock& clock, Metrics& metrics)
    : bound_(std::move(bound)),
      clock_(clock),
      subscriptions_gauge_(metrics.GetGauge("tallybus_client_subscriptions",
                                            "Topics that ZeroMQ clients subscribed to")),
      dropped_(
          metrics.GetCounter("tallybus_client_messages_dropped_total",
                             "Client messages dropped; what a ZeroMQ subscriber misses until it "
                             "has room again counts as one",
                             {{"channel", "zmq"}})) {
  // libzmq drops in silence otherwise.
  socket().set(zmq::sockopt::xpub_nodrop, true);
}

void XpubChannel::Notify(const Notification& n) {
  if (n.session_id.empty()) return;  // there is no topic for it
  const MonoTime now = clock_.CoarseNow();
  sequences_.Prune(now);
  // Counted without a subscriber too: one that comes back must see what it missed.
  const uint64_t sequence = sequences_.Next(n.session_id, now);
  if (!anybody_asked_) return;
  const std::string topic = absl::StrCat("session/", std::string(n.session_id));
  const std::string meta = ClientMeta(n, sequence);
  const std::string_view frames[] = {topic, n.message, n.json, meta};
  try {
    if (SendToAll(frames)) return;
    // To those that have room; from here on libzmq passes over the others, until they read again.
    socket().set(zmq::sockopt::xpub_nodrop, false);
    (void)SendToAll(frames);
    socket().set(zmq::sockopt::xpub_nodrop, true);
  } catch (const zmq::error_t&) {  // counted like what found no room
  }
  dropped_.Add();
}

bool XpubChannel::SendToAll(std::span<const std::string_view> frames) {
  for (size_t i = 0; i < frames.size(); ++i) {
    const bool last = i + 1 == frames.size();
    const auto flags =
        last ? zmq::send_flags::dontwait : zmq::send_flags::dontwait | zmq::send_flags::sndmore;
    // Only the first frame can be refused.
    if (!socket().send(zmq::buffer(frames[i]), flags)) return false;
  }
  return true;
}

bool XpubChannel::Receive() {
  std::vector<zmq::message_t> frames;
  for (int i = 0; i < kMessagesATurn; ++i) {
    if (!bound_.Receive(1, &frames)) return false;
    const std::string_view text = Text(frames[0]);
    // XPUB tells of a topic's first subscriber and of its last one's going. It also hands on what
    // else a peer says, and the end of a subscription that never began: those must not count.
    if (text.starts_with('\1')) {
      anybody_asked_ = true;
      topics_.emplace(text.substr(1));
    }
    if (text.starts_with('\0')) topics_.erase(std::string(text.substr(1)));
    subscriptions_gauge_.Set(static_cast<int64_t>(topics_.size()));
  }
  return true;
}

}  // namespace tallybus::zmq_transport
