// mosquitto cannot be given port 0: the kernel chooses one that is free, which is kept for it.
#include "tests/transports/mqtt/mosquitto_broker.h"

#include <arpa/inet.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <utility>

#include "tests/support/scripted_server.h"

extern char** environ;

namespace tallybus::mqtt {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);
constexpr char kEnd[] = "end-of-test";

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "mosquitto for the test: %s failed\n", what);
  std::abort();
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

bool Listens(int port) {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool listens =
      connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(probe);
  return listens;
}

}  // namespace

MosquittoBroker::MosquittoBroker(std::string more) : more_(std::move(more)) {
  reserved_ = testing::ReserveLoopback(&port_);
  Start();
}

MosquittoBroker::~MosquittoBroker() {
  if (subscriber_ != nullptr) {
    // By force it would be cancelled wherever it is, also where it holds a lock.
    mosquitto_disconnect(subscriber_);
    mosquitto_loop_stop(subscriber_, /*force=*/false);
    mosquitto_destroy(subscriber_);
  }
  Kill();
  close(reserved_);
}

void MosquittoBroker::Start() {
  std::ofstream(folder() + "/mosquitto.conf")
      << "listener " << port_ << " 127.0.0.1\nuser root\nmax_queued_messages 0\n"
      << "log_dest file " << folder() << "/log\n"
      << Replaced(more_, "@dir@", folder());
  std::string config = folder() + "/mosquitto.conf";
  char program[] = "/usr/sbin/mosquitto", c[] = "-c";
  char* const arguments[] = {program, c, config.data(), nullptr};
  Require(posix_spawn(&pid_, program, nullptr, nullptr, arguments, environ) == 0, "posix_spawn");
  for (int i = 0; i < 12'000 && !Listens(port_); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  Require(waitpid(pid_, nullptr, WNOHANG) == 0, "starting");
}

void MosquittoBroker::Signal(int signal) {
  kill(pid_, signal);
  // Its threads stop one after the other, and until then they answer.
  if (signal == SIGSTOP) waitpid(pid_, nullptr, WUNTRACED);
}

void MosquittoBroker::Kill() {
  if (pid_ < 0) return;
  Signal(SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void MosquittoBroker::Subscribe() {
  mosquitto_lib_init();
  subscriber_ = mosquitto_new(nullptr, true, this);
  mosquitto_int_option(subscriber_, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
  mosquitto_message_v5_callback_set(subscriber_, OnMessage);
  mosquitto_subscribe_callback_set(subscriber_, [](mosquitto*, void* broker, int, int, const int*) {
    auto& self = *static_cast<MosquittoBroker*>(broker);
    std::lock_guard lock(self.mutex_);
    self.subscribed_ = true;
    self.changed_.notify_all();
  });
  Require(mosquitto_connect(subscriber_, "127.0.0.1", port_, 60) == 0, "connecting");
  Require(mosquitto_loop_start(subscriber_) == 0, "its thread");
  Require(mosquitto_subscribe(subscriber_, nullptr, "#", 1) == 0, "subscribing");
  std::unique_lock lock(mutex_);
  Require(changed_.wait_for(lock, kPatience, [this] { return subscribed_; }), "subscribing");
}

void MosquittoBroker::OnMessage(mosquitto*, void* broker, const mosquitto_message* message,
                                const mqtt5__property* properties) {
  auto& self = *static_cast<MosquittoBroker*>(broker);
  TakenMessage taken;
  taken.topic = message->topic;
  taken.body.assign(static_cast<const char*>(message->payload),
                    static_cast<size_t>(message->payloadlen));
  char* name = nullptr;
  char* value = nullptr;
  const mosquitto_property* at = mosquitto_property_read_string_pair(
      properties, MQTT_PROP_USER_PROPERTY, &name, &value, false);
  while (at != nullptr) {
    taken.properties[name] = value;
    std::free(name);
    std::free(value);
    at = mosquitto_property_read_string_pair(at, MQTT_PROP_USER_PROPERTY, &name, &value, true);
  }
  std::lock_guard lock(self.mutex_);
  if (taken.topic == kEnd) {
    ++self.ends_;
    self.changed_.notify_all();
  } else {
    self.messages_.push_back(std::move(taken));
  }
}

std::vector<TakenMessage> MosquittoBroker::Messages() {
  if (subscriber_ == nullptr) return {};
  int before = 0;
  {
    std::lock_guard lock(mutex_);
    before = ends_;
  }
  Require(mosquitto_publish(subscriber_, nullptr, kEnd, 0, nullptr, 1, false) == 0, "publishing");
  std::unique_lock lock(mutex_);
  Require(changed_.wait_for(lock, kPatience, [&] { return ends_ > before; }), "reading");
  return messages_;
}

}  // namespace tallybus::mqtt
