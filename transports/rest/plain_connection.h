// One kept connection without TLS: libcurl makes it, HTTP/1.1 goes over it by our own hand.
#ifndef TALLYBUS_REST_PLAIN_CONNECTION_H_
#define TALLYBUS_REST_PLAIN_CONNECTION_H_

#include <cstddef>
#include <string>

#include "transports/rest/answer_reader.h"
#include "transports/rest/attempt.h"

namespace tallybus::rest {

// [owner] One request at a time, with its answer (docs/decisions/0012-plain-http.md). Never sends a
// request twice.
class PlainConnection final : public Attempt {
 public:
  // All outlive the connection.
  PlainConnection(EndpointPool& pool, const EndpointSettings& settings,
                  const RouteCounters& counters, SocketWatch& watch);
  ~PlainConnection() override;

  Way Begin(const Delivery& delivery, MonoTime now) override;
  void CurlEnded(int curl_code) override;
  bool Drive(uint32_t events, MonoTime now) override;
  bool CloseIfIdle(MonoTime now) override;

 private:
  void Drop() override;
  bool Send();                  // false: the peer takes no more
  bool Receive(bool may_wait);  // true: the attempt has ended, as it has where it may not wait for
                                // more and nothing is there
  bool Answered();
  bool Fail(int curl_code);
  bool HasSpoken() const;
  void Close();
  bool IsSent() const { return sent_ == head_.size() + body_.size(); }

  int socket_ = -1;  // none: not connected
  MonoTime idle_since_;
  AnswerReader reader_{answer_};
  std::string head_;
  size_t sent_ = 0;           // of head and body
  bool is_answered_ = false;  // by a 2xx, before the request was sent whole
};

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_PLAIN_CONNECTION_H_
