// A real nats-server on a port that the kernel chose, with JetStream in a folder of its own.
#ifndef TALLYBUS_TESTS_TRANSPORTS_NATS_NATS_SERVER_H_
#define TALLYBUS_TESTS_TRANSPORTS_NATS_NATS_SERVER_H_

#include <sys/types.h>

#include <atomic>
#include <map>
#include <string>
#include <vector>

#include "tests/support/scratch_directory.h"

struct __natsConnection;
struct __natsSubscription;

namespace tallybus::nats {

struct StoredMessage {
  std::string subject;
  std::map<std::string, std::string> headers;
  std::string body;
};

// Aborts where it cannot be had. The port stays the same over a restart.
class NatsServer {
 public:
  // `more` is configuration; @dir@ in it is folder().
  explicit NatsServer(std::string more = "");
  ~NatsServer();
  NatsServer(const NatsServer&) = delete;
  NatsServer& operator=(const NatsServer&) = delete;

  std::string url() const { return "nats://127.0.0.1:" + std::to_string(port_); }
  int port() const { return port_; }
  const std::string& folder() const { return folder_.path(); }

  void Start();
  void Signal(int signal);
  void Kill();  // by SIGKILL; returns when it is gone

  // The stream EVENTS of tallybus.>; a limit of 0 is none. A full one refuses what is new.
  void AddStream(int max_message_size = 0, int max_messages = 0);
  // Somebody who listens and answers nothing.
  void Swallow();
  // Until he has heard something; false after a minute.
  bool WaitForSwallowed();
  std::vector<StoredMessage> Messages();

 private:
  __natsConnection* Connection();
  void WriteConfig();
  void WaitUntilItListens();

  const testing::ScratchDirectory folder_;
  const std::string more_;
  int port_ = 0;
  const int reserved_;  // nobody else gets the port while no server is there
  pid_t pid_ = -1;
  __natsConnection* connection_ = nullptr;
  __natsSubscription* swallower_ = nullptr;
  std::atomic<int> swallowed_{0};
};

}  // namespace tallybus::nats

#endif  // TALLYBUS_TESTS_TRANSPORTS_NATS_NATS_SERVER_H_
