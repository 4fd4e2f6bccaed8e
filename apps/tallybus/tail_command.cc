// `tallybus tail`: what the clients of sessions are told, as it happens.
#include <absl/flags/flag.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iostream>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "apps/receive/sequence_watch.h"
#include "apps/tallybus/channel_message.h"
#include "apps/tallybus/command.h"
#include "apps/tallybus/command_line.h"
#include "apps/tallybus/connection_watch.h"
#include "apps/tallybus/flags.h"
#include "apps/tallybus/stop_signal.h"
#include "tallybus/counted.h"

namespace tallybus::cli {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(30);
constexpr absl::Duration kHintAfter = absl::Seconds(2);
constexpr size_t kTopics = 4096;
constexpr int64_t kMaxMessageBytes = int64_t{16} << 20;
constexpr int kBatch = 256;  // messages between two looks at the signals

// Judges and prints messages, and counts them.
class Display {
 public:
  Display(std::string session, bool json) : session_(std::move(session)), json_(json) {}

  void Show(const std::vector<std::string>& frames) {
    const absl::StatusOr<ChannelMessage> message = ReadChannelMessage(frames);
    if (!message.ok()) {
      ++malformed_;
      std::cerr << "tallybus tail: malformed message: " << message.status().message() << std::endl;
      return;
    }
    // A subscription to session/ab gets session/abc too.
    if (!session_.empty() && message->session_id != session_) return;
    ++shown_;
    const uint64_t due = topics_.Note(message->session_id, message->sequence);
    const bool began_again = message->sequence < due;
    const uint64_t missed = due == 0 || began_again ? 0 : message->sequence - due;
    missed_ += missed;
    if (json_) {
      std::cout << JsonLine(*message, missed) << std::endl;
      return;
    }
    if (missed > 0) std::cout << "gap: " << missed << " missed" << std::endl;
    std::cout << ReadableLine(*message, began_again) << std::endl;
  }

  uint64_t shown() const { return shown_; }

  std::string Summary() const {
    std::string text = absl::StrCat(Counted(shown_, "message"), ", ", missed_, " missed");
    if (malformed_ > 0) absl::StrAppend(&text, ", ", malformed_, " malformed");
    if (topics_.forgotten() > 0) {
      absl::StrAppend(&text, ", ", Counted(topics_.forgotten(), "topic"), " forgotten");
    }
    return text;
  }

 private:
  const std::string session_;
  const bool json_;
  receive::SequenceWatch topics_{kTopics};
  uint64_t shown_ = 0;
  uint64_t missed_ = 0;
  uint64_t malformed_ = 0;
};

// The subscription. Throws zmq::error_t.
class Subscription {
 public:
  Subscription(const std::string& endpoint, const std::string& session)
      : socket_(context_, zmq::socket_type::sub), watch_(context_, socket_) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::maxmsgsize, kMaxMessageBytes);
    socket_.set(zmq::sockopt::subscribe, kTopicPrefix + session);
    socket_.connect(endpoint);
  }

  // False: nothing waits.
  bool Receive(std::vector<std::string>& frames) {
    frames.clear();
    zmq::message_t frame;
    do {
      if (!socket_.recv(frame, zmq::recv_flags::dontwait)) return false;
      if (frames.size() <= kFrames) frames.push_back(frame.to_string());
    } while (frame.more());
    return true;
  }

  bool EverConnected() {
    watch_.Update();
    return watch_.made() > 0;
  }

  void* handle() { return socket_.handle(); }

 private:
  static constexpr size_t kFrames = 4;  // one more is kept, to be refused

  zmq::context_t context_;
  zmq::socket_t socket_;
  ConnectionWatch watch_;
};

struct Limits {
  uint64_t until = 0;  // 0: no end
  absl::Time deadline = absl::InfiniteFuture();
  bool Reached(const Display& display) const { return until > 0 && display.shown() >= until; }
};

// Waits for a message, a signal or `wake`. False at a signal.
bool Wait(Subscription& subscription, const StopSignal& stop, absl::Time wake) {
  std::array<zmq_pollitem_t, 2> items = {zmq_pollitem_t{subscription.handle(), 0, ZMQ_POLLIN, 0},
                                         zmq_pollitem_t{nullptr, stop.fd(), ZMQ_POLLIN, 0}};
  const absl::Duration left = std::clamp(wake - absl::Now(), absl::ZeroDuration(), absl::Hours(1));
  const int64_t wait_ms = absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1)));
  zmq_poll(items.data(), static_cast<int>(items.size()), static_cast<long>(wait_ms));
  return items[1].revents == 0;
}

void ShowBatch(Subscription& subscription, const Limits& limits, Display& display) {
  std::vector<std::string> frames;
  for (int i = 0; i < kBatch && !limits.Reached(display) && subscription.Receive(frames); ++i) {
    display.Show(frames);
  }
}

int Follow(Subscription& subscription, const StopSignal& stop, const Limits& limits,
           Display& display) {
  const std::string endpoint = absl::GetFlag(FLAGS_from);
  absl::Time hint = absl::Now() + kHintAfter;
  while (Wait(subscription, stop, std::min(limits.deadline, hint))) {
    ShowBatch(subscription, limits, display);
    if (limits.Reached(display)) return kDone;
    const absl::Time now = absl::Now();
    if (now >= limits.deadline) {
      return Complain(
          "tail",
          absl::StrCat(
              "--until ", limits.until, " was not reached in time",
              subscription.EverConnected() ? "" : absl::StrCat(": no router at ", endpoint)),
          kFailed);
    }
    if (now < hint) continue;
    hint = absl::InfiniteFuture();
    if (subscription.EverConnected()) continue;
    Complain("tail", absl::StrCat("no router at ", endpoint, " yet: is tallybusd running?"), kDone);
  }
  return kDone;
}

int Run(const std::vector<std::string>& arguments) {
  if (!arguments.empty()) {
    return Complain("tail", absl::StrCat("'", arguments[0], "': it takes flags only"), kUsage);
  }
  const std::optional<absl::Duration> timeout = absl::GetFlag(FLAGS_timeout);
  Limits limits;
  const absl::StatusOr<uint64_t> until = UntilCount();
  if (!until.ok()) return Complain("tail", std::string(until.status().message()), kUsage);
  limits.until = *until;
  if (timeout.has_value() && limits.until == 0) {
    return Complain("tail", "--timeout goes with --until", kUsage);
  }
  if (limits.until > 0) limits.deadline = absl::Now() + timeout.value_or(kTimeout);
  const StopSignal stop;
  const std::string session = absl::GetFlag(FLAGS_session);
  Display display(session, absl::GetFlag(FLAGS_json));
  try {
    Subscription subscription(absl::GetFlag(FLAGS_from), session);
    const int status = Follow(subscription, stop, limits, display);
    std::cerr << display.Summary() << std::endl;
    return status;
  } catch (const zmq::error_t& error) {
    return Complain(
        "tail", absl::StrCat("--from '", absl::GetFlag(FLAGS_from), "': ", error.what()), kUsage);
  }
}

}  // namespace

Command TailCommand() {
  Command command;
  command.name = "tail";
  command.summary = "show what the clients of sessions are told";
  command.details =
      "Listens to a router's client channel and shows each message. A sequence that jumps is told\n"
      "as \"gap: N missed\". With --until N ends after N messages, or fails after --timeout "
      "(30s);\n"
      "else at SIGINT or SIGTERM.";
  command.flags = {"from", "session", "json", "until", "timeout"};
  command.run = Run;
  return command;
}

}  // namespace tallybus::cli
