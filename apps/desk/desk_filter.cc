// Every parameter is taken or refused by name.
#include "apps/desk/desk_filter.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <limits>
#include <vector>

namespace tallybus::desk {
namespace {

absl::Status ReadStates(const std::string& text, StoredFilter* filter) {
  const std::vector<std::string> words = absl::StrSplit(text, ',');
  for (const std::string& word : words) {
    if (word == "waiting") {
      filter->waiting = true;
    } else if (word == "dead") {
      filter->dead = true;
    } else if (word == "delivered") {
      filter->delivered = true;
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("state: '", word, "' is none of waiting, dead, delivered"));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadTime(const QueryParameters& parameters, const char* name, absl::Time now,
                      absl::Time* out) {
  const std::string* text = parameters.Find(name);
  if (text == nullptr) return absl::OkStatus();
  absl::StatusOr<absl::Time> time = ParseTime(*text, now);
  if (!time.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": ", time.status().message()));
  }
  *out = *time;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<absl::Time> ParseTime(const std::string& text, absl::Time now) {
  absl::Time time;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &error)) return time;
  absl::Duration age;
  const bool days = text.size() > 1 && text.back() == 'd';
  const std::string hours = days ? text.substr(0, text.size() - 1) + "h" : text;
  if (absl::ParseDuration(hours, &age) && age > absl::ZeroDuration()) {
    return now - age * (days ? 24 : 1);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", text,
                   "' is neither a time such as 2026-11-21T03:00:00Z nor an age such "
                   "as 90m, 12h or 2d"));
}

absl::StatusOr<StoredFilter> FilterOf(const QueryParameters& parameters,
                                      const std::string& otherwise, absl::Time now) {
  StoredFilter filter;
  const std::string* states = parameters.Find("state");
  absl::Status status = ReadStates(states == nullptr ? otherwise : *states, &filter);
  if (status.ok()) status = ReadTime(parameters, "since", now, &filter.since);
  if (status.ok()) status = ReadTime(parameters, "until", now, &filter.until);
  if (!status.ok()) return status;
  const std::pair<const char*, std::string*> texts[] = {{"app", &filter.app},
                                                        {"stream", &filter.stream},
                                                        {"session", &filter.session},
                                                        {"route", &filter.route},
                                                        {"id", &filter.id}};
  for (const auto& [name, field] : texts) {
    if (const std::string* text = parameters.Find(name)) *field = *text;
  }
  absl::StatusOr<int64_t> after =
      parameters.Integer("after", 0, 0, std::numeric_limits<int64_t>::max());
  if (!after.ok()) return after.status();
  absl::StatusOr<int64_t> limit = parameters.Integer("limit", 500, 1, 500);
  if (!limit.ok()) return limit.status();
  filter.after = static_cast<SpoolSeq>(*after);
  filter.limit = static_cast<size_t>(*limit);
  return filter;
}

}  // namespace tallybus::desk
