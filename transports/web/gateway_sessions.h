// Sessions that no engine holds, but the gateway: for a client of its own the backend is asked
// `connect`.
#ifndef TALLYBUS_TRANSPORTS_WEB_GATEWAY_SESSIONS_H_
#define TALLYBUS_TRANSPORTS_WEB_GATEWAY_SESSIONS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tallybus/clock.h"
#include "tallybus/ingress.h"

namespace tallybus {

class ServerThread;

// [web] All calls but SetSink; none blocks.
class GatewaySessions {
 public:
  struct Connect {
    std::string app_key;
    // Goes to the backend, and nowhere else; empty: there is none. Over 8,192 bytes: declined.
    std::string auth_token;
    std::string further;  // members of the object: `"custom":{},"keepAlive":true`; may be empty
  };
  struct Verdict {
    bool accepted = false;
    // The backend itself said so. Accepted without it: the app has none, or it is not asked for
    // `connect`. Who needs the backend's word must not let such a client in.
    bool asked = false;
    // Declined, but not by the backend: it could not be asked, and may be the next time.
    bool passing = false;
    std::string reason;  // fit for the client; why it was declined, or not asked
    std::string json;    // the backend's object; empty: there is none
  };
  using Answer = std::function<void(const Verdict&)>;

  // One client's. While it is there the router has the session open, from an accepted connect on.
  class Session {
   public:
    // Closes it. Before the answer: there will be none, and no session.
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    const std::string& id() const { return id_; }  // "web/<16 hex digits>"

   private:
    friend class GatewaySessions;
    Session(GatewaySessions& sessions, std::string id, Answer answer)
        : sessions_(sessions), id_(std::move(id)), answer_(std::move(answer)) {}

    GatewaySessions& sessions_;
    const std::string id_;
    Answer answer_;  // null: it was given
    bool declined_ = false;
  };

  // `clock` outlives it, and it outlives its sessions.
  GatewaySessions(std::string node_id, const Clock& clock)
      : node_id_(std::move(node_id)), clock_(clock) {}

  // [control] Before the first Open. `sink` outlives it.
  void SetSink(EventSink& sink) { sink_ = &sink; }

  // `answer` comes once, after Open returned, on `thread`: within the app's timeout; or never,
  // where the router or the thread ends first. It may destroy the session. At most 64 questions are
  // open at a time: a further one is refused.
  std::shared_ptr<Session> Open(Connect connect, std::shared_ptr<ServerThread> thread,
                                Answer answer);
  // Every second or so: tells the router what it had no room for.
  void Tick() { TellClosed(); }

 private:
  static void Take(Session& session, Verdict verdict);
  void TellClosed();

  const std::string node_id_;
  const Clock& clock_;
  EventSink* sink_ = nullptr;
  std::vector<std::string> closed_;  // that the router was not told of yet
  // Each question shares it until the router has answered, whether its client is still there or
  // not.
  const std::shared_ptr<const void> questions_ = std::make_shared<char>();
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_GATEWAY_SESSIONS_H_
