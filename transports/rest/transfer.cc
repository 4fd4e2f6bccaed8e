// The easy handle's settings for a whole request, and its callbacks.
#include "transports/rest/transfer.h"

#include "transports/rest/curl_option.h"
#include "transports/rest/endpoint_pool.h"
#include "transports/rest/verdict.h"

namespace tallybus::rest {
Transfer::Transfer(EndpointPool& pool, const EndpointSettings& settings,
                   const RouteCounters& counters, SocketWatch& watch, void* multi)
    : Attempt(pool, settings, counters, watch, multi) {
  if (!usable_) return;
  CurlOptions options(easy_, &usable_);
  options.Set(CURLOPT_POST, 1L);
  options.Set(CURLOPT_HTTP09_ALLOWED, 0L);
  options.Set(CURLOPT_FOLLOWLOCATION, 0L);
  SetCallbacks();
}

Transfer::~Transfer() = default;

void Transfer::SetCallbacks() {
  CurlOptions options(easy_, &usable_);
  options.Set(CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
  options.Set(CURLOPT_HEADERDATA, this);
  options.Set(CURLOPT_WRITEFUNCTION, &Transfer::OnBody);
  options.Set(CURLOPT_WRITEDATA, this);
  options.Set(CURLOPT_PREREQFUNCTION, &Transfer::OnPreRequest);
  options.Set(CURLOPT_PREREQDATA, this);
}

Attempt::Way Transfer::Begin(const Delivery& delivery, MonoTime) {
  if (!usable_) return Way::kRefused;
  CurlOptions options(easy_, &usable_);
  if (Prepare(delivery)) options.Set(CURLOPT_URL, request_.url.c_str());
  // libcurl reads the body from where it is; without an address it would read standard input.
  options.Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
  options.Set(CURLOPT_POSTFIELDS, request_.body.data() == nullptr ? "" : request_.body.data());
  SetHttpVersion();
  SetHeaders();
  if (usable_) return Way::kByLibcurl;
  delivery_.reset();
  return Way::kRefused;
}

// HTTP/2 by ALPN, for who may speak it (EndpointPool).
void Transfer::SetHttpVersion() {
  offers_http2_ = settings_.http2 && settings_.format == Format::kWcs;
  CurlOptions options(easy_, &usable_);
  options.Set(CURLOPT_HTTP_VERSION,
              static_cast<long>(offers_http2_ ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  options.Set(CURLOPT_FORBID_REUSE, 0L);
}

void Transfer::SetHeaders() {
  request_.headers.AddRaw(
      "Expect:");  // never ask for leave to send the body: it costs a round trip
  header_nodes_.resize(request_.headers.size());
  for (size_t i = 0; i < header_nodes_.size(); ++i) {
    header_nodes_[i] = {request_.headers[i],
                        i + 1 < header_nodes_.size() ? &header_nodes_[i + 1] : nullptr};
  }
  CurlOptions(easy_, &usable_).Set(CURLOPT_HTTPHEADER, header_nodes_.data());
}

void Transfer::CurlEnded(int curl_code) {
  long code = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &code);
  long connects = 0;
  curl_easy_getinfo(easy_, CURLINFO_NUM_CONNECTS, &connects);
  reused_ = connects == 0;
  curl_code_ = curl_code;
  code_ = curl_code == CURLE_OK || answer_.is_cut() ? static_cast<int>(code) : 0;
  LeaveCurl();
}

bool Transfer::Drive(uint32_t, MonoTime) { return true; }  // libcurl has done it all

size_t Transfer::OnHeader(char* data, size_t size, size_t n, void* user) {
  auto& self = *static_cast<Transfer*>(user);
  const std::string_view line(data, size * n);
  const size_t colon = line.find(':');
  if (line.starts_with("HTTP/")) {
    self.answer_.TakePhrase(PhraseOf(line));
    if (self.offers_http2_ && line.starts_with("HTTP/1.")) self.NoteHttp1();
  } else if (colon != line.npos) {
    self.answer_.TakeField(line.substr(0, colon), line.substr(colon + 1));
  }
  return line.size();
}

// A peer that does not take up the offer gets connections of our own, which cost less.
void Transfer::NoteHttp1() {
  if (pool_.NoteHttp1()) curl_easy_setopt(easy_, CURLOPT_FORBID_REUSE, 1L);
}

size_t Transfer::OnBody(char* data, size_t size, size_t n, void* user) {
  return static_cast<Transfer*>(user)->answer_.TakeBody({data, size * n}) ? size * n
                                                                          : CURL_WRITEFUNC_ERROR;
}

// Called when a connection stands and the request is about to be sent. A second call in one
// transfer means that a reused connection died and libcurl would send the request again, although
// the peer may have read the first one.
int Transfer::OnPreRequest(void* user, char* remote, char*, int, int) {
  auto& self = *static_cast<Transfer*>(user);
  if (self.sending_) {
    self.went_dead_ = true;
    return CURL_PREREQFUNC_ABORT;
  }
  if (!self.MayReuse(remote)) {
    self.address_refused_ = true;
    return CURL_PREREQFUNC_ABORT;
  }
  self.sending_ = true;
  return CURL_PREREQFUNC_OK;
}

// Another endpoint, with other rules, may have opened the connection.
bool Transfer::MayReuse(const char* remote) {
  if (remote == nullptr) return false;
  if (checked_address_ == remote) return true;
  if (!settings_.rules.Allows(std::string_view(remote))) return false;
  checked_address_ = remote;
  return true;
}

}  // namespace tallybus::rest
