// One connection at a time, which is all that a link has.
#include "tests/transports/mqtt/silent_broker.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/scripted_server.h"

namespace tallybus::mqtt {
namespace {

constexpr int kLookMs = 20;
// CONNACK of MQTT 5: no session, success, no properties.
constexpr char kConnack[] = {0x20, 3, 0, 0, 0};

bool Readable(int socket) {
  pollfd wait = {socket, POLLIN, 0};
  return poll(&wait, 1, kLookMs) > 0;
}

}  // namespace

SilentBroker::SilentBroker() : socket_(testing::BindLoopback(&port_)) {
  listen(socket_, 16);
  thread_ = std::thread([this] { Run(); });
}

SilentBroker::~SilentBroker() {
  ending_ = true;
  thread_.join();
  close(socket_);
}

void SilentBroker::Run() {
  while (!ending_) {
    if (Readable(socket_)) Serve(accept(socket_, nullptr, nullptr));
  }
}

void SilentBroker::Serve(int client) {
  bool greeted = false;
  while (!ending_) {
    if (!Readable(client)) continue;
    char bytes[4096];
    if (recv(client, bytes, sizeof(bytes), 0) <= 0) break;
    if (!greeted) send(client, kConnack, sizeof(kConnack), MSG_NOSIGNAL);
    greeted = true;
  }
  close(client);
}

}  // namespace tallybus::mqtt
