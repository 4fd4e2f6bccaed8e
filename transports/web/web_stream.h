// A connection of the web server, in the clear or under TLS: what Boost.Asio calls an asynchronous
// stream. Private to the folder: Boost.Beast comes with it.
#ifndef TALLYBUS_TRANSPORTS_WEB_WEB_STREAM_H_
#define TALLYBUS_TRANSPORTS_WEB_WEB_STREAM_H_

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/websocket/teardown.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "transports/web/server_tls.h"

namespace tallybus {

// [server thread] At most one read and one write at a time. In the clear it is the socket and
// nothing more. OpenSSL gets the socket itself, without Boost.Asio's buffers of 34 KB between them.
class WebStream {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;
  using executor_type = Socket::executor_type;
  using Error = boost::system::error_code;

  // Without `tls`: in the clear.
  WebStream(Socket socket, std::unique_ptr<TlsSession> tls)
      : socket_(std::move(socket)), tls_(std::move(tls)) {
    Error ignored;
    if (tls_) socket_.native_non_blocking(true, ignored);
  }

  executor_type get_executor() { return socket_.get_executor(); }
  Socket& socket() { return socket_; }
  bool IsTls() const { return tls_ != nullptr; }

  // Under TLS, before all else. `handler` takes an Error and a size that means nothing.
  template <typename Handler>
  void AsyncHandshake(Handler&& handler) {
    Run([this] { return tls_->Handshake(); }, std::forward<Handler>(handler));
  }

  template <typename Buffers, typename Handler>
  void async_read_some(const Buffers& buffers, Handler&& handler) {
    if (!tls_) return socket_.async_read_some(buffers, std::forward<Handler>(handler));
    Run([this, buffers] { return Read(buffers); }, std::forward<Handler>(handler));
  }

  template <typename Buffers, typename Handler>
  void async_write_some(const Buffers& buffers, Handler&& handler) {
    if (!tls_) return socket_.async_write_some(buffers, std::forward<Handler>(handler));
    Run([this, buffers] { return Write(buffers); }, std::forward<Handler>(handler));
  }

  // For a client that may stay for long. What the kernel would take in a slow one's place is no
  // bound of ours, so it takes this much; a peer that acknowledges nothing for so long is gone.
  void Bound(int send_buffer_bytes, int unacknowledged_ms) {
    Error ignored;
    socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
    socket_.set_option(boost::asio::socket_base::send_buffer_size(send_buffer_bytes), ignored);
    (void)setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms,
                     sizeof unacknowledged_ms);
  }

  // Nothing more is sent.
  void EndSending() {
    if (!socket_.is_open()) return;
    if (tls_) tls_->SayEnd();
    Error ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
  }

 private:
  using Step = TlsSession::Step;

  template <typename Buffers>
  Step Read(const Buffers& buffers) {
    auto end = boost::asio::buffer_sequence_end(buffers);
    for (auto at = boost::asio::buffer_sequence_begin(buffers); at != end; ++at) {
      const boost::asio::mutable_buffer buffer = *at;
      if (buffer.size() > 0) return tls_->Read(buffer.data(), buffer.size());
    }
    return {Step::Result::kDone};
  }

  // A frame's parts go into one record, not each into its own.
  template <typename Buffers>
  Step Write(const Buffers& buffers) {
    thread_local std::array<char, 16 << 10> record;
    return tls_->Write(record.data(),
                       boost::asio::buffer_copy(boost::asio::buffer(record), buffers));
  }

  // Tries until it need not wait. `handler` is never called from within. OpenSSL knows the number
  // of the descriptor alone: once the socket is closed, that may be another's, and is not tried.
  template <typename Attempt, typename Handler>
  void Run(Attempt attempt, Handler&& handler) {
    boost::asio::async_compose<Handler, void(Error, size_t)>(
        [this, attempt = std::move(attempt), waited = false, last = std::optional<Step>()](
            auto& self, Error error = {}) mutable {
          if (error) return self.complete(error, 0);
          if (!last) {
            const Step step = socket_.is_open() ? attempt() : Step{};
            const bool reads = step.result == Step::Result::kWaitToRead;
            if (reads || step.result == Step::Result::kWaitToWrite) {
              waited = true;
              return socket_.async_wait(reads ? Socket::wait_read : Socket::wait_write,
                                        std::move(self));
            }
            last = step;
            if (!waited) return boost::asio::post(socket_.get_executor(), std::move(self));
          }
          self.complete(ErrorOf(*last), last->bytes);
        },
        handler, socket_);
  }

  Error ErrorOf(const Step& step) const {
    if (step.result == Step::Result::kDone) return {};
    if (step.result == Step::Result::kEnd) return boost::asio::error::eof;
    if (!socket_.is_open()) return boost::asio::error::operation_aborted;
    return boost::asio::error::connection_reset;
  }

  Socket socket_;
  std::unique_ptr<TlsSession> tls_;
};

// How Boost.Beast ends the connection below a WebSocket.
inline void teardown(boost::beast::role_type role, WebStream& stream, WebStream::Error& error) {
  stream.EndSending();
  boost::beast::websocket::teardown(role, stream.socket(), error);
}
inline void beast_close_socket(WebStream& stream) {
  WebStream::Error ignored;
  stream.socket().close(ignored);
}
template <typename Handler>
void async_teardown(boost::beast::role_type role, WebStream& stream, Handler&& handler) {
  if (stream.IsTls()) stream.EndSending();
  boost::beast::websocket::async_teardown(role, stream.socket(), std::forward<Handler>(handler));
}

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_WEB_STREAM_H_
