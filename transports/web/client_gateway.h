// The client channel of browsers: WebSocket on /clients, server-sent events on /events.
#ifndef TALLYBUS_TRANSPORTS_WEB_CLIENT_GATEWAY_H_
#define TALLYBUS_TRANSPORTS_WEB_CLIENT_GATEWAY_H_

#include <absl/time/time.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "tallybus/client_channel.h"
#include "tallybus/clock.h"
#include "tallybus/live_streams.h"
#include "tallybus/metrics.h"
#include "transports/web/audience.h"
#include "transports/web/client_access.h"
#include "transports/web/web_server.h"

namespace tallybus {

// Two threads meet in it: the router's, which notifies, and the web server's, which serves. They
// share a bounded mailbox and nothing else.
class ClientGateway final : public ClientChannel {
 public:
  struct Options {
    size_t most_clients = 20'000;
    Audience::Options audience;
    ClientAccess::Options access;
    // Null: everybody may watch everything.
    Authorize authorize = nullptr;
    // Events on their way between the threads; those above are dropped, and told as a gap.
    size_t mailbox_events = 8192;
    size_t mailbox_bytes = size_t{32} << 20;
    absl::Duration tick = absl::Seconds(1);
    int send_buffer_bytes = 64 << 10;  // the kernel's, for each client; it doubles them
  };
  // What lives, one answer for each filter.
  using Answer = std::function<void(std::vector<LiveStreams> found)>;
  // [web] Must not block. `answer` is called on the router's thread, in order with Notify; or is
  // dropped, and then it is asked again.
  using AskLive = std::function<void(std::vector<LiveFilter> filters, Answer answer)>;

  // `clock` and `metrics` outlive it.
  ClientGateway(Options options, const Clock& clock, Metrics& metrics);
  // [control] After the web server stopped.
  ~ClientGateway() override;

  // [control] Before Routes are served.
  void SetSource(AskLive ask);
  // For the one web server that serves them; it is stopped before the gateway goes.
  std::vector<WebRoute> Routes();

  // [router] A load where nobody watches.
  void Notify(const Notification& notification) override;
  uint64_t gaps() const override;  // [any thread]

  // [control, may block] No further client is taken; those that are there are told what waits, and
  // then 1001. Waits until all are gone, at most for `patience`.
  void GoAway(absl::Duration patience);

 private:
  class Machine;
  const std::unique_ptr<Machine> machine_;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_CLIENT_GATEWAY_H_
