// The keys below `clients` of the configuration file.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_CLIENT_KEYS_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_CLIENT_KEYS_H_

#include <absl/status/status.h>

#include "config.h"
#include "config_reader.h"

namespace tallybus::config {

absl::Status ReadClients(const Value& clients, Clients& out);

// INVALID_ARGUMENT: what does not go together. Above all: web clients could come from beyond this
// machine, and nobody would ask who they are.
absl::Status CheckClients(const Clients& clients, const Listen& listen);

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_CLIENT_KEYS_H_
