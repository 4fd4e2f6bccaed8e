// The keys that an app and a route have in common: how events are sent.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_SENDING_KEYS_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_SENDING_KEYS_H_

#include <absl/status/status.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config.h"
#include "config_reader.h"

namespace tallybus::config {

std::span<const Key<Sending>> SendingKeys();

// As it is written, in the configuration and in the option of the transport.
std::string_view FormatWord(Format format);

// Reads the URL that events are posted to, and keeps its place. `or_else` ends the sentence that
// says what a URL is.
absl::Status ReadUrl(const Value& value, std::string_view or_else, Sending& out);

// Reads the endpoint of another transport than rest, which judges it later, and keeps its place.
absl::Status ReadAddress(const Value& value, Sending& out);

// Whether this key of SendingKeys() means something to transport rest alone.
bool IsRestKey(std::string_view name);

// A list of methods, or the word all for an empty one.
absl::Status ReadMethods(const Value& value, std::vector<std::string>& out);

// INVALID_ARGUMENT at the place of a key that does not go with the format.
absl::Status CheckFormat(const Sending& sending);

// INVALID_ARGUMENT at the place of a quota that is more than the whole spool.
absl::Status CheckQuota(const Sending& sending, int64_t spool_bytes);

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_SENDING_KEYS_H_
