// The keys below `api` of the configuration file: the read API on listen.web.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_API_KEYS_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_API_KEYS_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string>

#include "config.h"
#include "config_reader.h"

namespace tallybus::config {

// The file of the secret is read as well, so that an impossible one is told at its place.
absl::Status ReadApi(const Value& api, Api& out);

// What the file holds, without white space at its end. INVALID_ARGUMENT: not 16 to 4,096 bytes of
// printable ASCII in one word; or the error of reading it. Nothing of the secret is told.
absl::StatusOr<std::string> ReadApiToken(const std::string& file);

// Without a secret it is served on loopback alone, and where web clients come from there alone: a
// proxy for others may let them through to all paths.
bool ServesApi(const Api& api, const Listen& listen, const Clients& clients);

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_API_KEYS_H_
