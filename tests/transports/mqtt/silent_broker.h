// A broker that takes every connection and every message, and acknowledges no message.
#ifndef TALLYBUS_TESTS_TRANSPORTS_MQTT_SILENT_BROKER_H_
#define TALLYBUS_TESTS_TRANSPORTS_MQTT_SILENT_BROKER_H_

#include <atomic>
#include <thread>

namespace tallybus::mqtt {

class SilentBroker {
 public:
  SilentBroker();
  ~SilentBroker();
  SilentBroker(const SilentBroker&) = delete;
  SilentBroker& operator=(const SilentBroker&) = delete;
  int port() const { return port_; }

 private:
  void Run();
  void Serve(int client);

  int port_ = 0;
  int socket_ = -1;
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace tallybus::mqtt

#endif  // TALLYBUS_TESTS_TRANSPORTS_MQTT_SILENT_BROKER_H_
