// A router that does what a test tells it: a real ROUTER socket, in a directory of its own.
#ifndef TALLYBUS_TESTS_PLUGINS_ENGINE_SCRIPTED_ROUTER_H_
#define TALLYBUS_TESTS_PLUGINS_ENGINE_SCRIPTED_ROUTER_H_

#include <gtest/gtest.h>
#include <stdlib.h>
#include <tallybus/c/engine.h>
#include <unistd.h>
#include <zmq.h>

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tallybus/v1/bus.pb.h"

namespace tallybus::engine {

inline tallybus_bytes Bytes(std::string_view text) { return {text.data(), text.size()}; }

// Polls until it holds, for at most a minute.
inline bool WaitUntil(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return true;
}

class ScriptedRouter {
 public:
  struct Message {
    v1::Kind kind;
    std::string body;

    template <typename T>
    T As() const {
      T message;
      EXPECT_TRUE(message.ParseFromString(body));
      return message;
    }
  };

  ScriptedRouter() : context_(zmq_ctx_new()) {
    char directory[] = "/tmp/tallybus-test-XXXXXX";
    directory_ = mkdtemp(directory);
    Start();
  }
  ~ScriptedRouter() {
    Stop();
    zmq_ctx_term(context_);
    unlink((directory_ + "/engine.sock").c_str());
    rmdir(directory_.c_str());
  }
  ScriptedRouter(const ScriptedRouter&) = delete;
  ScriptedRouter& operator=(const ScriptedRouter&) = delete;

  std::string endpoint() const { return "ipc://" + directory_ + "/engine.sock"; }
  const std::string& directory() const { return directory_; }

  void Start() {
    socket_ = zmq_socket(context_, ZMQ_ROUTER);
    const int linger = 0;
    zmq_setsockopt(socket_, ZMQ_LINGER, &linger, sizeof(linger));
    EXPECT_EQ(zmq_bind(socket_, endpoint().c_str()), 0) << zmq_strerror(errno);
  }
  void Stop() {
    if (socket_ != nullptr) zmq_close(socket_);
    socket_ = nullptr;
  }

  // What has arrived, if anything has. The peer that sent it last is the one that is answered.
  std::optional<Message> Poll() {
    std::vector<std::string> frames;
    if (socket_ == nullptr || !TakeFrames(&frames)) return std::nullopt;
    EXPECT_EQ(frames.size(), 3u);
    EXPECT_EQ(frames.at(1).size(), 1u);
    if (frames[0] != peer_) ++peers_;
    peer_ = frames[0];
    return Message{static_cast<v1::Kind>(frames[1][0]), frames[2]};
  }

  // How many connections have spoken.
  int peers() const { return peers_; }

  void Send(v1::Kind kind, const google::protobuf::MessageLite& message) {
    SendFrames({std::string(1, static_cast<char>(kind)), message.SerializeAsString()});
  }
  void SendFrames(const std::vector<std::string>& frames) {
    zmq_send(socket_, peer_.data(), peer_.size(), ZMQ_SNDMORE);
    for (size_t i = 0; i < frames.size(); ++i) {
      const int more = i + 1 < frames.size() ? ZMQ_SNDMORE : 0;
      zmq_send(socket_, frames[i].data(), frames[i].size(), more);
    }
  }

  void Welcome(uint64_t router_epoch, uint64_t expected, uint64_t send_through = UINT64_MAX) {
    v1::Welcome welcome;
    welcome.set_router_epoch(router_epoch);
    welcome.set_protocol(1);
    welcome.set_expected(expected);
    welcome.set_send_through(send_through);
    Send(v1::KIND_WELCOME, welcome);
  }
  void Ack(uint64_t durable_through, uint64_t send_through = UINT64_MAX) {
    v1::Ack ack;
    ack.set_durable_through(durable_through);
    ack.set_send_through(send_through);
    Send(v1::KIND_ACK, ack);
  }
  void Resync(uint64_t router_epoch, uint64_t expected) {
    v1::Resync resync;
    resync.set_router_epoch(router_epoch);
    resync.set_expected(expected);
    Send(v1::KIND_RESYNC, resync);
  }

 private:
  bool TakeFrames(std::vector<std::string>* frames) {
    zmq_msg_t frame;
    bool more = true;
    while (more) {
      zmq_msg_init(&frame);
      if (zmq_msg_recv(&frame, socket_, frames->empty() ? ZMQ_DONTWAIT : 0) < 0) return false;
      frames->emplace_back(static_cast<char*>(zmq_msg_data(&frame)), zmq_msg_size(&frame));
      more = zmq_msg_more(&frame) != 0;
      zmq_msg_close(&frame);
    }
    return true;
  }

  void* const context_;
  void* socket_ = nullptr;
  std::string directory_;
  std::string peer_;
  int peers_ = 0;
};

// What the library called back.
class Recorder {
 public:
  void Install(tallybus_publisher_options* options) {
    options->user = this;
    options->log = [](void* self, tallybus_log_level, tallybus_bytes text) {
      static_cast<Recorder*>(self)->Add("log: ", text);
    };
    options->on_state = [](void* self, tallybus_state state, tallybus_bytes) {
      const std::string number = std::to_string(state);
      static_cast<Recorder*>(self)->Add("state: ", Bytes(number));
    };
    options->on_client_message = [](void* self, tallybus_bytes, tallybus_bytes message,
                                    tallybus_bytes, tallybus_bytes) {
      static_cast<Recorder*>(self)->Add("client: ", message);
    };
  }
  // How many lines contain the text.
  int Count(std::string_view text) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    int count = 0;
    for (const std::string& line : lines_) count += line.find(text) != std::string::npos ? 1 : 0;
    return count;
  }
  bool Has(std::string_view text) const { return Count(text) > 0; }

 private:
  void Add(const char* what, tallybus_bytes text) {
    const std::lock_guard<std::mutex> lock(mutex_);
    lines_.push_back(what + std::string(text.data, text.size));
  }

  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

}  // namespace tallybus::engine

#endif  // TALLYBUS_TESTS_PLUGINS_ENGINE_SCRIPTED_ROUTER_H_
