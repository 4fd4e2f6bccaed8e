// An endpoint's address and options, read once. Pure, but for the file that it looks for.
#ifndef TALLYBUS_KAFKA_KAFKA_SETTINGS_H_
#define TALLYBUS_KAFKA_KAFKA_SETTINGS_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <string>
#include <utility>
#include <vector>

#include "tallybus/transport_registry.h"

namespace tallybus::kafka {

struct KafkaSettings {
  std::string url;
  std::string topic;
  absl::Duration timeout;                                       // of an attempt
  std::vector<std::pair<std::string, std::string>> properties;  // of librdkafka; hold secrets
};

std::vector<OptionSpec> KafkaOptions();

// INVALID_ARGUMENT says which part of the endpoint is wrong; it holds no secret.
absl::StatusOr<KafkaSettings> ReadSettings(const Endpoint& endpoint);

// The same, for what goes a second time within its attempt: one message in a request, at once, and
// in half of the attempt's time.
KafkaSettings Alone(KafkaSettings settings);

}  // namespace tallybus::kafka

#endif  // TALLYBUS_KAFKA_KAFKA_SETTINGS_H_
