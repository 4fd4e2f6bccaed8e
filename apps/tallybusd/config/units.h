// Durations and sizes as an operator writes them: a whole number and its unit.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_UNITS_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_UNITS_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace tallybus::config {

// "500ms", "10s", "15m", "2h", "14d"; "0" needs no unit. INVALID_ARGUMENT says what is wrong: a
// bare number comes back with the two meanings that it probably has.
absl::StatusOr<absl::Duration> ParseDuration(std::string_view text);

// In bytes: "512KiB", "64MiB", "4GiB", "1TiB", "10MB", "2048B". Errors as above.
absl::StatusOr<int64_t> ParseSize(std::string_view text);

// The same value in the largest unit that divides it, or "0". Of whole milliseconds, not negative.
std::string DurationText(absl::Duration duration);
std::string SizeText(int64_t bytes);  // not negative; binary units

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_UNITS_H_
