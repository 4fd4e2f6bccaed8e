// Every parameter is taken or refused by name.
#include "apps/desk/desk_filter.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <limits>
#include <utility>
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

absl::Status ReadRows(const QueryParameters& parameters, StoredFilter* filter) {
  const std::string* text = parameters.Find("rows");
  if (text == nullptr) return absl::OkStatus();
  const std::pair<std::string, std::string> ends = absl::StrSplit(*text, absl::MaxSplits('-', 1));
  SpoolSeq first = 0;
  if (!absl::SimpleAtoi(ends.first, &first) || !absl::SimpleAtoi(ends.second, &filter->through) ||
      first == 0 || first > filter->through) {
    return absl::InvalidArgumentError(
        absl::StrCat("rows: '", *text, "' is no span of row numbers such as 16-30"));
  }
  filter->after = first - 1;
  return absl::OkStatus();
}

using Checked = std::function<void(absl::Status)>;

// OK where a row fits, else `otherwise`.
void NeedRow(Desk& desk, StoredFilter filter, absl::Status otherwise, Checked done) {
  filter.waiting = filter.dead = filter.delivered = true;
  filter.limit = 1;
  desk.Find(filter, [&desk, filter, otherwise, done](absl::StatusOr<StoredPage> page) mutable {
    if (!page.ok()) return done(page.status());
    if (!page->rows.empty()) return done(absl::OkStatus());
    if (page->next == 0) return done(otherwise);
    filter.after = page->next;
    NeedRow(desk, std::move(filter), std::move(otherwise), std::move(done));
  });
}

bool IsEndpoint(const Desk& desk, const std::string& route) {
  const std::vector<EndpointStatus> all = desk.Endpoints();
  return std::any_of(all.begin(), all.end(),
                     [&](const EndpointStatus& endpoint) { return endpoint.route == route; });
}

}  // namespace

absl::StatusOr<bool> SwitchOf(const QueryParameters& parameters, const char* name) {
  const std::string* value = parameters.Find(name);
  if (value == nullptr || *value == "0" || *value == "false") return false;
  if (value->empty() || *value == "1" || *value == "true") return true;
  return absl::InvalidArgumentError(
      absl::StrCat(name, ": '", *value, "' is neither 1 or true nor 0 or false"));
}

void CheckNamed(Desk& desk, const StoredFilter& filter, Checked done) {
  const Checked check_id = [&desk, id = filter.id, done](absl::Status status) {
    if (!status.ok() || id.empty()) return done(std::move(status));
    StoredFilter of_id;
    of_id.id = id;
    NeedRow(desk, of_id, absl::NotFoundError(absl::StrCat("no row has the id ", id)), done);
  };
  if (filter.route.empty() || IsEndpoint(desk, filter.route)) return check_id(absl::OkStatus());
  StoredFilter of_route;
  of_route.route = filter.route;
  NeedRow(desk, of_route,
          absl::NotFoundError(
              absl::StrCat("no route is called \"", filter.route, "\", and no row is left of one")),
          check_id);
}

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
  if (filter.since >= filter.until) {
    return absl::InvalidArgumentError(
        absl::StrCat("since: '", *parameters.Find("since"), "' is not before until, '",
                     *parameters.Find("until"), "': nothing is between them"));
  }
  const std::pair<const char*, std::string*> texts[] = {{"app", &filter.app},
                                                        {"stream", &filter.stream},
                                                        {"session", &filter.session},
                                                        {"route", &filter.route},
                                                        {"id", &filter.id}};
  for (const auto& [name, field] : texts) {
    if (const std::string* text = parameters.Find(name)) *field = *text;
  }
  if (status = ReadRows(parameters, &filter); !status.ok()) return status;
  absl::StatusOr<int64_t> after =
      parameters.Integer("after", 0, 0, std::numeric_limits<int64_t>::max());
  if (!after.ok()) return after.status();
  absl::StatusOr<int64_t> limit = parameters.Integer("limit", 500, 1, 500);
  if (!limit.ok()) return limit.status();
  filter.after = std::max(filter.after, static_cast<SpoolSeq>(*after));
  filter.limit = static_cast<size_t>(*limit);
  return filter;
}

}  // namespace tallybus::desk
