// Carries out a backend's no.
#include "verdicts.h"

#include <exception>
#include <optional>
#include <utility>

#include "handle_life.h"

namespace tallybus::janus {
namespace {

constexpr const char* kNeedsAdmin =
    "; it goes on: set general.admin_url, and enable Janus's Admin API";

std::string_view View(tallybus_bytes bytes) { return {bytes.data, bytes.size}; }

}  // namespace

// What is lost for want of memory must not end Janus: this runs in a callback of a C library.
void Verdicts::EndSession(const std::string& session_id, std::string_view reason) noexcept try {
  log_.Write(TALLYBUS_LOG_WARNING, "session " + session_id + " is declined: " + PlainText(reason) +
                                       (admin_ == nullptr ? kNeedsAdmin : ""));
  if (admin_ != nullptr) admin_->EndSession(session_id);
} catch (const std::exception&) {
  return;
}

void Verdicts::EndStream(std::string_view media_session_id, std::string_view reason) noexcept try {
  std::optional<HandleName> handle = HandleOf(media_session_id);
  std::string line = "the backend ends stream " + PlainText(media_session_id) + ": ";
  line += PlainText(reason);
  if (!handle) line += "; it is none of this Janus";
  if (handle && admin_ == nullptr) line += kNeedsAdmin;
  log_.Write(TALLYBUS_LOG_WARNING, line);
  if (handle && admin_ != nullptr) {
    admin_->HangUp(std::move(handle->session_id), std::move(handle->handle_id));
  }
} catch (const std::exception&) {
  return;
}

void Verdicts::OnCommand(void* user, tallybus_bytes /*session_id*/, tallybus_bytes media_session_id,
                         tallybus_bytes reason) {
  static_cast<Verdicts*>(user)->EndStream(View(media_session_id), View(reason));
}

}  // namespace tallybus::janus
