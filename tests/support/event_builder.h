// Events as an engine would hand them in, with the fields that a test cares about.
#ifndef TALLYBUS_TESTS_SUPPORT_EVENT_BUILDER_H_
#define TALLYBUS_TESTS_SUPPORT_EVENT_BUILDER_H_

#include <memory>
#include <string>

#include "tallybus/event.h"
#include "tallybus/ingress.h"

namespace tallybus::testing {

inline constexpr char kNode[] = "node-1";
inline constexpr char kApp[] = "defaultApp";
inline constexpr char kSession[] = "session-1";

// A published stream's status, of one session.
inline Event StatusEvent(const std::string& name, const std::string& status) {
  Event event;
  event.method = kStreamStatusEvent;
  event.node_id = kNode;
  event.app_key = kApp;
  event.session_id = kSession;
  event.media_session_id = "media-" + name;
  event.name = name;
  event.status = status;
  event.published = true;
  event.terminal = IsTerminalStatus(event.method, status);
  event.json = R"({"nodeId":"node-1","appKey":"defaultApp","sessionId":"session-1",)"
               R"("mediaSessionId":"media-)" +
               name + R"(","name":")" + name + R"(","published":true,"status":")" + status +
               R"(","sdp":"v=0"})";
  return event;
}

inline EventPtr SharedStatusEvent(const std::string& name, const std::string& status) {
  return std::make_shared<const Event>(StatusEvent(name, status));
}

inline SessionChange OpenSession(const std::string& session_id, const std::string& config) {
  return {SessionChange::Action::kOpen, session_id, kApp, config};
}

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_SUPPORT_EVENT_BUILDER_H_
