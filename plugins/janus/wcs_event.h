// What the mapping hands out: one fact, in the words of the WCS REST hooks, that goes to the bus.
#ifndef TALLYBUS_PLUGINS_JANUS_WCS_EVENT_H_
#define TALLYBUS_PLUGINS_JANUS_WCS_EVENT_H_

#include <cstdint>
#include <string>

namespace tallybus::janus {

struct WcsEvent {
  enum class Kind {
    kOpenSession,
    kCloseSession,
    kSurplusSession,  // one too many to be followed: the rest of it will not be told
    kConnectionStatus,
    kStreamStatus
  };

  Kind kind = Kind::kStreamStatus;
  std::string session_id;        // Janus's, in decimal
  std::string transport;         // of kOpenSession: Janus's name for it, janus.transport.http
  std::string media_session_id;  // this and what follows to bitrate: of kStreamStatus alone
  std::string name;
  bool published = false;
  bool has_video = false;
  bool has_audio = false;
  std::string sdp;
  int32_t bitrate = 0;  // bits a second
  std::string status;   // PUBLISHING, ...; for kConnectionStatus ESTABLISHED or DISCONNECTED
  std::string info;
  int64_t time_unix_us = 0;  // when Janus saw it; 0: now

  // The end of a stream or of a session.
  bool IsTerminal() const {
    return status == "UNPUBLISHED" || status == "STOPPED" || status == "FAILED" ||
           status == "DISCONNECTED";
  }
  // Without it the other side would keep, for ever, something that is over or miss its opening.
  bool MustArrive() const {
    return kind == Kind::kOpenSession || kind == Kind::kCloseSession || IsTerminal();
  }
};

}  // namespace tallybus::janus

#endif  // TALLYBUS_PLUGINS_JANUS_WCS_EVENT_H_
