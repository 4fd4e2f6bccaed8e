// What listen.web checks its clients' tokens with: read from files, and again when they change.
#ifndef TALLYBUS_APPS_TALLYBUSD_WEB_CREDENTIALS_H_
#define TALLYBUS_APPS_TALLYBUSD_WEB_CREDENTIALS_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "tallybus/clock.h"
#include "tallybus/log.h"
#include "tallybus/metrics.h"
#include "transports/web/token_authority.h"

namespace tallybus {

// [control] All but what it gives to the web server. Reads files: each is small.
class WebCredentials {
 public:
  // INVALID_ARGUMENT: the key of the configuration, its file, and what is wrong with it; no byte of
  // the file. `clock`, `metrics` and `log` outlive it.
  static absl::StatusOr<std::unique_ptr<WebCredentials>> Load(const config::Config& config,
                                                              const Clock& clock, Metrics& metrics,
                                                              Log& log);
  // As Load, and keeps nothing.
  static absl::Status Check(const config::Config& config);

  // Null: tokens are not asked for. Good as long as this lives.
  Authorize authorize() const;

  // Reads all files again. One that is wrong changes nothing of what it belongs to, and is logged.
  void Reload();
  // Reloads where a file has changed; looks every 10 s. Call it in each turn.
  void Tick();

 private:
  WebCredentials(const config::Config& config, const Clock& clock, Log& log);
  std::string LookAtFiles() const;

  const config::TokenKeys token_files_;
  const Clock& clock_;
  Log& log_;
  std::unique_ptr<TokenAuthority> tokens_;
  std::string seen_;  // what the files looked like when they were read
  MonoTime looked_;
};

}  // namespace tallybus

#endif  // TALLYBUS_APPS_TALLYBUSD_WEB_CREDENTIALS_H_
