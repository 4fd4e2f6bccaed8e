// This library's half of the conversation with a router.
//
// Stepped: it has no thread and no clock, and never waits. The sender calls Receive, Tick and Send
// in turn with the time, and asks how long it may rest. docs/bus_protocol.md is the protocol.
#ifndef TALLYBUS_PLUGINS_ENGINE_ROUTER_LINK_H_
#define TALLYBUS_PLUGINS_ENGINE_ROUTER_LINK_H_

#include <tallybus/c/engine.h>

#include <cstdint>
#include <string_view>

#include "asks.h"
#include "bus_socket.h"
#include "callbacks.h"
#include "counters.h"
#include "live_state.h"
#include "message.h"
#include "ring.h"
#include "settings.h"

namespace tallybus::engine {

// Why Send stopped, and so what the sender waits for.
enum class Pause {
  kNone,     // it has had its turn, and there is more
  kRing,     // everything is sent: for the next record
  kRouter,   // for a router, its WELCOME, or leave to send more
  kSocket,   // for a connection, or one that takes more
  kTransit,  // for libzmq to write what it has; nothing tells when
};

class RouterLink {
 public:
  // All of them outlive the link.
  RouterLink(const Settings& settings, uint64_t epoch, Ring* ring, Counters* counters,
             Callbacks* callbacks, Asks* asks);

  // Before anything else; the only call that need not come from the sender's thread.
  tallybus_status Open() { return socket_.Open(); }

  BusSocket& socket() { return socket_; }

  // Takes in what has arrived, a bounded number of messages.
  void Receive(int64_t now_us);
  // Does what is due: HELLO, HEARTBEAT, giving up on a silent router, a line on drops.
  void Tick(int64_t now_us);
  // When Tick has something to do next.
  int64_t NextTick(int64_t now_us) const;
  // Sends what may be sent, a bounded number of batches.
  Pause Send(int64_t now_us);
  // Whether the last Tick or Send found no connection that would take what they had.
  bool WantsToSend(Pause pause, int64_t now_us) const {
    return pause == Pause::kSocket || (!welcomed_ && hello_due_us_ <= now_us);
  }
  // Whether a record waits that was not sent.
  bool HasNext() const;
  // When a record was last sent.
  int64_t last_sent_us() const { return last_sent_us_; }

  // Puts BYE behind the last record, once there is room for it.
  void SayBye();
  // Whether the router has taken over everything, BYE included.
  bool IsSettled() const { return bye_said_ && ring_->used() == 0; }
  // Answers what was asked, logs what is lost, lets what was sent leave, and closes.
  void Leave();

 private:
  struct Batch {
    Cursor end;          // behind its last record
    uint64_t count = 0;  // records
    size_t bytes = 0;    // of the whole message
  };

  bool Handle(Kind kind, std::string_view body, int64_t now_us);
  void OnWelcome(const Welcome& welcome, int64_t now_us);
  void OnRefuse(const Refuse& refuse, int64_t now_us);
  void OnResync(const Resync& resync, int64_t now_us);
  void OnAck(const Ack& ack);
  void OnReject(const Reject& reject, int64_t now_us);
  void OnConnectResult(const ConnectResult& result);

  void SayHello(int64_t now_us);
  bool IsSilent(int64_t now_us) const;
  void Reopen(int64_t now_us);
  void GoTo(uint64_t sequence);
  void FoldBefore(uint64_t sequence);
  void LogLosses(int64_t now_us);
  void SetState(tallybus_state state, std::string_view detail);

  bool IsStated(Pause* pause);
  Batch MeasureBatch() const;
  bool SendBatch(const Batch& batch);

  const Settings& settings_;
  const uint64_t epoch_;
  Ring* const ring_;
  Counters* const counters_;
  Callbacks* const callbacks_;
  Asks* const asks_;
  BusSocket socket_;
  LiveState live_;

  // The connection.
  bool welcomed_ = false;       // the router has answered our last HELLO
  bool refused_ = false;        // it answered with REFUSE
  bool was_connected_ = false;  // some router has welcomed us before
  bool listening_ = false;      // a HELLO went out on this socket: silence means something
  uint64_t router_epoch_ = 0;
  int64_t last_heard_us_ = 0;
  int64_t hello_due_us_ = 0;
  int64_t heartbeat_due_us_ = 0;

  // The records.
  Cursor next_;                // what is sent next
  uint64_t sent_through_ = 0;  // the highest sequence that was ever sent
  uint64_t send_through_ = 0;  // the highest that the router lets us send
  int64_t last_sent_us_ = 0;
  LiveState::Progress stated_;  // how far STATE has come since the last WELCOME
  uint64_t resync_to_ = 0;      // a RESYNC that is put off; 0: none
  uint64_t last_resync_to_ = 0;
  int64_t resync_due_us_ = 0;
  bool bye_said_ = false;

  // Of the events that found the ring full: what was told, and what a router was alive after.
  uint64_t told_dropped_ = 0;
  uint64_t heard_dropped_ = 0;

  // What has been logged.
  uint64_t logged_full_ = 0;
  uint64_t logged_too_large_ = 0;
  uint64_t logged_forgotten_ = 0;
  RateLimit loss_lines_{kSecondUs};
  RateLimit reject_lines_{kSecondUs};
  RateLimit malformed_lines_{kSecondUs};
};

}  // namespace tallybus::engine

#endif  // TALLYBUS_PLUGINS_ENGINE_ROUTER_LINK_H_
