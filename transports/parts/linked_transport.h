// A transport made of links: each endpoint has one, with a thread of its own, so that a peer which
// blocks keeps nobody else waiting.
#ifndef TALLYBUS_PARTS_LINKED_TRANSPORT_H_
#define TALLYBUS_PARTS_LINKED_TRANSPORT_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "tallybus/transport.h"
#include "tallybus/transport_registry.h"
#include "transports/parts/open_attempts.h"

namespace tallybus::parts {

// The way to one endpoint. One thread uses it, named tallybus-<scheme>, with all signals blocked:
// so are threads that a library starts on it.
class Link {
 public:
  virtual ~Link() = default;  // may block; nothing is completed afterwards
  // [link] Copies what of this delivery will be sent. Does not block, completes nothing.
  virtual void Take(const Delivery& delivery) = 0;
  // [link] Sends what was taken; may block. Completes each of its tickets, now or later, on any
  // thread. Their deadlines are no concern of the link.
  virtual void Send() = 0;
};

// What a link is made of. `attempts` outlives it; of the rest copy what is needed longer, since a
// link that a stop leaves alone outlives that.
struct LinkContext {
  const TransportContext& transport;
  const Endpoint& endpoint;
  OpenAttempts& attempts;
};
// [router], or [link] for one that was closed and is wanted again. An error, which `check` says as
// well, holds the endpoint's events.
using LinkFactory = std::function<absl::StatusOr<std::unique_ptr<Link>>(const LinkContext&)>;

// Each delivery brings one event: no route that sends batches may use it.
class LinkedTransport final : public Transport {
 public:
  // `patience`: how long a stop waits for a link that blocks, after its deadline.
  LinkedTransport(const TransportContext& context, std::string scheme, LinkFactory make_link,
                  absl::Duration patience = absl::Seconds(5));
  ~LinkedTransport() override;  // stops at once where Stop was not called

  absl::Status Start() override;
  void Deliver(std::span<const Delivery> deliveries) override;
  // Its tickets are completed by then. A link that blocks in its peer holds it up for `patience`,
  // and is left alone with its thread: see LinksLeftAlone.
  void Stop(MonoTime deadline) override;

 private:
  struct Common;
  class Worker;
  using Workers = std::vector<std::shared_ptr<Worker>>;
  Worker& WorkerOf(const Endpoint& endpoint);
  void PutOff(std::span<const Delivery> deliveries);
  void Watch();
  void CloseIdle();
  bool End(const Workers& workers);

  const absl::Duration patience_;
  const std::shared_ptr<Common> common_;
  std::mutex mutex_;
  std::map<uint64_t, std::shared_ptr<Worker>> workers_;  // by endpoint id
  std::thread watcher_;
};

// [any thread] How many threads of links are left alone in this process, and have not come back. It
// had better not end by exit(), which takes from them what they use.
int LinksLeftAlone();

}  // namespace tallybus::parts

#endif  // TALLYBUS_PARTS_LINKED_TRANSPORT_H_
