// The server tells by a file that it listens; the test's own client is libnats.
#include "tests/transports/nats/nats_server.h"

#include <nats/nats.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include "tests/support/scripted_server.h"

extern char** environ;

namespace tallybus::nats {
namespace {

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "nats-server for the test: %s failed\n", what);
  std::abort();
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

}  // namespace

NatsServer::NatsServer(std::string more)
    : more_(std::move(more)), reserved_(testing::ReserveLoopback(&port_)) {
  Start();
}

NatsServer::~NatsServer() {
  natsSubscription_Destroy(swallower_);
  natsConnection_Destroy(connection_);
  Kill();
  close(reserved_);
}

void NatsServer::WriteConfig() {
  std::ofstream(folder() + "/server.conf")
      << "listen: \"127.0.0.1:" << port_ << "\"\n"
      << "jetstream { store_dir: \"" << folder() << "/store\" }\n"
      << "max_payload: 2MB\n"
      << "ports_file_dir: \"" << folder() << "/ports\"\n"
      << Replaced(more_, "@dir@", folder());
}

void NatsServer::Start() {
  std::filesystem::remove_all(folder() + "/ports");
  std::filesystem::create_directory(folder() + "/ports");
  WriteConfig();
  std::string config = folder() + "/server.conf";
  std::string log = folder() + "/server.log";
  char program[] = "/usr/sbin/nats-server", c[] = "-c", l[] = "-l";
  char* const arguments[] = {program, c, config.data(), l, log.data(), nullptr};
  Require(posix_spawn(&pid_, program, nullptr, nullptr, arguments, environ) == 0, "posix_spawn");
  WaitUntilItListens();
}

void NatsServer::WaitUntilItListens() {
  for (int i = 0; i < 12'000; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(folder() + "/ports")) {
      std::stringstream text;
      text << std::ifstream(entry.path()).rdbuf();
      if (text.str().find("127.0.0.1:" + std::to_string(port_)) != std::string::npos) return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  Require(false, "listening");
}

void NatsServer::Signal(int signal) {
  kill(pid_, signal);
  // Its threads stop one after the other, and until then they answer.
  if (signal == SIGSTOP) waitpid(pid_, nullptr, WUNTRACED);
}

void NatsServer::Kill() {
  if (pid_ < 0) return;
  Signal(SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

natsConnection* NatsServer::Connection() {
  if (connection_ == nullptr) {
    Require(natsConnection_ConnectTo(&connection_, url().c_str()) == NATS_OK, "connecting");
  }
  return connection_;
}

void NatsServer::AddStream(int max_message_size, int max_messages) {
  jsCtx* js = nullptr;
  Require(natsConnection_JetStream(&js, Connection(), nullptr) == NATS_OK, "JetStream");
  jsStreamConfig config;
  jsStreamConfig_Init(&config);
  const char* subjects[] = {"tallybus.>"};
  config.Name = "EVENTS";
  config.Subjects = subjects;
  config.SubjectsLen = 1;
  if (max_message_size > 0) config.MaxMsgSize = max_message_size;
  if (max_messages > 0) config.MaxMsgs = max_messages;
  config.Discard = js_DiscardNew;
  Require(js_AddStream(nullptr, js, &config, nullptr, nullptr) == NATS_OK, "adding a stream");
  jsCtx_Destroy(js);
}

void NatsServer::Swallow() {
  const auto ignore = [](natsConnection*, natsSubscription*, natsMsg* message, void* count) {
    natsMsg_Destroy(message);
    ++*static_cast<std::atomic<int>*>(count);
  };
  const natsStatus status =
      natsConnection_Subscribe(&swallower_, Connection(), "tallybus.>", ignore, &swallowed_);
  Require(status == NATS_OK, "subscribing");
  Require(natsConnection_Flush(Connection()) == NATS_OK, "flushing");
}

bool NatsServer::WaitForSwallowed() {
  for (int i = 0; i < 12'000 && swallowed_ == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return swallowed_ > 0;
}

std::vector<StoredMessage> NatsServer::Messages() {
  std::vector<StoredMessage> all;
  jsCtx* js = nullptr;
  Require(natsConnection_JetStream(&js, Connection(), nullptr) == NATS_OK, "JetStream");
  natsMsg* message = nullptr;
  for (uint64_t sequence = 1;
       js_GetMsg(&message, js, "EVENTS", sequence, nullptr, nullptr) == NATS_OK; ++sequence) {
    StoredMessage stored;
    stored.subject = natsMsg_GetSubject(message);
    stored.body.assign(natsMsg_GetData(message),
                       static_cast<size_t>(natsMsg_GetDataLength(message)));
    const char** names = nullptr;
    int count = 0;
    natsMsgHeader_Keys(message, &names, &count);
    for (int i = 0; i < count; ++i) {
      const char* value = nullptr;
      natsMsgHeader_Get(message, names[i], &value);
      stored.headers[names[i]] = value;
    }
    std::free(names);
    natsMsg_Destroy(message);
    all.push_back(std::move(stored));
  }
  jsCtx_Destroy(js);
  return all;
}

}  // namespace tallybus::nats
