// libcurl connects as the REST transport has it do, and is told to stop there.
#include "apps/tallybusd/check/reach.h"

#include <absl/cleanup/cleanup.h>
#include <absl/strings/str_cat.h>
#include <curl/curl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "transports/rest/curl_option.h"

namespace tallybus::check {
namespace {

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
  }

  CURL* easy() const { return easy_.get(); }
  bool usable() const { return usable_; }

  absl::Status Judge(CURLcode code) const {
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

  static int OnOpenSocket(void* user, curlsocktype, curl_sockaddr* address) {
    auto& self = *static_cast<Line*>(user);
    const auto& rules = self.attempt_.rules;
    self.refused_ = rules && !rules->Allows(&address->addr, address->addrlen);
    if (self.refused_) return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
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
