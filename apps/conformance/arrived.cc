// Comparisons field by field, or a search in the bytes.
#include "apps/conformance/arrived.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

namespace tallybus::conformance {
namespace {

std::string AsJson(std::string_view text) {
  std::string json;
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      json += c == '\n' ? "\\n" : "\\r";
    } else {
      if (c == '"' || c == '\\') json += '\\';
      json += c;
    }
  }
  return json;
}

std::string Percent(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) || std::string_view("-_.~").find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += absl::StrFormat("%%%02X", byte);
    }
  }
  return out;
}

bool AreDigits(char left, char right) {
  return absl::ascii_isdigit(static_cast<unsigned char>(left)) &&
         absl::ascii_isdigit(static_cast<unsigned char>(right));
}

bool Contains(std::string_view bytes, std::string_view text) {
  if (text.empty()) return true;
  for (size_t at = 0; (at = bytes.find(text, at)) != std::string_view::npos; ++at) {
    const size_t end = at + text.size();
    const bool goes_before = at > 0 && AreDigits(bytes[at - 1], text.front());
    const bool goes_on = end < bytes.size() && AreDigits(text.back(), bytes[end]);
    if (!goes_before && !goes_on) return true;
  }
  return false;
}

}  // namespace

bool Holds(std::string_view bytes, std::string_view text) {
  return Contains(bytes, text) || Contains(bytes, AsJson(text)) || Contains(bytes, Percent(text));
}

bool HoldsBody(const Arrival& arrival, const std::string& body) {
  return arrival.bytes.empty() ? arrival.body == body : Contains(arrival.bytes, body);
}

std::vector<std::string> LacksOf(const Arrival& arrival, const Arrival& sent) {
  std::vector<std::string> lacks;
  const auto expect = [&](const char* name, bool equal, const std::string& text) {
    const bool there = arrival.bytes.empty() ? equal : Holds(arrival.bytes, text);
    if (!there) lacks.push_back(name);
  };
  expect("method", arrival.method == sent.method, sent.method);
  expect("id", arrival.event_id == sent.event_id, sent.event_id);
  expect("time", arrival.time == sent.time, sent.time);
  expect("lane", arrival.lane == sent.lane, sent.lane);
  expect("sequence", arrival.lane_sequence == sent.lane_sequence, absl::StrCat(sent.lane_sequence));
  expect("attempt", arrival.attempt == sent.attempt, absl::StrCat(sent.attempt));
  expect("redelivery", arrival.redelivery == sent.redelivery, "");
  expect("from_router", arrival.from_router == sent.from_router, "");
  return lacks;
}

}  // namespace tallybus::conformance
