// An attempt that libcurl makes whole: HTTP/1.1 or HTTP/2, over TLS.
#ifndef TALLYBUS_REST_TRANSFER_H_
#define TALLYBUS_REST_TRANSFER_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "transports/rest/attempt.h"

struct curl_slist;

namespace tallybus::rest {

// [owner]
class Transfer final : public Attempt {
 public:
  // All outlive the transfer.
  Transfer(EndpointPool& pool, const EndpointSettings& settings, const RouteCounters& counters,
           SocketWatch& watch, void* multi);
  ~Transfer() override;

  bool IsByLibcurl() const override { return true; }

  Way Begin(const Delivery& delivery, MonoTime now) override;
  void CurlEnded(int curl_code) override;
  bool Drive(uint32_t events, MonoTime now) override;

 private:
  // libcurl's callbacks; `user` is the Transfer.
  static size_t OnHeader(char* data, size_t size, size_t n, void* user);
  static size_t OnBody(char* data, size_t size, size_t n, void* user);
  static int OnPreRequest(void* user, char* remote, char* local, int remote_port, int local_port);

  void SetCallbacks();
  void SetHttpVersion();
  void SetHeaders();
  bool MayReuse(const char* remote);
  void NoteHttp1();

  bool offers_http2_ = false;
  std::vector<curl_slist> header_nodes_;  // point into request_.headers
  std::string checked_address_;           // the last one that the rules allowed
};

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_TRANSFER_H_
