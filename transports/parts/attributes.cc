// Values and tokens: whatever comes from an event is escaped here.
#include "transports/parts/attributes.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <utility>

#include "tallybus/stable_hash.h"

namespace tallybus::parts {
namespace {

constexpr size_t kMostBytes = 256;
constexpr size_t kHashBytes = 17;  // '~' and 16 hex digits

// Percent-encoded but for letters, digits and what is `safe`; cut where no place is left.
std::string Encode(std::string_view text, std::string_view safe) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  size_t cut = 0;  // the last place where the hash still fits
  for (char c : text) {
    if (out.size() <= kMostBytes - kHashBytes) cut = out.size();
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) || safe.find(c) != safe.npos) {
      out.push_back(c);
    } else {
      out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
    if (out.size() > kMostBytes) {
      out.resize(cut);
      absl::StrAppend(&out, "~", absl::Hex(StableHash(text), absl::kZeroPad16));
      return out;
    }
  }
  return out;
}

}  // namespace

std::vector<Attribute> AttributesOf(const Parcel& parcel) {
  std::vector<Attribute> attributes = {
      {"webhook-id", parcel.event.id.ToString()},
      {"tallybus-method", parcel.event.method},
      {"tallybus-time", Rfc3339Millis(parcel.event.time)},
      {"tallybus-lane", EncodeLane(parcel.lane)},
      {"tallybus-attempt", absl::StrCat(parcel.attempt)},
  };
  const auto add = [&attributes](const char* name, std::string value) {
    attributes.push_back({name, std::move(value)});
  };
  if (parcel.lane_sequence > 0) add("tallybus-sequence", absl::StrCat(parcel.lane_sequence));
  if (parcel.redelivery) add("tallybus-redelivery", "1");
  if (parcel.reordered) add("tallybus-reordered", "1");
  if (parcel.coalesced > 0) add("tallybus-coalesced", absl::StrCat(parcel.coalesced));
  if (parcel.event.from_router) add("tallybus-origin", "router");
  return attributes;
}

std::string LinesOf(const std::vector<Attribute>& attributes) {
  std::string lines;
  for (const auto& [name, value] : attributes) absl::StrAppend(&lines, name, ": ", value, "\n");
  return lines;
}

std::string EncodeLane(std::string_view lane) { return Encode(lane, "-._~/"); }

std::string TokenOf(std::string_view text) { return text.empty() ? "~" : Encode(text, "-_"); }

}  // namespace tallybus::parts
