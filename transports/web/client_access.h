// From where may be watched: the page that asks, and the name that it asked for.
#ifndef TALLYBUS_TRANSPORTS_WEB_CLIENT_ACCESS_H_
#define TALLYBUS_TRANSPORTS_WEB_CLIENT_ACCESS_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "transports/web/http_server.h"

namespace tallybus {

// [any thread] Whether a header that lists words, such as "keep-alive, Upgrade", has this one.
bool Lists(std::string_view header, std::string_view word);
// [any thread] From "Authorization: Bearer <token>"; empty: there is none.
std::string_view BearerToken(const HttpRequest& request);

// [any thread] Immutable. A foreign page can reach a server on loopback through its visitor's
// browser, under its own name (Origin) or after DNS rebinding (Host).
class ClientAccess {
 public:
  struct Options {
    std::vector<std::string> allowed_origins;  // "https://media.example.org"
    std::vector<std::string> allowed_hosts;  // "media.example.org", with any port; or with its own
  };
  // localhost, 127.0.0.1 and [::1] are allowed beside them, as hosts and as hosts of an http or
  // https origin. Another scheme, an app's own (capacitor://localhost), must be listed.
  explicit ClientAccess(Options options) : options_(std::move(options)) {}

  bool HostAllowed(const HttpRequest& request) const;
  // So is a request that names no origin: no page sent it.
  bool OriginAllowed(const HttpRequest& request) const;
  // A page that may watch may read why it was refused.
  void LetPageRead(const HttpRequest& request, HttpAnswer* answer) const;

 private:
  const Options options_;
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_CLIENT_ACCESS_H_
