// The client channel of browsers: WebSocket on /clients and /wcs, server-sent events on /events.
#ifndef TALLYBUS_TRANSPORTS_WEB_CLIENT_GATEWAY_H_
#define TALLYBUS_TRANSPORTS_WEB_CLIENT_GATEWAY_H_

#include <absl/time/time.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tallybus/client_channel.h"
#include "tallybus/clock.h"
#include "tallybus/ingress.h"
#include "tallybus/live_streams.h"
#include "tallybus/metrics.h"
#include "transports/web/audience.h"
#include "transports/web/audience_mailbox.h"
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
    Authorize authorize = nullptr;  // null: everybody may watch everything
    // The app's backend is asked whether a client may watch what he asks for; no `authorize` then.
    bool ask_backend = false;
    std::string node_id;  // of the sessions that the gateway opens itself
    // Events on their way between the threads; those above are dropped, and told as a gap.
    AudienceMailbox::Limits mailbox;
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
  // [control] Before Routes are served, too: who is asked `connect` for a client.
  void SetSink(EventSink& sink);
  // For the one web server that serves them; it is stopped before the gateway goes.
  std::vector<WebRoute> Routes();

  // [router] A load where nobody watches.
  void Notify(const Notification& notification) override;
  uint64_t gaps() const override;  // [any thread]

  // [any thread] Further clients are answered 503: the server stops.
  void TakeNoMore();
  // [control, may block] No further client is taken; those that are there are told what waits, and
  // then 1001. Waits until all are gone, at most for `patience`.
  void GoAway(absl::Duration patience);

 private:
  class Machine;
  const std::unique_ptr<Machine> machine_;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_CLIENT_GATEWAY_H_
