// An endpoint's address and options, read once. Pure, but for the file that it looks for.
#ifndef TALLYBUS_NATS_NATS_SETTINGS_H_
#define TALLYBUS_NATS_NATS_SETTINGS_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <string>
#include <vector>

#include "tallybus/transport_registry.h"
#include "transports/parts/name_template.h"

namespace tallybus::nats {

struct NatsSettings {
  std::string url;
  std::string host;
  bool tls = false;
  std::string ca_file;  // empty: the system's authorities
  std::string user;
  std::string password;
  std::string token;
  parts::NameTemplate subject;
  absl::Duration timeout;  // of one attempt
};

std::vector<OptionSpec> NatsOptions();

// INVALID_ARGUMENT says which part of the endpoint is wrong; it holds no secret.
absl::StatusOr<NatsSettings> ReadSettings(const Endpoint& endpoint);

}  // namespace tallybus::nats

#endif  // TALLYBUS_NATS_NATS_SETTINGS_H_
