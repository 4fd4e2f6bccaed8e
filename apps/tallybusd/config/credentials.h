// What a request shows of its sender, as it is configured.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_CREDENTIALS_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_CREDENTIALS_H_

#include <absl/time/time.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tallybus::config {

inline constexpr char kHiddenSecret[] = "***";  // stands for one where it would be shown

struct Secret {
  std::string text = {};  // never printed
  std::string file = {};  // where it was read; empty: it stands in the configuration
};

struct SigningKey {
  Secret key;
  absl::Time until = absl::InfiniteFuture();
};

// Of one app or route.
struct Credentials {
  std::vector<SigningKey> signing;
  std::optional<std::string> username;
  std::optional<Secret> password;
  std::optional<Secret> bearer_token;
  std::optional<Secret> wcs_hash_key;
  std::map<std::string, std::string> where;  // by key: its place, as Sending::url_where
};

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_CREDENTIALS_H_
