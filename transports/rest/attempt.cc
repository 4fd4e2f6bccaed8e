// The easy handle's common settings, the sockets that it may open, and the result.
#include "transports/rest/attempt.h"

#include <absl/strings/str_cat.h>
#include <unistd.h>

#include "transports/rest/curl_option.h"
#include "transports/rest/endpoint_pool.h"
#include "transports/rest/verdict.h"

namespace tallybus::rest {
namespace {

constexpr long kConnectTimeoutMs = 3000;
constexpr long kAuthorityCacheSeconds = 300;  // a renewed CA file counts after this time

// One refused address is no matter where another one of the same name could be reached.
bool NeverConnected(int curl_code) {
  return curl_code == CURLE_COULDNT_CONNECT || curl_code == CURLE_ABORTED_BY_CALLBACK;
}

}  // namespace

Attempt::Attempt(EndpointPool& pool, const EndpointSettings& settings,
                 const RouteCounters& counters, SocketWatch& watch, void* multi)
    : pool_(pool),
      settings_(settings),
      counters_(counters),
      watch_(watch),
      multi_(multi),
      easy_(curl_easy_init()),
      usable_(easy_ != nullptr),
      request_(settings) {
  static_assert(sizeof(error_text_) >= CURL_ERROR_SIZE);
  if (!usable_) return;
  CurlOptions options(easy_, &usable_);
  options.Set(CURLOPT_URL, request_.url.c_str());
  options.Set(CURLOPT_NOSIGNAL, 1L);
  options.Set(CURLOPT_NOPROGRESS, 1L);
  options.Set(CURLOPT_ERRORBUFFER, error_text_.data());
  options.Set(CURLOPT_PRIVATE, this);
  options.Set(CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  options.Set(CURLOPT_PROTOCOLS_STR, "http,https");
  options.Set(CURLOPT_PROXY, "");  // also keeps libcurl from reading the environment
  options.Set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  // Without this the end of a transfer waits for its name look-up, and the loop with it.
  options.Set(CURLOPT_QUICK_EXIT, 1L);
  options.Set(CURLOPT_OPENSOCKETFUNCTION, &Attempt::OnOpenSocket);
  options.Set(CURLOPT_OPENSOCKETDATA, this);
  options.Set(CURLOPT_CLOSESOCKETFUNCTION, &Attempt::OnCloseSocket);
  options.Set(CURLOPT_CLOSESOCKETDATA, &watch_);
  SetSecurity();
}

Attempt::~Attempt() { curl_easy_cleanup(easy_); }

void Attempt::SetSecurity() {
  CurlOptions options(easy_, &usable_);
  options.Set(CURLOPT_SSL_VERIFYPEER, 1L);
  options.Set(CURLOPT_SSL_VERIFYHOST, 2L);
  options.Set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  const TlsFiles& tls = settings_.tls;
  if (!tls.ca.empty()) {
    options.Set(CURLOPT_CAINFO, tls.ca.c_str());
    options.Set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
    options.Set(CURLOPT_CA_CACHE_TIMEOUT, kAuthorityCacheSeconds);
  }
  // A session that is taken up again shows and checks what was in the files when it began.
  if (!tls.ca.empty() || !tls.cert.empty()) options.Set(CURLOPT_SSL_SESSIONID_CACHE, 0L);
  if (!tls.cert.empty()) {
    options.Set(CURLOPT_SSLCERT, tls.cert.c_str());
    options.Set(CURLOPT_SSLKEY, tls.key.c_str());
  }
}

bool Attempt::Prepare(const Delivery& delivery) {
  delivery_.emplace(delivery);
  sending_ = reused_ = went_dead_ = address_refused_ = false;
  code_ = curl_code_ = 0;
  error_text_[0] = '\0';
  const bool is_another = request_.Prepare(settings_, delivery, pool_.clock());
  answer_.Begin(delivery.want_answer, request_.body.size());
  return is_another;
}

int Attempt::OnOpenSocket(void* user, int, curl_sockaddr* address) {
  auto& self = *static_cast<Attempt*>(user);
  if (!self.settings_.rules.Allows(&address->addr, address->addrlen)) {
    self.address_refused_ = true;
    return CURL_SOCKET_BAD;
  }
  const int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd < 0) return CURL_SOCKET_BAD;
  self.watch_.Opened(fd);
  self.counters_.connections_opened.Add();
  return fd;
}

int Attempt::OnCloseSocket(void* user, int socket) {
  static_cast<SocketWatch*>(user)->Closing(socket);
  return close(socket);
}

void Attempt::LeaveCurl() { curl_multi_remove_handle(multi_, easy_); }

void Attempt::Abandon() {
  Drop();
  LeaveCurl();
  delivery_.reset();
}

void Attempt::Expire() {
  Drop();
  LeaveCurl();
  code_ = 0;
  curl_code_ = CURLE_OPERATION_TIMEDOUT;
}

DeliveryResult Attempt::Finish(absl::Time now) {
  // An answer below 200 is never a final one, even where the connection ended properly after it.
  const bool answered = code_ >= 200;
  DeliveryResult result =
      answered ? answer_.Judge(code_, settings_.url.peer, counters_, now) : NotAnswered();
  result.connection_reused = answered && reused_;
  result.waited = waited;
  counters_.requests[static_cast<size_t>(result.verdict)]->Add();
  delivery_.reset();
  return result;
}

DeliveryResult Attempt::NotAnswered() {
  DeliveryResult result;
  result.verdict = Verdict::kRetryLater;
  result.never_sent = never_sent();
  const std::string& peer = settings_.url.peer;
  const std::string_view alert = CertificateAlert(error_text_.data(), !settings_.tls.cert.empty());
  if (!alert.empty()) {
    result.reason = kTlsFailure;
    result.status = StatusOfNoAnswer(peer, kTlsFailure, alert);
  } else if (went_dead_) {
    counters_.resends_refused.Add();
    result.reason = kConnectionReset;
    result.status =
        StatusOfNoAnswer(peer, kConnectionReset, "a reused connection ended before its answer");
  } else if (address_refused_ && NeverConnected(curl_code_)) {
    counters_.addresses_refused.Add();
    result.reason = kConnectionRefused;
    result.status = absl::PermissionDeniedError(
        absl::StrCat(peer, ": its address may not be reached from this network setting"));
  } else {
    result.reason = ReasonOf(curl_code_);
    const char* detail = HasUsefulErrorText(curl_code_) && error_text_[0] != '\0'
                             ? error_text_.data()
                             : curl_easy_strerror(static_cast<CURLcode>(curl_code_));
    result.status = StatusOfNoAnswer(peer, result.reason, detail);
  }
  return result;
}

}  // namespace tallybus::rest
