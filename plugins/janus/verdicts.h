// Carries out a backend's no: a session that it declined is ended, a stream that it ends is hung
// up.
#ifndef TALLYBUS_PLUGINS_JANUS_VERDICTS_H_
#define TALLYBUS_PLUGINS_JANUS_VERDICTS_H_

#include <tallybus/c/types.h>

#include <string>
#include <string_view>

#include "admin_api.h"
#include "limited_log.h"

namespace tallybus::janus {

// [any thread] Each verdict is a line in the log, with its reason.
class Verdicts {
 public:
  // admin: null where the settings name no Admin API; then the lines say what would be needed. Both
  // outlive this.
  Verdicts(Admin* admin, LimitedLog& log) : admin_(admin), log_(log) {}

  void EndSession(const std::string& session_id, std::string_view reason) noexcept;
  // media_session_id: as HandleLife makes them.
  void EndStream(std::string_view media_session_id, std::string_view reason) noexcept;

  // tallybus_publisher_options.on_command, whose user is a Verdicts.
  static void OnCommand(void* user, tallybus_bytes session_id, tallybus_bytes media_session_id,
                        tallybus_bytes reason);

 private:
  Admin* const admin_;
  LimitedLog& log_;
};

}  // namespace tallybus::janus

#endif  // TALLYBUS_PLUGINS_JANUS_VERDICTS_H_
