// The columns of a readable line, and what keeps a hostile value from leaving its own.
#include "apps/receive/event_line.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include "apps/receive/visible.h"

namespace tallybus::receive {
namespace {

constexpr size_t kValueBytes = 160;

bool Continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// At most kValueBytes, never half a character.
std::string_view Cut(std::string_view text) {
  if (text.size() <= kValueBytes) return text;
  size_t end = kValueBytes;
  while (end > 0 && Continues(text[end])) --end;
  return text.substr(0, end);
}

std::string Shown(std::string_view text) {
  const std::string_view cut = Cut(text);
  return Visible(cut) + (cut.size() < text.size() ? "..." : "");
}

std::string OrDash(std::string_view text) { return text.empty() ? "-" : Shown(text); }

void Append(std::string& out, absl::string_view label, std::string_view value) {
  if (!value.empty()) absl::StrAppend(&out, label, Shown(value));
}

}  // namespace

std::string FormatEventLine(const EventLine& line) {
  std::string out = absl::StrFormat("%s  %-21s  %-12s  %s", Shown(line.time), Shown(line.method),
                                    OrDash(line.status), OrDash(line.name));
  Append(out, "  session ", line.session_id);
  Append(out, "  info ", line.info);
  Append(out, "  id ", line.id);
  Append(out, "  lane ", line.lane);
  if (!line.lane.empty() && line.sequence != 0) absl::StrAppend(&out, "#", line.sequence);
  if (line.attempt != 0) absl::StrAppend(&out, "  attempt ", line.attempt);
  Append(out, "  -> ", line.answer);
  for (const std::string& mark : line.marks) absl::StrAppend(&out, "  [", Shown(mark), "]");
  return out;
}

}  // namespace tallybus::receive
