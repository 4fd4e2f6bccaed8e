// Which transports there are: a table that main() fills, one descriptor for each scheme.
#ifndef TALLYBUS_TRANSPORT_REGISTRY_H_
#define TALLYBUS_TRANSPORT_REGISTRY_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tallybus/clock.h"
#include "tallybus/log.h"
#include "tallybus/metrics.h"
#include "tallybus/transport.h"

namespace tallybus {

// How an option's value is written in a configuration. In Endpoint::options: an integer in decimal,
// "true" or "false", a duration in milliseconds, a size in bytes, a secret as it is.
enum class OptionType { kText, kInteger, kBoolean, kDuration, kSize, kSecret };

// An option that an endpoint of this transport may carry.
struct OptionSpec {
  std::string name;     // "tls.ca_file"
  std::string meaning;  // one line, for the operator
  OptionType type = OptionType::kText;
  bool required = false;
};

// What a transport is given to live on; all of it outlives the transport.
struct TransportContext {
  DeliverySink& sink;
  const Clock& clock;
  Metrics& metrics;
  Log& log;
  int threads = 2;  // how many threads it may start
};

// What an attempt would send, for a person to read.
struct AttemptText {
  std::string head;  // lines with their ends: a request line and header fields, a subject, a topic
  std::string body;  // before it is packed
  std::string note;  // what the two do not show; may be empty
};

struct TransportDescriptor {
  std::string scheme;  // "rest"
  std::vector<OptionSpec> options;
  // Whether an endpoint can work at all: address, options, files that it names. No network.
  std::function<absl::Status(const Endpoint&)> check;
  // When the endpoint's own credentials end; InfiniteFuture: never. An error says what is wrong
  // with them now. Reads files; no network. May be empty.
  std::function<absl::StatusOr<absl::Time>(const Endpoint&)> credentials_end;
  std::function<absl::StatusOr<std::unique_ptr<Transport>>(const TransportContext&)> create;
  // What Deliver would send for this, and sends nothing. Holds the endpoint's credentials. Errors
  // are those of `check`. May be empty: nobody but the transport knows.
  std::function<absl::StatusOr<AttemptText>(const Delivery&, const Clock&)> tell;
};

class TransportRegistry {
 public:
  // [control] ALREADY_EXISTS where the scheme is taken.
  absl::Status Register(TransportDescriptor descriptor);
  // nullptr where there is none. The pointer lives as long as the registry.
  const TransportDescriptor* Find(std::string_view scheme) const;
  // In the order of the alphabet. They live as long as the registry.
  std::vector<std::string_view> Schemes() const;

 private:
  std::map<std::string, TransportDescriptor, std::less<>> by_scheme_;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORT_REGISTRY_H_
