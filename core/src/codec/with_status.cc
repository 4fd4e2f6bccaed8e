// Member by member, in the order of the object.
#include "codec/with_status.h"

#include <vector>

#include "codec/json_members.h"
#include "codec/json_writer.h"

namespace tallybus {

std::string WithStatus(std::string_view json, std::string_view status, std::string_view info) {
  std::vector<JsonMember> members;
  (void)SplitJsonObject(json, &members).ok();  // an accepted event's
  std::string out;
  JsonObjectWriter writer(&out);
  bool has_status = false;
  bool has_info = false;
  for (const JsonMember& member : members) {
    if (member.key == "status") {
      if (!has_status) writer.String("status", status);
      has_status = true;
    } else if (member.key == "info") {
      if (!has_info) writer.String("info", info);
      has_info = true;
    } else {
      writer.Members(member.text);
    }
  }
  if (!has_status) writer.String("status", status);
  if (!has_info) writer.String("info", info);
  writer.Close();
  return out;
}

}  // namespace tallybus
