// Leaves fields out of a JSON object without touching the others.
#include <algorithm>
#include <vector>

#include "codec/json_members.h"
#include "tallybus/policy.h"

namespace tallybus {

std::string WithoutFields(std::string_view json, const FieldSetPtr& excluded) {
  if (!excluded) return std::string(json);
  std::vector<JsonMember> members;
  if (!SplitJsonObject(json, &members).ok()) return "{}";  // unreachable for an accepted event
  std::string out = "{";
  for (const JsonMember& member : members) {
    if (std::binary_search(excluded->begin(), excluded->end(), member.key)) continue;
    if (out.size() > 1) out.push_back(',');
    out.append(member.text);
  }
  out.push_back('}');
  return out;
}

}  // namespace tallybus
