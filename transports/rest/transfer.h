// One attempt over libcurl: a reused easy handle, and what its callbacks learn from the peer.
#ifndef TALLYBUS_REST_TRANSFER_H_
#define TALLYBUS_REST_TRANSFER_H_

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tallybus/metrics.h"
#include "tallybus/transport.h"
#include "transports/rest/endpoint_settings.h"
#include "transports/rest/request.h"
#include "transports/rest/socket_watch.h"

struct curl_slist;
struct curl_sockaddr;

namespace tallybus::rest {

inline constexpr size_t kMaxAnswerBytes = size_t{64} << 10;

class EndpointPool;

// What the transfers of one route count.
struct RouteCounters {
  RouteCounters(Metrics& metrics, const std::string& route);
  std::array<Counter*, 5> requests;  // by Verdict
  Counter& connections_opened;
  Counter& resends_refused;
  Counter& addresses_refused;
  Counter& answers_cut;
  Counter& hints_ignored;
};

// [owner] The thread of one loop uses it. Belongs to one endpoint for its whole life, so only what
// differs between two attempts is set again.
class Transfer {
 public:
  // All outlive the transfer.
  Transfer(EndpointPool& pool, const EndpointSettings& settings, const RouteCounters& counters,
           SocketWatch& watch);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // Makes the handle ready for one attempt, which must end within `left`. False where libcurl
  // refuses one of the settings that this transport relies on.
  [[nodiscard]] bool Begin(const Delivery& delivery, absl::Duration left);
  bool busy() const { return delivery_.has_value(); }
  Ticket ticket() const { return delivery_->ticket; }
  void* easy() const { return easy_; }
  EndpointPool& pool() const { return pool_; }  // that it belongs to

  // The attempt came to an end with this CURLcode; `now` is for a Retry-After date. The transfer is
  // free for another Begin.
  DeliveryResult Finish(int curl_code, absl::Time now);
  // No byte of the request has left us.
  bool never_sent() const { return !sending_; }
  // The attempt was given up by us: an answer, if there was any, does not count.
  void Abandon() { delivery_.reset(); }

 private:
  // libcurl's callbacks; `user` is the Transfer, but for OnCloseSocket, whose connection may
  // outlive the transfer that opened it: there it is the SocketWatch.
  static size_t OnHeader(char* data, size_t size, size_t n, void* user);
  static size_t OnBody(char* data, size_t size, size_t n, void* user);
  static int OnPreRequest(void* user, char* remote, char* local, int remote_port, int local_port);
  static int OnOpenSocket(void* user, int purpose, curl_sockaddr* address);
  static int OnCloseSocket(void* user, int socket);

  template <typename Option, typename Value>
  void Set(Option option, Value value);
  void SetOnce();
  void SetSecurity();
  void SetCallbacks();
  void SetRequest();
  void SetHttpVersion();
  void TakeHeader(std::string_view line);
  bool MayReuse(const char* remote);
  DeliveryResult Answered(int code, absl::Time now);
  DeliveryResult NotAnswered(int curl_code);

  EndpointPool& pool_;
  const EndpointSettings& settings_;
  const RouteCounters& counters_;
  SocketWatch& watch_;
  void* const easy_;
  bool usable_;  // no setting was refused

  std::optional<Delivery> delivery_;  // none while idle
  std::string method_;                // that the URL ends in
  std::string batch_;                 // the body, where it is not an event's own bytes
  std::string_view body_;
  HeaderFields headers_;
  std::vector<curl_slist> header_nodes_;  // point into headers_
  std::array<char, 256> error_text_{};
  std::string checked_address_;  // the last one that the rules allowed

  // Of the attempt under way.
  bool sending_ = false;  // a connection stands and the request has begun to go out
  bool address_refused_ = false;
  bool resend_refused_ = false;
  bool answer_cut_ = false;
  bool disabled_ = false;
  size_t answer_bytes_ = 0;
  std::string phrase_;
  std::string retry_after_;
  std::string answer_;
};

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_TRANSFER_H_
