// An endpoint's URL and options, read once.
#ifndef TALLYBUS_REST_ENDPOINT_SETTINGS_H_
#define TALLYBUS_REST_ENDPOINT_SETTINGS_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "tallybus/transport.h"
#include "transports/rest/address_rules.h"
#include "transports/rest/body.h"
#include "transports/rest/credentials.h"
#include "transports/rest/request.h"

namespace tallybus::rest {

inline constexpr char kFormatOption[] = "format";
inline constexpr char kNetworkOption[] = "network";
inline constexpr char kAllowCidrsOption[] = "allow_cidrs";
inline constexpr char kCaFileOption[] = "tls.ca_file";
inline constexpr char kCertFileOption[] = "tls.cert_file";
inline constexpr char kKeyFileOption[] = "tls.key_file";
inline constexpr char kHttp2Option[] = "tls.http2";
inline constexpr char kCompressOverOption[] = "compress.over";

// Paths of PEM files; empty where not given.
struct TlsFiles {
  std::string ca;    // trusted instead of the system's authorities
  std::string cert;  // the client's, with its chain
  std::string key;   // of cert
};

struct EndpointSettings {
  BaseUrl url;
  AddressRules rules;
  TlsFiles tls;
  int max_connections = 1;
  Format format = Format::kWcs;
  bool http2 = true;  // is offered, over TLS
  Credentials credentials;
  size_t compress_over = SIZE_MAX;  // bytes of a body that is sent as it is
};

// INVALID_ARGUMENT says which part of the endpoint is wrong. Opens no file.
absl::StatusOr<EndpointSettings> ReadSettings(const Endpoint& endpoint);

// Whether the files are there and hold what they should. Reads them; holds no secret in a message.
absl::Status CheckTlsFiles(const TlsFiles& files);

// When the client's certificate ends; InfiniteFuture where there is none. Reads the file.
absl::StatusOr<absl::Time> CertificateEnd(const TlsFiles& files);

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_ENDPOINT_SETTINGS_H_
