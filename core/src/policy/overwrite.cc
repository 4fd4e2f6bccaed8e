// Types first, then the bytes of the answer's values in the place of the event's.
#include "policy/overwrite.h"

#include <absl/strings/ascii.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "codec/json_members.h"

namespace tallybus {
namespace {

using Members = std::vector<JsonMember>;

enum class FieldType { kString, kBool, kInt, kInt64, kFraction, kObject, kArray, kNull };

struct KnownField {
  std::string_view name;
  FieldType type;
};

// Of a StreamStatusEvent: Web Call Server's REST hooks, and what newer servers add.
constexpr KnownField kKnown[] = {
    {"audioBitrate", FieldType::kInt},
    {"audioCodec", FieldType::kString},
    {"audioState", FieldType::kObject},
    {"bitrate", FieldType::kInt},
    {"codecImpl", FieldType::kString},
    {"createDate", FieldType::kInt64},
    {"custom", FieldType::kObject},
    {"cvoExtension", FieldType::kBool},
    {"fps", FieldType::kInt},
    {"gop", FieldType::kInt},
    {"hasAudio", FieldType::kBool},
    {"hasVideo", FieldType::kBool},
    {"height", FieldType::kInt},
    {"history", FieldType::kBool},
    {"info", FieldType::kString},
    {"maxBitrate", FieldType::kInt},
    {"mediaProvider", FieldType::kString},
    {"mediaSessionId", FieldType::kString},
    {"mediaType", FieldType::kString},
    {"minBitrate", FieldType::kInt},
    {"name", FieldType::kString},
    {"published", FieldType::kBool},
    {"quality", FieldType::kInt},
    {"record", FieldType::kBool},
    {"recordName", FieldType::kString},
    {"sdp", FieldType::kString},
    {"status", FieldType::kString},
    {"transport", FieldType::kString},
    {"videoCodec", FieldType::kString},
    {"videoState", FieldType::kObject},
    {"width", FieldType::kInt},
};

bool FitsInt32(int64_t value) {
  return value >= std::numeric_limits<int32_t>::min() &&
         value <= std::numeric_limits<int32_t>::max();
}

FieldType TypeOf(const JsonMember& member) {
  switch (member.type) {
    case JsonMember::Type::kString:
      return FieldType::kString;
    case JsonMember::Type::kInt:
      return FitsInt32(member.integer) ? FieldType::kInt : FieldType::kInt64;
    case JsonMember::Type::kBool:
      return FieldType::kBool;
    case JsonMember::Type::kObject:
      return FieldType::kObject;
    case JsonMember::Type::kOther:
      break;
  }
  if (member.value.starts_with('[')) return FieldType::kArray;
  return member.value == "null" ? FieldType::kNull : FieldType::kFraction;
}

// Readers of JSON take the last one of a name that comes twice.
const JsonMember* FindLast(const Members& members, std::string_view key) {
  auto found = std::find_if(members.rbegin(), members.rend(),
                            [key](const JsonMember& member) { return member.key == key; });
  return found == members.rend() ? nullptr : &*found;
}

// What a field must be; nullopt: nobody knows. A whole number of the event's own says nothing of
// its size, and a null nothing at all.
std::optional<FieldType> WantedType(std::string_view method, std::string_view field,
                                    const JsonMember* own) {
  if (method == kStreamStatusEvent) {
    for (const KnownField& known : kKnown) {
      if (known.name == field) return known.type;
    }
  }
  if (own == nullptr) return std::nullopt;
  const FieldType type = TypeOf(*own);
  if (type == FieldType::kNull) return std::nullopt;
  return type == FieldType::kInt ? FieldType::kInt64 : type;
}

bool Fits(FieldType wanted, FieldType type) {
  if (wanted == type) return true;
  const bool whole = type == FieldType::kInt || type == FieldType::kInt64;
  return whole && (wanted == FieldType::kFraction ||
                   (wanted == FieldType::kInt64 && type == FieldType::kInt));
}

// The members of the answer that go into the copy.
Members Choose(const Event& event, const FieldSet& fields, const Members& own, const Members& said,
               Overwritten* out) {
  Members chosen;
  for (const std::string& field : fields) {
    const JsonMember* from = FindLast(said, field);
    if (from == nullptr || FindLast(chosen, field) != nullptr) continue;
    const JsonMember* to = FindLast(own, field);
    const std::optional<FieldType> wanted = WantedType(event.method, field, to);
    if (!wanted) {
      ++out->unknown;
    } else if (!Fits(*wanted, TypeOf(*from))) {
      ++out->wrong_type;
    } else if (to == nullptr || to->value != from->value) {
      chosen.push_back(*from);
    }
  }
  return chosen;
}

std::string Written(const Members& own, const Members& chosen) {
  std::string out = "{";
  const auto comma = [&out] {
    if (out.size() > 1) out.push_back(',');
  };
  for (const JsonMember& member : own) {
    comma();
    const JsonMember* other = FindLast(chosen, member.key);
    const size_t before_value = member.text.size() - member.value.size();
    out.append(other == nullptr ? member.text : member.text.substr(0, before_value));
    if (other != nullptr) out.append(other->value);
  }
  for (const JsonMember& member : chosen) {
    if (FindLast(own, member.key) != nullptr) continue;
    comma();
    out.append(member.text);
  }
  out.push_back('}');
  return out;
}

}  // namespace

Overwritten Overwrite(const Event& event, std::string_view answer, const FieldSetPtr& fields) {
  Overwritten out;
  Members said, own;
  if (!SplitJsonObject(answer, &said).ok()) {
    const bool blank = std::all_of(answer.begin(), answer.end(),
                                   [](unsigned char c) { return absl::ascii_isspace(c); });
    out.answer = blank ? Overwritten::Answer::kEmpty : Overwritten::Answer::kNotJson;
    return out;
  }
  if (fields == nullptr || !SplitJsonObject(event.json, &own).ok()) return out;
  const Members chosen = Choose(event, *fields, own, said, &out);
  out.replaced = chosen.size();
  if (!chosen.empty()) out.json = Written(own, chosen);
  return out;
}

}  // namespace tallybus
