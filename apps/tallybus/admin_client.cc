// libcurl on a unix socket, and its failures in words.
#include "apps/tallybus/admin_client.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <curl/curl.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "apps/tallybus/file_access.h"
#include "apps/tallybus/table.h"
#include "apps/tallybusd/config/runtime_dir.h"

namespace tallybus::cli {
namespace {

constexpr absl::string_view kUnix = "unix:";
constexpr size_t kLongestPath = sizeof(sockaddr_un::sun_path) - 1;
constexpr size_t kLongestComplaint = 300;  // bytes of what a daemon says about an error

long Milliseconds(absl::Duration duration) {
  if (duration == absl::InfiniteDuration()) return 0;  // libcurl's word for no end
  return static_cast<long>(std::max<int64_t>(1, absl::ToInt64Milliseconds(duration)));
}

absl::Status CheckSocketPath(const std::string& path) {
  if (!absl::StartsWith(path, "/")) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", kUnix, path, "' needs an absolute path: unix:/run/tallybus/admin.sock"));
  }
  if (path.size() <= kLongestPath) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "the path of a socket holds at most ", kLongestPath, " bytes; this one has ", path.size()));
}

// Host and port alone: no path, name, password or query that would be sent along unseen.
bool IsPlainHttpAddress(const std::string& address) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), curl_url_cleanup);
  if (curl_url_set(url.get(), CURLUPART_URL, address.c_str(), 0) != CURLUE_OK) return false;
  const auto has = [&url](CURLUPart part, const char* but = "") {
    char* text = nullptr;
    if (curl_url_get(url.get(), part, &text, 0) != CURLUE_OK) return false;
    const bool is_there = strcmp(text, but) != 0;
    curl_free(text);
    return is_there;
  };
  return has(CURLUPART_PORT) && !has(CURLUPART_PATH, "/") && !has(CURLUPART_QUERY) &&
         !has(CURLUPART_USER) && !has(CURLUPART_PASSWORD) && !has(CURLUPART_FRAGMENT);
}

}  // namespace

// One question: what is asked, and what has come of the answer.
struct AdminClient::Exchange {
  explicit Exchange(const Limits& bounds) : limits(bounds) {}

  std::string method = "GET";
  std::string target;
  std::string body;
  const std::function<bool(std::string_view)>* on_line = nullptr;

  const Limits& limits;
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl{curl_easy_init(),
                                                                 curl_easy_cleanup};
  std::string received;
  bool too_large = false;
  bool cancelled = false;

  int Status() const {
    long status = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
    return static_cast<int>(status);
  }

  // The errno of the connection that failed; 0: unknown.
  long SystemError() const {
    long error = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_OS_ERRNO, &error);
    return error;
  }

  bool Streams() const { return on_line != nullptr && Status() == 200; }

  // False: enough has come.
  bool Take(std::string_view bytes) {
    received += bytes;
    if (Streams() && !HandOutLines()) return false;
    too_large = received.size() > (Streams() ? limits.line_bytes : limits.answer_bytes);
    return !too_large;
  }

  bool HandOutLines() {
    size_t start = 0;
    for (size_t end; (end = received.find('\n', start)) != std::string::npos; start = end + 1) {
      cancelled = !(*on_line)(std::string_view(received).substr(start, end - start));
      if (cancelled) return false;
    }
    received.erase(0, start);
    return true;
  }

  static size_t OnBytes(char* data, size_t size, size_t count, void* exchange) {
    return static_cast<Exchange*>(exchange)->Take({data, size * count}) ? size * count : 0;
  }
};

absl::StatusOr<AdminClient> AdminClient::At(const std::string& address, Limits limits) {
  AdminClient client(address.empty() ? DefaultAdminAddress() : address, limits);
  if (absl::StartsWith(client.address_, kUnix)) {
    client.path_ = client.address_.substr(kUnix.size());
    client.base_ = "http://localhost";
    if (absl::Status status = CheckSocketPath(client.path_); !status.ok()) return status;
    return client;
  }
  if (!absl::StartsWith(client.address_, "http://") || !IsPlainHttpAddress(client.address_)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", client.address_, "' is neither unix:/path nor http://host:port"));
  }
  client.base_ = client.address_.substr(0, client.address_.find_last_not_of('/') + 1);
  return client;
}

AdminClient::AdminClient(std::string address, Limits limits)
    : address_(std::move(address)), limits_(limits) {}

absl::StatusOr<AdminClient::Answer> AdminClient::Get(const std::string& target) const {
  Exchange exchange(limits_);
  exchange.target = target;
  return Perform(exchange);
}

absl::StatusOr<AdminClient::Answer> AdminClient::Post(const std::string& target,
                                                      const std::string& json) const {
  Exchange exchange(limits_);
  exchange.method = "POST";
  exchange.target = target;
  exchange.body = json;
  return Perform(exchange);
}

absl::StatusOr<AdminClient::Answer> AdminClient::Delete(const std::string& target) const {
  Exchange exchange(limits_);
  exchange.method = "DELETE";
  exchange.target = target;
  return Perform(exchange);
}

absl::StatusOr<AdminClient::Answer> AdminClient::GetLines(
    const std::string& target, const std::function<bool(std::string_view)>& on_line) const {
  Exchange exchange(limits_);
  exchange.target = target;
  exchange.on_line = &on_line;
  absl::StatusOr<Answer> answer = Perform(exchange);
  if (!answer.ok() || !exchange.Streams()) return answer;
  // A last line may lack its end.
  if (!answer->body.empty() && !on_line(answer->body)) return absl::CancelledError("cancelled");
  answer->body.clear();
  return answer;
}

absl::StatusOr<AdminClient::Answer> AdminClient::Perform(Exchange& exchange) const {
  CURL* curl = exchange.curl.get();
  curl_slist* headers = curl_slist_append(nullptr, "Expect:");
  if (exchange.method == "POST") {
    headers = curl_slist_append(headers, "Content-Type: application/json");
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(exchange.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, exchange.body.data());
  } else {
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, exchange.method.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_URL, absl::StrCat(base_, exchange.target).c_str());
  if (!path_.empty()) curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, path_.c_str());
  curl_easy_setopt(curl, CURLOPT_PROXY, "");  // none from the environment
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, Milliseconds(limits_.connect_timeout));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, Milliseconds(limits_.timeout));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Exchange::OnBytes);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange);
  const CURLcode code = curl_easy_perform(curl);
  curl_slist_free_all(headers);
  if (code != CURLE_OK) return Explain(exchange, code);
  const char* type = nullptr;
  curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
  return Answer{exchange.Status(), type == nullptr ? "" : type, std::move(exchange.received)};
}

absl::Status AdminClient::Explain(const Exchange& exchange, int curl_code) const {
  if (exchange.cancelled) return absl::CancelledError("cancelled");
  if (exchange.too_large) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the answer from ", address_, " is larger than ",
                     exchange.Streams() ? limits_.line_bytes : limits_.answer_bytes, " bytes",
                     exchange.Streams() ? " in one line" : "; ask for less"));
  }
  switch (curl_code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
      return ExplainNoConnection(exchange.SystemError());
    case CURLE_OPERATION_TIMEDOUT:
      return absl::DeadlineExceededError(absl::StrCat("no answer from ", address_, " within ",
                                                      absl::FormatDuration(limits_.timeout),
                                                      ": tallybusd is busy or stuck"));
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
      return absl::UnavailableError(
          absl::StrCat("what answers at ", address_, " went away before its answer was complete"));
    default:
      return absl::InternalError(
          absl::StrCat("what answers at ", address_,
                       " is no tallybusd: ", curl_easy_strerror(static_cast<CURLcode>(curl_code))));
  }
}

absl::Status AdminClient::ExplainNoConnection(long error) const {
  const std::string where = path_.empty() ? address_ : path_;
  if (error == EACCES && !path_.empty()) {
    return absl::PermissionDeniedError(
        absl::StrCat("permission denied at ", where, ": ", WhoMayUse(path_)));
  }
  if (error == EAGAIN) {
    return absl::UnavailableError(
        absl::StrCat("too many wait at ", where, " already: tallybusd is busy or stuck"));
  }
  return absl::UnavailableError(absl::StrCat("no tallybusd answers at ", where,
                                             ": is it running? name another with --admin"));
}

absl::Status AdminClient::Judge(const Answer& answer) const {
  if (answer.status >= 200 && answer.status < 300) return absl::OkStatus();
  std::string said = answer.body.substr(0, answer.body.find('\n'));
  if (said.size() > kLongestComplaint)
    said = absl::StrCat(said.substr(0, kLongestComplaint), "...");
  if (said.empty()) said = "no reason was given";
  return absl::UnknownError(
      absl::StrCat(address_, " answers ", answer.status, ": ", Printable(said)));
}

std::string DefaultAdminAddress() {
  return absl::StrCat(kUnix, config::RuntimeDir(config::ProcessEnvironment), "/admin.sock");
}

}  // namespace tallybus::cli
