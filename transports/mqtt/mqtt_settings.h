// An endpoint's address and options, read once. Pure, but for the file that it looks for.
#ifndef TALLYBUS_MQTT_MQTT_SETTINGS_H_
#define TALLYBUS_MQTT_MQTT_SETTINGS_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <string>
#include <vector>

#include "tallybus/transport_registry.h"
#include "transports/parts/name_template.h"

namespace tallybus::mqtt {

struct MqttSettings {
  std::string url;
  std::string host;
  int port = 0;
  bool tls = false;
  std::string ca_file;  // empty: the system's authorities
  std::string user;
  std::string password;
  parts::NameTemplate topic;
  absl::Duration timeout;  // of one attempt
};

std::vector<OptionSpec> MqttOptions();

// INVALID_ARGUMENT says which part of the endpoint is wrong; it holds no secret.
absl::StatusOr<MqttSettings> ReadSettings(const Endpoint& endpoint);

}  // namespace tallybus::mqtt

#endif  // TALLYBUS_MQTT_MQTT_SETTINGS_H_
