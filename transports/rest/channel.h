// The bytes of one kept connection: a socket that libcurl has connected, with its TLS over it where
// the URL asks for it.
#ifndef TALLYBUS_REST_CHANNEL_H_
#define TALLYBUS_REST_CHANNEL_H_

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "transports/rest/socket_watch.h"

namespace tallybus::rest {

// [owner] Never blocks. TLS stays libcurl's: its handle keeps the connection as long as it is open.
class Channel {
 public:
  static constexpr ssize_t kNotNow = -1;  // nothing is wrong, ask again when the socket is ready
  static constexpr ssize_t kBroken = -2;

  // `easy` connects only (CURLOPT_CONNECT_ONLY), in `multi`. All outlive the channel.
  Channel(void* easy, void* multi, SocketWatch& watch, bool is_tls)
      : easy_(easy), multi_(multi), watch_(watch), is_tls_(is_tls) {}
  ~Channel() { Close(); }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  bool is_tls() const { return is_tls_; }
  bool is_open() const { return socket_ >= 0; }
  // Takes over the connection that libcurl has just made; its events are `owner`'s. False: there is
  // none.
  bool Open(Attempt* owner);
  void Want(uint32_t events) { watch_.Want(socket_, events); }
  // How many bytes were taken of `first`, and of `second` behind it. What was not is given again as
  // it was: a TLS record may be under way.
  ssize_t Send(std::string_view first, std::string_view second);
  // 0: the peer has ended. A buffer of kBuffer leaves nothing behind that the socket does not tell.
  ssize_t Receive(std::span<char> buffer);
  static constexpr size_t kBuffer = 16384;  // a TLS record's bytes
  // The peer has sent something, or ended.
  bool HasSpoken() const;
  void Close();

 private:
  void* const easy_;
  void* const multi_;
  SocketWatch& watch_;
  const bool is_tls_;
  int socket_ = -1;  // none: not open
};

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_CHANNEL_H_
