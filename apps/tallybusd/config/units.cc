// Durations and sizes as an operator writes them.
#include "units.h"

#include <absl/status/status.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <limits>
#include <span>

namespace tallybus::config {
namespace {

struct Unit {
  const char* name;
  int64_t factor;
};

// From the largest on: the order in which a value is tried when it is printed.
constexpr Unit kDurationUnits[] = {
    {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};
constexpr Unit kSizeUnits[] = {{"TiB", int64_t{1} << 40},
                               {"GiB", int64_t{1} << 30},
                               {"MiB", int64_t{1} << 20},
                               {"KiB", int64_t{1} << 10},
                               {"B", 1}};
constexpr Unit kDecimalSizeUnits[] = {
    {"TB", 1'000'000'000'000}, {"GB", 1'000'000'000}, {"MB", 1'000'000}, {"kB", 1'000}};

struct Quantity {
  const char* example;
  const char* units;
  const char* likely;  // the two units that a bare number probably lacks
  const char* less_likely;
};
constexpr Quantity kDuration = {"10s", "ms, s, m, h, d", "s", "ms"};
constexpr Quantity kSize = {"64MiB", "B, KiB, MiB, GiB, TiB, kB, MB, GB, TB", "MiB", "B"};

absl::Status Malformed(const Quantity& quantity) {
  return absl::InvalidArgumentError(absl::StrCat("needs a whole number and its unit (",
                                                 quantity.units, "), such as ", quantity.example));
}

const Unit* FindUnit(std::string_view name, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    if (name == unit.name) return &unit;
  }
  return nullptr;
}

absl::StatusOr<int64_t> Parse(std::string_view text, const Quantity& quantity,
                              std::span<const Unit> units, std::span<const Unit> more_units) {
  if (text.starts_with('-')) return absl::InvalidArgumentError("must not be negative");
  const size_t split = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string digits(text.substr(0, split));
  if (digits.empty()) return Malformed(quantity);
  int64_t number = 0;
  if (!absl::SimpleAtoi(digits, &number)) return absl::InvalidArgumentError("is too large");
  if (split == text.size() && number == 0) return 0;  // the same in every unit
  if (split == text.size()) {
    return absl::InvalidArgumentError(absl::StrCat("has no unit; did you mean ", number,
                                                   quantity.likely, " or ", number,
                                                   quantity.less_likely, "?"));
  }
  const Unit* unit = FindUnit(text.substr(split), units);
  if (unit == nullptr) unit = FindUnit(text.substr(split), more_units);
  if (unit == nullptr) return Malformed(quantity);
  if (number > std::numeric_limits<int64_t>::max() / unit->factor) {
    return absl::InvalidArgumentError("is too large");
  }
  return number * unit->factor;
}

std::string Format(int64_t value, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0) return absl::StrCat(value / unit.factor, unit.name);
  }
  return "0";
}

}  // namespace

absl::StatusOr<absl::Duration> ParseDuration(std::string_view text) {
  absl::StatusOr<int64_t> milliseconds = Parse(text, kDuration, kDurationUnits, {});
  if (!milliseconds.ok()) return milliseconds.status();
  return absl::Milliseconds(*milliseconds);
}

absl::StatusOr<int64_t> ParseSize(std::string_view text) {
  return Parse(text, kSize, kSizeUnits, kDecimalSizeUnits);
}

std::string DurationText(absl::Duration duration) {
  return Format(absl::ToInt64Milliseconds(duration), kDurationUnits);
}

std::string SizeText(int64_t bytes) { return Format(bytes, kSizeUnits); }

}  // namespace tallybus::config
