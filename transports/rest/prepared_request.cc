// The format decides the path and the body; credentials and the encoding come last.
#include "transports/rest/prepared_request.h"

#include <absl/strings/str_cat.h>

#include "transports/rest/body.h"
#include "transports/rest/gzip.h"

namespace tallybus::rest {

bool PreparedRequest::Prepare(const EndpointSettings& settings, const Delivery& delivery,
                              const Clock& clock) {
  const Format format = delivery.is_call ? Format::kWcs : settings.format;
  const Parcel& first = delivery.parcels.front();
  const std::string_view method = format == Format::kWcs ? first.event.method : std::string_view();
  const bool is_another = method_ != method;
  if (is_another) {
    method_ = method;
    url = method.empty() ? settings.url.whole : TargetUrl(settings.url, method_);
  }
  if (format == Format::kWcs) {
    body = first.body;
  } else {
    WriteBody(format, delivery.parcels, &written_);
    body = written_;
  }
  WriteHeaders(format, delivery.parcels, &headers);
  // Whoever verifies has the JSON in his hands, not what it was packed into on the way.
  if (!settings.credentials.empty()) {
    settings.credentials.AddTo(RequestId(format, delivery.parcels), body, clock.WallNow(),
                               &headers);
  }
  plain = body;
  if (body.size() > settings.compress_over && Gzip(body, &packed_)) {
    body = packed_;
    headers.Join("Content-Encoding", "gzip");
  }
  return is_another;
}

absl::StatusOr<AttemptText> TellRequest(const Delivery& delivery, const Clock& clock) {
  absl::StatusOr<EndpointSettings> settings = ReadSettings(delivery.endpoint);
  if (!settings.ok()) return settings.status();
  PreparedRequest request(*settings);
  request.Prepare(*settings, delivery, clock);
  AttemptText text;
  WriteHead(settings->url, request.url, request.headers, request.body.size(), &text.head);
  text.head.resize(text.head.size() - std::string_view("\r\n").size());
  text.body = request.plain;
  if (request.body.data() != request.plain.data()) {
    text.note = absl::StrCat("before gzip; ", request.body.size(), " bytes are sent");
  }
  return text;
}

}  // namespace tallybus::rest
