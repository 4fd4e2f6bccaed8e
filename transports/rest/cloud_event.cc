// The attributes, in the order in which the specification lists them.
#include "transports/rest/cloud_event.h"

#include <absl/strings/str_cat.h>

#include <string_view>

#include "tallybus/codec.h"
#include "transports/rest/request.h"

namespace tallybus::rest {
namespace {

void AppendText(std::string_view name, std::string_view value, std::string* out) {
  out->append(R"(,")").append(name).append(R"(":)").append(JsonString(value));
}

// "/<nodeId>/<appKey>": a URI reference, so that both are escaped, and neither is empty.
std::string SourceOf(const Event& event) {
  std::string source;
  for (const std::string& segment : {event.node_id, event.app_key}) {
    source.push_back('/');
    if (segment.empty()) source.push_back('-');
    AppendSegment(segment, &source);
  }
  return source;
}

}  // namespace

void AppendCloudEvent(const Parcel& parcel, std::string* out) {
  const Event& event = parcel.event;
  out->append(R"({"specversion":"1.0","id":")").append(event.id.ToString()).push_back('"');
  AppendText("source", SourceOf(event), out);
  AppendText("type", "tallybus." + event.method, out);
  const std::string& subject =
      event.media_session_id.empty() ? event.session_id : event.media_session_id;
  if (!subject.empty()) AppendText("subject", subject, out);
  AppendText("time", Rfc3339Millis(event.time), out);
  AppendText("datacontenttype", "application/json", out);
  // As text that sorts as the numbers do: 20 digits hold any of 64 bits.
  if (parcel.lane_sequence > 0) {
    absl::StrAppend(out, R"(,"sequence":")", absl::Dec(parcel.lane_sequence, absl::kZeroPad20),
                    "\"");
  }
  if (!parcel.lane.empty()) AppendText("partitionkey", parcel.lane, out);
  // In a batch no header field says these of one event.
  if (parcel.attempt > 1) absl::StrAppend(out, R"(,"attempt":)", parcel.attempt);
  if (parcel.redelivery) out->append(R"(,"redelivery":true)");
  if (parcel.reordered) out->append(R"(,"reordered":true)");
  if (parcel.coalesced > 0) absl::StrAppend(out, R"(,"coalesced":)", parcel.coalesced);
  if (event.from_router) out->append(R"(,"origin":"router")");
  out->append(R"(,"data":)").append(parcel.body).push_back('}');
}

}  // namespace tallybus::rest
