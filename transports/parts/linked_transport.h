// A transport made of links: each endpoint has one, with a thread of its own, so that a peer which
// blocks keeps nobody else waiting.
#ifndef TALLYBUS_PARTS_LINKED_TRANSPORT_H_
#define TALLYBUS_PARTS_LINKED_TRANSPORT_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>

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

// What a link is made of. `attempts` outlives it.
struct LinkContext {
  const TransportContext& transport;
  const Endpoint& endpoint;  // copy what is needed longer
  OpenAttempts& attempts;
};
// [router], or [link] for one that was closed and is wanted again. An error, which `check` says as
// well, holds the endpoint's events.
using LinkFactory = std::function<absl::StatusOr<std::unique_ptr<Link>>(const LinkContext&)>;

// Each delivery brings one event: no route that sends batches may use it.
class LinkedTransport final : public Transport {
 public:
  LinkedTransport(const TransportContext& context, std::string scheme, LinkFactory make_link);
  ~LinkedTransport() override;  // stops at once where Stop was not called

  absl::Status Start() override;
  void Deliver(std::span<const Delivery> deliveries) override;
  // Its tickets are completed by then; a link that blocks in its peer may hold it up longer.
  void Stop(MonoTime deadline) override;

 private:
  class Worker;
  Worker& WorkerOf(const Endpoint& endpoint);
  void PutOff(std::span<const Delivery> deliveries);
  void Watch();
  void CloseIdle();

  const TransportContext context_;
  const std::string scheme_;
  const LinkFactory make_link_;
  OpenAttempts attempts_;
  std::mutex mutex_;
  std::map<uint64_t, std::unique_ptr<Worker>> workers_;  // by endpoint id
  std::thread watcher_;
};

}  // namespace tallybus::parts

#endif  // TALLYBUS_PARTS_LINKED_TRANSPORT_H_
