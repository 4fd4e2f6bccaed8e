// A WebSocket server of Boost.Beast and nothing else, on one thread: each message goes back to its
// sender, and one that begins with '*' to everybody. Prints its port; ends with its standard input.
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <cstdio>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <utility>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using Text = std::shared_ptr<const std::string>;

class Client;
std::set<std::shared_ptr<Client>> clients;  // NOLINT(cert-err58-cpp)

class Client : public std::enable_shared_from_this<Client> {
 public:
  explicit Client(tcp::socket socket) : stream_(std::move(socket)) {
    beast::websocket::permessage_deflate none;
    none.server_enable = false;
    stream_.set_option(none);
    stream_.auto_fragment(false);
    stream_.write_buffer_bytes(512);  // what it needs, not the 4 KiB that it takes
  }

  void Start() {
    stream_.async_accept([self = shared_from_this()](beast::error_code error) {
      if (error) return;
      clients.insert(self);
      self->Read();
    });
  }

  void Send(Text text) {
    queue_.push_back(std::move(text));
    if (queue_.size() == 1) Write();
  }

 private:
  void Read() {
    stream_.async_read(buffer_, [self = shared_from_this()](beast::error_code error, size_t) {
      if (error) {
        clients.erase(self);
        return;
      }
      const auto text = std::make_shared<const std::string>(
          beast::buffers_to_string(std::exchange(self->buffer_, {}).data()));
      if (text->starts_with('*')) {
        for (const auto& client : clients) client->Send(text);
      } else {
        self->Send(text);
      }
      self->Read();
    });
  }

  void Write() {
    stream_.text(true);
    stream_.async_write(asio::buffer(*queue_.front()),
                        [self = shared_from_this()](beast::error_code error, size_t) {
                          self->queue_.pop_front();
                          if (!error && !self->queue_.empty()) self->Write();
                        });
  }

  beast::websocket::stream<tcp::socket> stream_;
  beast::flat_buffer buffer_;
  std::deque<Text> queue_;
};

void Accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](beast::error_code error, tcp::socket socket) {
    if (!error) {
      socket.set_option(tcp::no_delay(true));
      std::make_shared<Client>(std::move(socket))->Start();
    }
    Accept(acceptor);
  });
}

}  // namespace

int main() {
  asio::io_context context(1);
  tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
  Accept(acceptor);
  asio::posix::stream_descriptor input(context, STDIN_FILENO);
  char byte = 0;
  input.async_read_some(asio::buffer(&byte, 1), [&](beast::error_code, size_t) { context.stop(); });
  std::printf("%d\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  context.run();
  clients.clear();
  return 0;
}
