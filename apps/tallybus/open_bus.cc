// A PUSH socket that queues for nobody but a connected router.
#include "apps/tallybus/open_bus.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <utility>
#include <zmq.hpp>

#include "apps/tallybus/connection_watch.h"

namespace tallybus::cli {

struct OpenBus::Socket {
  Socket() : push(context, zmq::socket_type::push), watch(context, push) {}

  zmq::context_t context;
  zmq::socket_t push;
  ConnectionWatch watch;
};

absl::StatusOr<std::unique_ptr<OpenBus>> OpenBus::Connect(const std::string& endpoint,
                                                          absl::Duration timeout) {
  try {
    auto socket = std::make_unique<Socket>();
    const int timeout_ms = static_cast<int>(absl::ToInt64Milliseconds(timeout));
    socket->push.set(zmq::sockopt::immediate, true);
    socket->push.set(zmq::sockopt::sndtimeo, timeout_ms);
    socket->push.set(zmq::sockopt::linger, 0);
    socket->push.connect(endpoint);
    return std::unique_ptr<OpenBus>(new OpenBus(endpoint, timeout, std::move(socket)));
  } catch (const zmq::error_t& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", endpoint, "' is no address of a bus: ", error.what()));
  }
}

OpenBus::OpenBus(std::string endpoint, absl::Duration timeout, std::unique_ptr<Socket> socket)
    : endpoint_(std::move(endpoint)), timeout_(timeout), socket_(std::move(socket)) {}

OpenBus::~OpenBus() = default;

absl::Status OpenBus::Send(const std::string& method, const std::string& payload) {
  try {
    // Once the first frame is taken the second is too: a message is routed whole.
    if (socket_->push.send(zmq::buffer(method), zmq::send_flags::sndmore) &&
        socket_->push.send(zmq::buffer(payload), zmq::send_flags::none)) {
      return absl::OkStatus();
    }
    socket_->watch.Update();
  } catch (const zmq::error_t& error) {
    return absl::InternalError(absl::StrCat("sending to ", endpoint_, ": ", error.what()));
  }
  if (socket_->watch.made() > socket_->watch.lost()) {
    return absl::UnavailableError(absl::StrCat("the router at ", endpoint_, " took nothing for ",
                                               absl::FormatDuration(timeout_)));
  }
  return absl::UnavailableError(
      absl::StrCat("no router at ", endpoint_, ": is tallybusd running?"));
}

absl::Status OpenBus::Finish() {
  const std::unique_ptr<Socket> socket = std::move(socket_);
  const absl::Time start = absl::Now();
  try {
    socket->watch.Update();
    const bool lost = socket->watch.lost() > 0;
    socket->push.set(zmq::sockopt::linger, static_cast<int>(absl::ToInt64Milliseconds(timeout_)));
    socket->push.close();
    socket->watch.Close();
    socket->context.close();  // returns when all has left, or at the end of the linger
    if (lost) {
      return absl::DataLossError(
          absl::StrCat("the router at ", endpoint_, " went away meanwhile: events may be lost"));
    }
  } catch (const zmq::error_t& error) {
    return absl::InternalError(absl::StrCat("closing ", endpoint_, ": ", error.what()));
  }
  if (absl::Now() - start < timeout_) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("the router at ", endpoint_, " did not take all within ",
                                          absl::FormatDuration(timeout_)));
}

}  // namespace tallybus::cli
