// The descriptor, and the choice of a loop for each delivery.
#include "transports/rest/rest_transport.h"

#include <absl/status/statusor.h>
#include <curl/curl.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "tallybus/stable_hash.h"
#include "transports/rest/endpoint_settings.h"
#include "transports/rest/http_loop.h"
#include "transports/rest/not_made.h"
#include "transports/rest/prepared_request.h"
#include "transports/rest/request.h"

namespace tallybus::rest {
namespace {

// Enough for the time that the router takes to hear of an end and to send the next.
constexpr int kMostAhead = 4;

// Of each loop. The router opens far fewer tickets; more only means that they are put off.
constexpr size_t kMailboxCapacity = 65536;

// libcurl's own state of the process. It is never torn down: the host may use libcurl as well.
absl::Status InitialiseCurl() {
  static std::once_flag once;
  static CURLcode code = CURLE_FAILED_INIT;
  std::call_once(once, [] { code = curl_global_init(CURL_GLOBAL_DEFAULT); });
  if (code == CURLE_OK) return absl::OkStatus();
  return absl::UnavailableError("libcurl cannot start");
}

absl::Status Check(const Endpoint& endpoint) {
  auto settings = ReadSettings(endpoint);
  if (!settings.ok()) return settings.status();
  return CheckTlsFiles(settings->tls);
}

absl::StatusOr<absl::Time> CredentialsEnd(const Endpoint& endpoint) {
  auto settings = ReadSettings(endpoint);
  if (!settings.ok()) return settings.status();
  return CertificateEnd(settings->tls);
}

absl::StatusOr<std::unique_ptr<Transport>> Create(const TransportContext& context) {
  return std::make_unique<RestTransport>(context);
}

}  // namespace

TransportDescriptor RestDescriptor() {
  TransportDescriptor descriptor;
  descriptor.scheme = "rest";
  descriptor.options = {
      {kFormatOption,
       "wcs (default), cloudevents: an event a request; json-array, ndjson, cloudevents-batch: "
       "batches"},
      {kNetworkOption, "private (default) or public: which addresses the URL may lead to"},
      {kAllowCidrsOption, "comma list of address blocks that may be reached all the same"},
      {kCaFileOption, "PEM file of the authorities to trust instead of the system's"},
      {kCertFileOption, "PEM file of the client's certificate"},
      {kKeyFileOption, "PEM file of the client certificate's key"},
      {kHttp2Option, "true (default) or false: whether HTTP/2 is offered over TLS",
       OptionType::kBoolean},
      {kSigningOption,
       "Standard Webhooks: whsec_ and whsk_ keys with spaces between them, behind the first each "
       "with @<Unix seconds> where it ends",
       OptionType::kSecret},
      {kUsernameOption, "name of the Basic credentials"},
      {kPasswordOption, "password of the Basic credentials", OptionType::kSecret},
      {kBearerTokenOption, "token of the Bearer credentials", OptionType::kSecret},
      {kWcsHashKeyOption, "key of Web Call Server's hash of the body", OptionType::kSecret},
      {kCompressOverOption, "larger bodies are sent with gzip; none: no body is",
       OptionType::kSize},
  };
  descriptor.check = Check;
  descriptor.credentials_end = CredentialsEnd;
  descriptor.create = Create;
  descriptor.tell = TellRequest;
  return descriptor;
}

RestTransport::RestTransport(const TransportContext& context) : context_(context) {
  for (int i = 0; i < std::max(context.threads, 1); ++i) {
    loops_.push_back(std::make_unique<HttpLoop>(context, kMailboxCapacity));
  }
  mail_.resize(loops_.size());
}

RestTransport::~RestTransport() { Stop(MonoTime()); }

absl::Status RestTransport::Start() {
  if (auto status = InitialiseCurl(); !status.ok()) return status;
  for (const auto& loop : loops_) {
    if (auto status = loop->Start(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

void RestTransport::Deliver(std::span<const Delivery> deliveries) {
  for (const Delivery& delivery : deliveries) {
    const uint64_t choice = StableHash(delivery.parcels.front().lane) + delivery.endpoint.id;
    mail_[choice % mail_.size()].push_back(delivery);
  }
  for (size_t i = 0; i < loops_.size(); ++i) {
    if (mail_[i].empty()) continue;
    if (auto status = loops_[i]->Submit(mail_[i]); !status.ok()) GiveBack(mail_[i], status);
    mail_[i].clear();
  }
}

// Each loop counts its own connections: of several, one would begin what another has no room for.
int RestTransport::most_ahead() const { return loops_.size() == 1 ? kMostAhead : 0; }

void RestTransport::GiveBack(std::span<const Delivery> deliveries, const absl::Status& status) {
  for (const Delivery& delivery : deliveries) {
    context_.sink.Complete(delivery.ticket, NotMade(status));
  }
}

void RestTransport::Stop(MonoTime deadline) {
  for (const auto& loop : loops_) loop->RequestStop(deadline);
  for (const auto& loop : loops_) loop->Join();
}

}  // namespace tallybus::rest
