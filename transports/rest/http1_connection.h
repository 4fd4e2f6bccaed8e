// One kept connection: libcurl makes it, HTTP/1.1 goes over it by our own hand.
#ifndef TALLYBUS_REST_HTTP1_CONNECTION_H_
#define TALLYBUS_REST_HTTP1_CONNECTION_H_

#include <cstddef>
#include <string>

#include "transports/rest/answer_reader.h"
#include "transports/rest/attempt.h"
#include "transports/rest/channel.h"

namespace tallybus::rest {

// [owner] One request at a time, with its answer (docs/decisions/0012-http1.md). Never sends a
// request twice.
class Http1Connection final : public Attempt {
 public:
  // All outlive the connection.
  Http1Connection(EndpointPool& pool, const EndpointSettings& settings,
                  const RouteCounters& counters, SocketWatch& watch, void* multi);

  bool IsByLibcurl() const override { return false; }
  bool is_open() const override { return channel_.is_open(); }
  Way Begin(const Delivery& delivery, MonoTime now) override;
  void CurlEnded(int curl_code) override;
  bool Drive(uint32_t events, MonoTime now) override;
  bool CloseIfIdle(MonoTime now) override;

 private:
  void Drop() override { channel_.Close(); }
  bool Send();                  // false: the peer takes no more
  bool Receive(bool may_wait);  // true: the attempt has ended, as it has where it may not wait for
                                // more and nothing is there
  bool Answered();
  bool Fail(int curl_code);
  bool IsSent() const { return sent_ == head_.size() + request_.body.size(); }

  Channel channel_;
  MonoTime idle_since_;
  AnswerReader reader_{answer_};
  std::string head_;          // and with TLS a body that fits into its record
  size_t sent_ = 0;           // of head and body
  bool is_answered_ = false;  // by a 2xx, before the request was sent whole
};

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_HTTP1_CONNECTION_H_
