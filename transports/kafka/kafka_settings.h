// An endpoint's address and options, read once. Pure, but for the file that it looks for.
#ifndef TALLYBUS_KAFKA_KAFKA_SETTINGS_H_
#define TALLYBUS_KAFKA_KAFKA_SETTINGS_H_

#include <absl/status/statusor.h>

#include <string>
#include <utility>
#include <vector>

#include "tallybus/transport_registry.h"

namespace tallybus::kafka {

struct KafkaSettings {
  std::string url;
  std::string topic;
  std::vector<std::pair<std::string, std::string>> properties;  // of librdkafka; hold secrets
};

std::vector<OptionSpec> KafkaOptions();

// INVALID_ARGUMENT says which part of the endpoint is wrong; it holds no secret.
absl::StatusOr<KafkaSettings> ReadSettings(const Endpoint& endpoint);

}  // namespace tallybus::kafka

#endif  // TALLYBUS_KAFKA_KAFKA_SETTINGS_H_
