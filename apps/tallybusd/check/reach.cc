// libcurl connects as the REST transport has it do, and is told to stop there.
#include "apps/tallybusd/check/reach.h"

#include <absl/cleanup/cleanup.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <curl/curl.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "transports/rest/curl_option.h"

namespace tallybus::check {
namespace {

// A peer of TLS 1.3 refuses a client's certificate, or that there is none, when the client has
// finished already: its alert is on the way for as long as an answer would be.
constexpr absl::Duration kAlertPatience = absl::Milliseconds(500);

bool IsAboutTheClient(int alert) {
  switch (alert) {
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
    case SSL_AD_CERTIFICATE_REQUIRED:
      return true;
    default:
      return false;
  }
}

struct EndsEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};

// One connection under way.
class Line {
 public:
  Line(const Attempt& attempt, absl::Duration patience)
      : attempt_(attempt), patience_(patience), easy_(curl_easy_init()) {
    bool usable = easy_ != nullptr;
    rest::CurlOptions options(easy_.get(), &usable);
    const Peer& peer = attempt.peer;
    options.Set(CURLOPT_URL,
                absl::StrCat(peer.tls ? "https://" : "http://", peer.ToString(), "/").c_str());
    options.Set(CURLOPT_CONNECT_ONLY, 1L);
    options.Set(CURLOPT_NOSIGNAL, 1L);
    options.Set(CURLOPT_ERRORBUFFER, error_);
    options.Set(CURLOPT_PRIVATE, this);
    options.Set(CURLOPT_TIMEOUT_MS, static_cast<long>(absl::ToInt64Milliseconds(patience)));
    options.Set(CURLOPT_PROXY, "");
    options.Set(CURLOPT_QUICK_EXIT, 1L);  // a name look-up that hangs is left behind
    options.Set(CURLOPT_OPENSOCKETFUNCTION, &Line::OnOpenSocket);
    options.Set(CURLOPT_OPENSOCKETDATA, this);
    options.Set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    SetFiles(options);
    usable_ = usable;
    // Of a libcurl that is built with OpenSSL; another one does not tell.
    curl_easy_setopt(easy(), CURLOPT_SSL_CTX_FUNCTION, &Line::OnTls);
    curl_easy_setopt(easy(), CURLOPT_SSL_CTX_DATA, this);
  }

  CURL* easy() const { return easy_.get(); }
  bool usable() const { return usable_; }

  bool has_tls() const { return attempt_.peer.tls; }

  curl_socket_t socket() const {
    curl_socket_t active = CURL_SOCKET_BAD;
    curl_easy_getinfo(easy(), CURLINFO_ACTIVESOCKET, &active);
    return active;
  }

  // False: nothing more will come. Throws away what a peer says that speaks first.
  bool Listen() const {
    char buffer[1024];
    size_t n = 0;
    CURLcode code = CURLE_OK;
    while ((code = curl_easy_recv(easy(), buffer, sizeof buffer, &n)) == CURLE_OK && n > 0) {
    }
    return code == CURLE_AGAIN;
  }

  absl::Status Judge(CURLcode code) const {
    if (alert_ != 0) return RefusedByAlert();
    switch (code) {
      case CURLE_OK:
        return absl::OkStatus();
      case CURLE_COULDNT_RESOLVE_HOST:
        return Failed("the name is not found; mend it, or this machine's DNS");
      case CURLE_COULDNT_CONNECT:
        return NotConnected();
      case CURLE_OPERATION_TIMEDOUT:
        return TimedOut();
      case CURLE_PEER_FAILED_VERIFICATION:
        return Failed(absl::StrCat("its certificate is not valid: ", Detail(code),
                                   "; mend it, or name its authority in tls.ca_file"));
      case CURLE_SSL_CONNECT_ERROR:
        if (is_asked_ && attempt_.tls.cert.empty()) return RefusedByAlert();
        return Failed(absl::StrCat("no TLS: ", Detail(code), "; is it meant to be one of TLS?"));
      default:
        return Failed(Detail(code));
    }
  }

 private:
  void SetFiles(rest::CurlOptions& options) {
    const rest::TlsFiles& files = attempt_.tls;
    if (!files.ca.empty()) {
      options.Set(CURLOPT_CAINFO, files.ca.c_str());
      options.Set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
    }
    if (files.cert.empty()) return;
    options.Set(CURLOPT_SSLCERT, files.cert.c_str());
    options.Set(CURLOPT_SSLKEY, files.key.c_str());
  }

  static CURLcode OnTls(CURL*, void* context, void* user) {
    auto* const tls = static_cast<SSL_CTX*>(context);
    SSL_CTX_set_ex_data(tls, OwnIndex(), user);
    SSL_CTX_set_info_callback(tls, &Line::OnTlsEvent);
    return CURLE_OK;
  }

  static int OwnIndex() {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
  }

  static void OnTlsEvent(const SSL* tls, int where, int value) {
    auto* const self = static_cast<Line*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(tls), OwnIndex()));
    self->is_asked_ |= SSL_get_state(tls) == TLS_ST_CR_CERT_REQ;
    const int alert = value & 0xff;  // the other byte is its level
    if (where == SSL_CB_READ_ALERT && IsAboutTheClient(alert)) self->alert_ = alert;
  }

  absl::Status RefusedByAlert() const {
    if (attempt_.tls.cert.empty()) {
      return Failed("TLS failure: the peer wants a client certificate; set tls.cert_file");
    }
    return Failed(
        absl::StrCat("TLS failure: the peer does not take the certificate in tls.cert_file (",
                     SSL_alert_desc_string_long(alert_), "); show one whose authority it trusts"));
  }

  static int OnOpenSocket(void* user, curlsocktype, curl_sockaddr* address) {
    auto& self = *static_cast<Line*>(user);
    const auto& rules = self.attempt_.rules;
    self.refused_ = rules && !rules->Allows(&address->addr, address->addrlen);
    if (self.refused_) return CURL_SOCKET_BAD;
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  }

  static absl::Status Failed(const std::string& why) { return absl::UnavailableError(why); }

  std::string Detail(CURLcode code) const {
    return error_[0] != '\0' ? error_ : curl_easy_strerror(code);
  }

  absl::Status NotConnected() const {
    if (refused_) {
      return Failed("its address is one that network or allow_cidrs refuse; see Security");
    }
    long error = 0;
    curl_easy_getinfo(easy(), CURLINFO_OS_ERRNO, &error);
    if (error == ECONNREFUSED) return Failed("connection refused: nothing listens there; start it");
    return Failed(absl::StrCat(error == 0 ? "no connection" : strerror(static_cast<int>(error)),
                               "; mend the address, or the way to it"));
  }

  absl::Status TimedOut() const {
    curl_off_t named = 0;
    char* address = nullptr;  // of a connection that was made
    curl_easy_getinfo(easy(), CURLINFO_NAMELOOKUP_TIME_T, &named);
    curl_easy_getinfo(easy(), CURLINFO_PRIMARY_IP, &address);
    const bool connected = address != nullptr && *address != '\0';
    const char* step = named == 0   ? "DNS did not answer"
                       : !connected ? "no connection"
                                    : "it took the connection, and no TLS came";
    return Failed(absl::StrCat("timed out: ", step, " within ", absl::FormatDuration(patience_),
                               "; is it up, and does a firewall let it through?"));
  }

  const Attempt& attempt_;
  const absl::Duration patience_;
  std::unique_ptr<CURL, EndsEasy> easy_;
  bool usable_ = false;
  bool refused_ = false;
  bool is_asked_ = false;  // for a certificate; one that does not need it goes on without
  int alert_ = 0;          // of the peer, about our certificate; 0: none
  char error_[CURL_ERROR_SIZE] = {};
};

using Lines = std::vector<std::unique_ptr<Line>>;

void ReadEnded(CURLM* multi, const Lines& lines, std::span<absl::Status> statuses) {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    for (size_t i = 0; i < lines.size(); ++i) {
      if (lines[i]->easy() == message->easy_handle) {
        statuses[i] = lines[i]->Judge(message->data.result);
      }
    }
  }
}

// Until each peer that TLS came to has refused, or ended, or said nothing for long enough.
void AwaitAlerts(CURLM* multi, const Lines& lines, std::span<absl::Status> statuses) {
  const absl::Time end = absl::Now() + kAlertPatience;
  std::vector<size_t> open;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (statuses[i].ok() && lines[i]->has_tls()) open.push_back(i);
  }
  for (absl::Time now = absl::Now(); !open.empty() && now < end; now = absl::Now()) {
    std::vector<curl_waitfd> sockets;
    for (const size_t i : open) sockets.push_back({lines[i]->socket(), CURL_WAIT_POLLIN, 0});
    curl_multi_poll(multi, sockets.data(), static_cast<unsigned>(sockets.size()),
                    static_cast<int>(absl::ToInt64Milliseconds(end - now)) + 1, nullptr);
    std::erase_if(open, [&](size_t i) {
      const bool more = lines[i]->Listen();
      statuses[i] = lines[i]->Judge(CURLE_OK);
      return !more;
    });
  }
}

void ReachTogether(std::span<const Attempt> attempts, absl::Duration patience,
                   std::span<absl::Status> statuses) {
  CURLM* const multi = curl_multi_init();
  if (multi == nullptr) return;
  Lines lines;
  for (const Attempt& attempt : attempts) {
    lines.push_back(std::make_unique<Line>(attempt, patience));
    if (lines.back()->usable()) curl_multi_add_handle(multi, lines.back()->easy());
  }
  int running = 1;
  while (running > 0) {
    if (curl_multi_perform(multi, &running) != CURLM_OK) break;
    ReadEnded(multi, lines, statuses);
    if (running > 0) curl_multi_poll(multi, nullptr, 0, 100, nullptr);
  }
  AwaitAlerts(multi, lines, statuses);
  for (const auto& line : lines) {
    if (line->usable()) curl_multi_remove_handle(multi, line->easy());
  }
  lines.clear();
  curl_multi_cleanup(multi);
}

}  // namespace

std::vector<absl::Status> Reach(std::span<const Attempt> attempts, absl::Duration patience) {
  std::vector<absl::Status> statuses(attempts.size(), absl::InternalError("it could not be tried"));
  for (size_t begin = 0; begin < attempts.size(); begin += kAtATime) {
    const size_t count = std::min(kAtATime, attempts.size() - begin);
    ReachTogether(attempts.subspan(begin, count), patience,
                  std::span(statuses).subspan(begin, count));
  }
  return statuses;
}

}  // namespace tallybus::check
