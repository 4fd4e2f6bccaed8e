// The columns of a readable line, and what keeps a hostile value from leaving its own.
#include "apps/receive/event_line.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

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

// U+0000 to U+001F, U+007F and, as UTF-8, U+0080 to U+009F: what a terminal obeys.
std::string Visible(std::string_view text) {
  std::string out;
  const std::string_view shown = Cut(text);
  for (size_t i = 0; i < shown.size(); ++i) {
    const auto c = static_cast<unsigned char>(shown[i]);
    const bool c1 =
        c == 0xC2 && i + 1 < shown.size() && static_cast<unsigned char>(shown[i + 1]) < 0xA0;
    if (c < 0x20 || c == 0x7F || c1) {
      absl::StrAppend(&out, "\\x", absl::Hex(c, absl::kZeroPad2));
    } else {
      out += shown[i];
    }
  }
  if (shown.size() < text.size()) out += "...";
  return out;
}

std::string OrDash(std::string_view text) { return text.empty() ? "-" : Visible(text); }

void Append(std::string& out, absl::string_view label, std::string_view value) {
  if (!value.empty()) absl::StrAppend(&out, label, Visible(value));
}

}  // namespace

std::string FormatEventLine(const EventLine& line) {
  std::string out = absl::StrFormat("%s  %-21s  %-12s  %s", Visible(line.time),
                                    Visible(line.method), OrDash(line.status), OrDash(line.name));
  Append(out, "  session ", line.session_id);
  Append(out, "  info ", line.info);
  Append(out, "  id ", line.id);
  Append(out, "  lane ", line.lane);
  if (!line.lane.empty() && line.sequence != 0) absl::StrAppend(&out, "#", line.sequence);
  if (line.attempt != 0) absl::StrAppend(&out, "  attempt ", line.attempt);
  Append(out, "  -> ", line.answer);
  for (const std::string& mark : line.marks) absl::StrAppend(&out, "  [", Visible(mark), "]");
  return out;
}

}  // namespace tallybus::receive
