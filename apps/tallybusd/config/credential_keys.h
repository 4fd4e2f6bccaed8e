// The keys of what a request shows of its sender: signing, and one kind of authorization.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_CREDENTIAL_KEYS_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_CREDENTIAL_KEYS_H_

#include <absl/status/status.h>

#include <string_view>

#include "config.h"
#include "config_reader.h"

namespace tallybus::config {

// A list of {key, until}. Whether each is a key says the transport.
absl::Status ReadSigning(const Value& value, Credentials& out);

// Which of them go together says the transport.
absl::Status ReadUsername(const Value& value, Credentials& out);
absl::Status ReadPassword(const Value& value, Credentials& out);
absl::Status ReadBearerToken(const Value& value, Credentials& out);
absl::Status ReadWcsHashKey(const Value& value, Credentials& out);

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_CREDENTIAL_KEYS_H_
