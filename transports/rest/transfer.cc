// The easy handle's settings, its callbacks, and the result that comes of them.
#include "transports/rest/transfer.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <curl/curl.h>
#include <unistd.h>

#include <algorithm>

#include "transports/rest/verdict.h"

namespace tallybus::rest {
namespace {

constexpr long kConnectTimeoutMs = 3000;
constexpr long kAuthorityCacheSeconds = 300;  // a renewed CA file counts after this time
constexpr int64_t kLongestAttemptMs = 24 * 3600 * 1000;
constexpr size_t kHttp2Window = 65535;  // of a new stream, where the peer has not said otherwise
constexpr size_t kMaxHintBytes = 64;
constexpr const char* kVerdictWords[] = {"delivered", "retry_later", "hold", "rejected", "gone"};

// The value of header field `name` in `line`, without white space around it; none for another
// field.
std::optional<std::string_view> ValueOf(absl::string_view name, std::string_view line) {
  const absl::string_view field(line.data(), line.size());
  if (field.size() <= name.size() || field[name.size()] != ':') return std::nullopt;
  if (!absl::EqualsIgnoreCase(field.substr(0, name.size()), name)) return std::nullopt;
  const absl::string_view value = absl::StripAsciiWhitespace(field.substr(name.size() + 1));
  return std::string_view(value.data(), value.size());
}

// One refused address is no matter where another one of the same name could be reached.
bool NeverConnected(int curl_code) {
  return curl_code == CURLE_COULDNT_CONNECT || curl_code == CURLE_ABORTED_BY_CALLBACK;
}

}  // namespace

RouteCounters::RouteCounters(Metrics& metrics, const std::string& route)
    : connections_opened(metrics.GetCounter("tallybus_http_connections_opened_total",
                                            "Sockets opened to endpoints.", {{"route", route}})),
      resends_refused(metrics.GetCounter(
          "tallybus_http_resends_refused_total",
          "Times that the HTTP library wanted to send a request a second time by itself.",
          {{"route", route}})),
      addresses_refused(metrics.GetCounter("tallybus_http_addresses_refused_total",
                                           "Connections to addresses that the network option "
                                           "forbids.",
                                           {{"route", route}})),
      answers_cut(metrics.GetCounter("tallybus_http_answers_cut_total",
                                     "Answers of more than 64 KiB.", {{"route", route}})),
      hints_ignored(metrics.GetCounter("tallybus_http_retry_after_ignored_total",
                                       "Retry-After headers that are no time.",
                                       {{"route", route}})) {
  for (size_t i = 0; i < requests.size(); ++i) {
    requests[i] =
        &metrics.GetCounter("tallybus_http_requests_total", "Attempts made, by what came of them.",
                            {{"route", route}, {"outcome", kVerdictWords[i]}});
  }
}

Transfer::Transfer(EndpointPool& pool, const EndpointSettings& settings,
                   const RouteCounters& counters, SocketWatch& watch)
    : pool_(pool),
      settings_(settings),
      counters_(counters),
      watch_(watch),
      easy_(curl_easy_init()),
      usable_(easy_ != nullptr) {
  static_assert(sizeof(error_text_) >= CURL_ERROR_SIZE);
  if (!usable_) return;
  SetOnce();
  SetSecurity();
  SetCallbacks();
}

Transfer::~Transfer() { curl_easy_cleanup(easy_); }

template <typename Option, typename Value>
void Transfer::Set(Option option, Value value) {
  if (curl_easy_setopt(easy_, option, value) != CURLE_OK) usable_ = false;
}

void Transfer::SetOnce() {
  Set(CURLOPT_URL, settings_.url.whole.c_str());
  Set(CURLOPT_POST, 1L);
  Set(CURLOPT_NOSIGNAL, 1L);
  Set(CURLOPT_NOPROGRESS, 1L);
  Set(CURLOPT_ERRORBUFFER, error_text_.data());
  Set(CURLOPT_PRIVATE, this);
  Set(CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  Set(CURLOPT_HTTP09_ALLOWED, 0L);
  Set(CURLOPT_FOLLOWLOCATION, 0L);
  // Without this the end of a transfer waits for its name look-up, and the loop with it.
  Set(CURLOPT_QUICK_EXIT, 1L);
}

void Transfer::SetSecurity() {
  Set(CURLOPT_PROTOCOLS_STR, "http,https");
  Set(CURLOPT_PROXY, "");  // also keeps libcurl from reading the environment
  Set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  Set(CURLOPT_SSL_VERIFYPEER, 1L);
  Set(CURLOPT_SSL_VERIFYHOST, 2L);
  Set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  const TlsFiles& tls = settings_.tls;
  if (!tls.ca.empty()) {
    Set(CURLOPT_CAINFO, tls.ca.c_str());
    Set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
    Set(CURLOPT_CA_CACHE_TIMEOUT, kAuthorityCacheSeconds);
  }
  if (!tls.cert.empty()) {
    Set(CURLOPT_SSLCERT, tls.cert.c_str());
    Set(CURLOPT_SSLKEY, tls.key.c_str());
  }
}

void Transfer::SetCallbacks() {
  Set(CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
  Set(CURLOPT_HEADERDATA, this);
  Set(CURLOPT_WRITEFUNCTION, &Transfer::OnBody);
  Set(CURLOPT_WRITEDATA, this);
  Set(CURLOPT_PREREQFUNCTION, &Transfer::OnPreRequest);
  Set(CURLOPT_PREREQDATA, this);
  Set(CURLOPT_OPENSOCKETFUNCTION, &Transfer::OnOpenSocket);
  Set(CURLOPT_OPENSOCKETDATA, this);
  Set(CURLOPT_CLOSESOCKETFUNCTION, &Transfer::OnCloseSocket);
  Set(CURLOPT_CLOSESOCKETDATA, &watch_);
}

bool Transfer::Begin(const Delivery& delivery, absl::Duration left) {
  if (!usable_) return false;
  delivery_.emplace(delivery);
  sending_ = address_refused_ = resend_refused_ = answer_cut_ = disabled_ = false;
  answer_bytes_ = 0;
  phrase_.clear();
  retry_after_.clear();
  answer_.clear();
  error_text_[0] = '\0';
  SetRequest();
  const int64_t left_ms = absl::ToInt64Milliseconds(left);
  Set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::clamp<int64_t>(left_ms, 1, kLongestAttemptMs)));
  if (!usable_) delivery_.reset();
  return usable_;
}

void Transfer::SetRequest() {
  const Parcel& first = delivery_->parcels.front();
  if (settings_.format == Format::kWcs) {
    if (method_ != first.event.method) {
      method_ = first.event.method;
      Set(CURLOPT_URL, TargetUrl(settings_.url, method_).c_str());
    }
    body_ = first.body;
  } else {
    WriteBatch(settings_.format, delivery_->parcels, &batch_);
    body_ = batch_;
  }
  // libcurl reads the body from where it is; without an address it would read standard input.
  Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body_.size()));
  Set(CURLOPT_POSTFIELDS, body_.data() == nullptr ? "" : body_.data());

  SetHttpVersion();

  WriteHeaders(settings_.format, delivery_->parcels, &headers_);
  headers_.AddRaw("Expect:");  // never ask for leave to send the body: it costs a round trip
  header_nodes_.resize(headers_.size());
  for (size_t i = 0; i < header_nodes_.size(); ++i) {
    header_nodes_[i] = {headers_[i],
                        i + 1 < header_nodes_.size() ? &header_nodes_[i + 1] : nullptr};
  }
  Set(CURLOPT_HTTPHEADER, header_nodes_.data());
}

// HTTP/2 by ALPN only: without TLS, libcurl 7.88 fails on each reused connection. And not for a
// body beyond the first flow-control window: a peer may answer it unread (413 for one), and then
// libcurl goes on waiting for the window to open until the time is up. A pooled connection may
// speak HTTP/2 already, hence a fresh one.
void Transfer::SetHttpVersion() {
  const bool plain = !settings_.url.prefix.starts_with("https:");
  const bool batches = settings_.format != Format::kWcs;  // then no connection speaks HTTP/2
  const bool large = batches || body_.size() > kHttp2Window;
  Set(CURLOPT_HTTP_VERSION,
      static_cast<long>(large ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS));
  Set(CURLOPT_FRESH_CONNECT, large && !plain && !batches ? 1L : 0L);
}

size_t Transfer::OnHeader(char* data, size_t size, size_t n, void* user) {
  static_cast<Transfer*>(user)->TakeHeader({data, size * n});
  return size * n;
}

void Transfer::TakeHeader(std::string_view line) {
  if (line.starts_with("HTTP/")) {
    // Each interim answer has its own fields; only those of the last one count.
    phrase_ = PhraseOf(line);
    retry_after_.clear();
    disabled_ = false;
  } else if (auto value = ValueOf("retry-after", line)) {
    retry_after_ = value->substr(0, kMaxHintBytes);
  } else if (auto wish = ValueOf("webhook-delivery", line)) {
    disabled_ = absl::EqualsIgnoreCase(absl::string_view(wish->data(), wish->size()), "disable");
  }
}

size_t Transfer::OnBody(char* data, size_t size, size_t n, void* user) {
  auto& self = *static_cast<Transfer*>(user);
  const size_t bytes = size * n;
  // What is kept is cut; what is read may be an echo of the request, as Web Call Server's backends
  // send it.
  const size_t kept =
      std::min(bytes, kMaxAnswerBytes - std::min(kMaxAnswerBytes, self.answer_bytes_));
  if (self.delivery_->want_answer) self.answer_.append(data, kept);
  self.answer_bytes_ += bytes;
  if (self.answer_bytes_ <= kMaxAnswerBytes + self.body_.size()) return bytes;
  self.answer_cut_ = true;
  return CURL_WRITEFUNC_ERROR;
}

// Called when a connection stands and the request is about to be sent. A second call in one
// transfer means that a reused connection died and libcurl would send the request again, although
// the peer may have read the first one.
int Transfer::OnPreRequest(void* user, char* remote, char*, int, int) {
  auto& self = *static_cast<Transfer*>(user);
  if (self.sending_) {
    self.resend_refused_ = true;
    return CURL_PREREQFUNC_ABORT;
  }
  if (!self.MayReuse(remote)) {
    self.address_refused_ = true;
    return CURL_PREREQFUNC_ABORT;
  }
  self.sending_ = true;
  return CURL_PREREQFUNC_OK;
}

bool Transfer::MayReuse(const char* remote) {
  if (remote == nullptr) return false;
  if (checked_address_ == remote) return true;
  if (!settings_.rules.Allows(std::string_view(remote))) return false;
  checked_address_ = remote;
  return true;
}

int Transfer::OnOpenSocket(void* user, int, curl_sockaddr* address) {
  auto& self = *static_cast<Transfer*>(user);
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

int Transfer::OnCloseSocket(void* user, int socket) {
  static_cast<SocketWatch*>(user)->Closing(socket);
  return close(socket);
}

DeliveryResult Transfer::Finish(int curl_code, absl::Time now) {
  long code = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &code);
  // An answer below 200 is never a final one, even where the connection ended properly after it.
  const bool answered = (curl_code == CURLE_OK || answer_cut_) && code >= 200;
  DeliveryResult result = answered ? Answered(static_cast<int>(code), now) : NotAnswered(curl_code);
  long connects = 0;
  curl_easy_getinfo(easy_, CURLINFO_NUM_CONNECTS, &connects);
  result.connection_reused = answered && connects == 0;
  counters_.requests[static_cast<size_t>(result.verdict)]->Add();
  delivery_.reset();
  return result;
}

DeliveryResult Transfer::Answered(int code, absl::Time now) {
  DeliveryResult result;
  result.verdict = VerdictOf(code, disabled_);
  result.remote_code = code;
  result.reason = phrase_.empty() ? std::string(StandardPhrase(code)) : std::move(phrase_);
  result.status = StatusOf(result.verdict, settings_.url.peer, code, result.reason);
  result.answer_cut = answer_cut_;
  result.answer = std::move(answer_);
  if (answer_cut_) counters_.answers_cut.Add();
  if (!retry_after_.empty()) {
    const auto hint = ParseRetryAfter(retry_after_, now);
    if (hint) result.retry_after = *hint;
    if (!hint) counters_.hints_ignored.Add();
  }
  return result;
}

DeliveryResult Transfer::NotAnswered(int curl_code) {
  DeliveryResult result;
  result.verdict = Verdict::kRetryLater;
  result.never_sent = never_sent();
  const std::string& peer = settings_.url.peer;
  if (resend_refused_) {
    counters_.resends_refused.Add();
    result.reason = kConnectionReset;
    result.status =
        StatusOfNoAnswer(peer, kConnectionReset, "a reused connection ended before its answer");
  } else if (address_refused_ && NeverConnected(curl_code)) {
    counters_.addresses_refused.Add();
    result.reason = kConnectionRefused;
    result.status = absl::PermissionDeniedError(
        absl::StrCat(peer, ": its address may not be reached from this network setting"));
  } else {
    result.reason = ReasonOf(curl_code);
    const char* detail = HasUsefulErrorText(curl_code) && error_text_[0] != '\0'
                             ? error_text_.data()
                             : curl_easy_strerror(static_cast<CURLcode>(curl_code));
    result.status = StatusOfNoAnswer(peer, result.reason, detail);
  }
  return result;
}

}  // namespace tallybus::rest
