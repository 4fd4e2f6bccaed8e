// The REST transport: each delivery is one POST to <url>/<method>, by HTTP/1.1 or HTTP/2 over TLS.
#ifndef TALLYBUS_REST_REST_TRANSPORT_H_
#define TALLYBUS_REST_REST_TRANSPORT_H_

#include <memory>
#include <span>
#include <vector>

#include "tallybus/transport.h"
#include "tallybus/transport_registry.h"

namespace tallybus::rest {

class HttpLoop;

// Scheme "rest", its options, check and create.
TransportDescriptor RestDescriptor();

// Spreads deliveries over context.threads loops, all of one lane to the same loop. Its clock must
// run: a deadline is kept by libcurl too, in real time.
class RestTransport final : public Transport {
 public:
  explicit RestTransport(const TransportContext& context);
  ~RestTransport() override;  // stops at once where Stop was not called

  absl::Status Start() override;
  void Deliver(std::span<const Delivery> deliveries) override;
  int most_ahead() const override;
  void Stop(MonoTime deadline) override;

 private:
  void GiveBack(std::span<const Delivery> deliveries, const absl::Status& status);

  const TransportContext context_;
  std::vector<std::unique_ptr<HttpLoop>> loops_;
  std::vector<std::vector<Delivery>> mail_;  // of one Deliver, for each loop: one hand-off
};

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_REST_TRANSPORT_H_
