// One attempt after another at an endpoint: what is sent, the connection's rules, and the result.
#ifndef TALLYBUS_REST_ATTEMPT_H_
#define TALLYBUS_REST_ATTEMPT_H_

#include <absl/time/time.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "tallybus/transport.h"
#include "transports/rest/answer.h"
#include "transports/rest/endpoint_settings.h"
#include "transports/rest/prepared_request.h"
#include "transports/rest/socket_watch.h"

struct curl_sockaddr;

namespace tallybus::rest {

class EndpointPool;

// [owner] The thread of one loop uses it. Belongs to one endpoint for its whole life, so only what
// differs between two attempts is set again.
class Attempt {
 public:
  // How an attempt goes on from its beginning.
  enum class Way {
    kRefused,    // libcurl refuses a setting that this transport relies on
    kByLibcurl,  // easy() goes to libcurl, until CurlEnded
    kOnSocket,   // Drive sends it
  };

  // All outlive the attempt.
  Attempt(EndpointPool& pool, const EndpointSettings& settings, const RouteCounters& counters,
          SocketWatch& watch, void* multi);
  virtual ~Attempt();
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  // libcurl makes the whole attempt, and keeps the connection; else it makes the connection alone.
  virtual bool IsByLibcurl() const = 0;
  // It has a connection of its own.
  virtual bool is_open() const { return false; }
  // `now`, here and below, is the time of the loop's turn: the same for all that one turn does.
  virtual Way Begin(const Delivery& delivery, MonoTime now) = 0;
  // libcurl is done with easy(), with this CURLcode, and has it still.
  virtual void CurlEnded(int curl_code) = 0;
  // Does what can be done now, upon these epoll events of the socket or upon none. True: the
  // attempt has ended.
  virtual bool Drive(uint32_t events, MonoTime now) = 0;
  // Gives up a connection of its own that was idle for too long. True: it has one.
  virtual bool CloseIfIdle(MonoTime) { return false; }
  // Given up by us: an answer, if there was any, does not count.
  void Abandon();
  // Its time is up: it has ended.
  void Expire();

  bool busy() const { return delivery_.has_value(); }
  Ticket ticket() const { return delivery_->ticket; }
  MonoTime deadline() const { return delivery_->deadline; }
  void* easy() const { return easy_; }
  EndpointPool& pool() const { return pool_; }  // that it belongs to
  bool is_call() const { return delivery_->is_call; }
  // No byte of the request has left us.
  bool never_sent() const { return !sending_; }

  absl::Duration waited;  // the next one's, for a connection; the loop's to say

  // What came of it; `now` is for a Retry-After date. It is free for another Begin.
  DeliveryResult Finish(absl::Time now);

 protected:
  // Leaves what is under way where it is.
  virtual void Drop() {}
  // libcurl lets go of easy(), if it has it.
  void LeaveCurl();
  // Replaces what is sent: request_. False where its url is as it was.
  bool Prepare(const Delivery& delivery);

  EndpointPool& pool_;
  const EndpointSettings& settings_;
  const RouteCounters& counters_;
  SocketWatch& watch_;
  void* const multi_;  // libcurl's, of the loop
  void* const easy_;   // libcurl's, of this attempt alone
  bool usable_;        // no setting was refused

  std::optional<Delivery> delivery_;  // none while idle
  PreparedRequest request_;
  std::array<char, 256> error_text_{};

  // Of the attempt under way.
  Answer answer_;
  int code_ = 0;            // of a final answer; 0 where there was none, and then:
  int curl_code_ = 0;       // what libcurl calls it
  bool sending_ = false;    // a connection stands and the request has begun to go out
  bool reused_ = false;     // that connection, from an attempt before
  bool went_dead_ = false;  // a reused connection that ended before its answer
  bool address_refused_ = false;

 private:
  // libcurl's callbacks; `user` is the Attempt, but for OnCloseSocket, whose connection may outlive
  // the attempt that opened it: there it is the SocketWatch.
  static int OnOpenSocket(void* user, int purpose, curl_sockaddr* address);
  static int OnCloseSocket(void* user, int socket);

  void SetSecurity();
  DeliveryResult NotAnswered();
};

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_ATTEMPT_H_
