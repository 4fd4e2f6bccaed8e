// A real mosquitto, and somebody who subscribes to all that it takes.
#ifndef TALLYBUS_TESTS_TRANSPORTS_MQTT_MOSQUITTO_BROKER_H_
#define TALLYBUS_TESTS_TRANSPORTS_MQTT_MOSQUITTO_BROKER_H_

#include <sys/types.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "tests/support/scratch_directory.h"

struct mosquitto;
struct mosquitto_message;
struct mqtt5__property;

namespace tallybus::mqtt {

struct TakenMessage {
  std::string topic;
  std::map<std::string, std::string> properties;
  std::string body;
};

// Aborts where it cannot be had. The port stays the same over a restart.
class MosquittoBroker {
 public:
  // `more` is configuration; @dir@ in it is folder().
  explicit MosquittoBroker(std::string more = "allow_anonymous true\n");
  ~MosquittoBroker();
  MosquittoBroker(const MosquittoBroker&) = delete;
  MosquittoBroker& operator=(const MosquittoBroker&) = delete;

  std::string url() const { return "mqtt://127.0.0.1:" + std::to_string(port_); }
  int port() const { return port_; }
  const std::string& folder() const { return folder_.path(); }

  void Start();
  void Signal(int signal);
  void Kill();  // by SIGKILL; returns when it is gone

  // From now on, until it is killed.
  void Subscribe();
  // All that it took until now: what it takes it passes on in order, the last one is our own.
  std::vector<TakenMessage> Messages();

 private:
  static void OnMessage(mosquitto*, void* broker, const mosquitto_message* message,
                        const mqtt5__property* properties);

  const testing::ScratchDirectory folder_;
  const std::string more_;
  int port_ = 0;
  int reserved_ = -1;  // nobody else gets the port while no broker is there
  pid_t pid_ = -1;
  mosquitto* subscriber_ = nullptr;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool subscribed_ = false;
  int ends_ = 0;
  std::vector<TakenMessage> messages_;
};

}  // namespace tallybus::mqtt

#endif  // TALLYBUS_TESTS_TRANSPORTS_MQTT_MOSQUITTO_BROKER_H_
