// What a test of an HTTP server needs of the other side: libcurl for whole requests, a plain socket
// for broken ones.
#ifndef TALLYBUS_TESTS_TRANSPORTS_WEB_WEB_CLIENT_H_
#define TALLYBUS_TESTS_TRANSPORTS_WEB_WEB_CLIENT_H_

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tallybus::testing {

struct Reply {
  CURLcode outcome = CURLE_OK;
  long status = 0;
  std::string headers;
  std::string body;
};

inline size_t AppendTo(char* data, size_t size, size_t count, void* out) {
  static_cast<std::string*>(out)->append(data, size * count);
  return size * count;
}

struct Request {
  std::string method = "GET";
  std::vector<std::string> headers;
  std::string body;
  long timeout_ms = 60'000;
  std::string unix_path = {};  // where the server listens, if not at the URL's address
};

// One request on a connection of its own.
inline Reply Fetch(const std::string& url, const Request& request = {}) {
  Reply reply;
  CURL* curl = curl_easy_init();
  curl_slist* headers = curl_slist_append(nullptr, "Expect:");
  for (const std::string& header : request.headers) {
    headers = curl_slist_append(headers, header.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  if (!request.unix_path.empty()) {
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, request.unix_path.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, request.timeout_ms);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (request.method == "POST") {
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
  }
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, AppendTo);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply.body);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, AppendTo);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &reply.headers);
  reply.outcome = curl_easy_perform(curl);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
  curl_slist_free_all(headers);
  curl_easy_cleanup(curl);
  return reply;
}

// A connection to "127.0.0.1:<port>" or "unix:/path"; reads give up after a minute.
class RawConnection {
 public:
  explicit RawConnection(const std::string& address)
      : fd_(socket(IsUnix(address) ? AF_UNIX : AF_INET, SOCK_STREAM, 0)) {
    const timeval limit{60, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    connected_ = IsUnix(address) ? ConnectUnix(address) : ConnectTcp(address);
  }
  ~RawConnection() { close(fd_); }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  bool connected() const { return connected_; }

  bool Send(const std::string& bytes) {
    return send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }

  // What comes until the peer ends; *error is 0 at an orderly end.
  std::string ReadToEnd(int* error) {
    std::string bytes;
    char chunk[4096];
    while (true) {
      const ssize_t n = recv(fd_, chunk, sizeof(chunk), 0);
      if (n <= 0) {
        *error = n == 0 ? 0 : errno;
        return bytes;
      }
      bytes.append(chunk, static_cast<size_t>(n));
    }
  }

  // What comes until `end` was seen, or the peer ends.
  std::string ReadThrough(const std::string& end) {
    std::string bytes;
    char c = 0;
    while (bytes.find(end) == std::string::npos && recv(fd_, &c, 1, 0) == 1) bytes += c;
    return bytes;
  }

 private:
  static bool IsUnix(const std::string& address) { return address.rfind("unix:", 0) == 0; }

  bool ConnectTcp(const std::string& address) {
    sockaddr_in peer{};
    peer.sin_family = AF_INET;
    peer.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.find(':') + 1))));
    peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect(fd_, reinterpret_cast<sockaddr*>(&peer), sizeof(peer)) == 0;
  }

  bool ConnectUnix(const std::string& address) {
    sockaddr_un peer{};
    peer.sun_family = AF_UNIX;
    address.copy(peer.sun_path, sizeof(peer.sun_path) - 1, sizeof("unix:") - 1);
    return connect(fd_, reinterpret_cast<sockaddr*>(&peer), sizeof(peer)) == 0;
  }

  const int fd_;
  bool connected_ = false;
};

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_TRANSPORTS_WEB_WEB_CLIENT_H_
