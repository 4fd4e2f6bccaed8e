// The sessions that engines opened, and the restClientConfig that each brought.
#ifndef TALLYBUS_SESSION_TABLE_H_
#define TALLYBUS_SESSION_TABLE_H_

#include <absl/time/time.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tallybus/clock.h"
#include "tallybus/ingress.h"
#include "tallybus/log.h"
#include "tallybus/policy.h"

namespace tallybus {

// [router] One thread. A closed session serves 60 s more: UNPUBLISHED often follows DISCONNECTED.
// One that is not closed is forgotten when nothing was heard of it for `ttl`, or up to an eighth
// more.
class SessionTable {
 public:
  explicit SessionTable(Log& log, absl::Duration ttl = absl::Hours(24));
  ~SessionTable();
  SessionTable(const SessionTable&) = delete;
  SessionTable& operator=(const SessionTable&) = delete;

  // What of a config is not valid is one warning with session and key; the rest is used.
  void Apply(const SessionChange& change, MonoTime now);
  // nullptr where the session is unknown or brought no config.
  RestClientConfigPtr Config(std::string_view session_id) const;
  bool IsOpen(std::string_view session_id) const;
  // Forgets what closed long enough ago. Returns what was never closed and is forgotten too.
  std::vector<std::string> Prune(MonoTime now);
  size_t size() const;

 private:
  struct Tables;
  RestClientConfigPtr Parse(std::string_view session_id, const std::string& json);

  std::unique_ptr<Tables> tables_;
  Log& log_;
  const absl::Duration ttl_;
};

}  // namespace tallybus

#endif  // TALLYBUS_SESSION_TABLE_H_
