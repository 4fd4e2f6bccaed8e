// One answer to one request, whoever gives it and whenever.
#include "transports/web/pending_answer.h"

#include <atomic>
#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

namespace tallybus {
namespace {

// Shared by all copies of one closure.
class PendingAnswer {
 public:
  PendingAnswer(std::shared_ptr<ServerThread> thread,
                std::function<void(std::optional<HttpAnswer>)> take)
      : thread_(std::move(thread)), take_(std::move(take)) {}
  ~PendingAnswer() {
    try {
      Give(std::nullopt);
    } catch (const std::exception&) {  // no memory to say so: the server's timeout does
    }
  }
  PendingAnswer(const PendingAnswer&) = delete;
  PendingAnswer& operator=(const PendingAnswer&) = delete;

  void Give(std::optional<HttpAnswer> answer) {
    if (given_.exchange(true)) return;
    thread_->Post([take = std::move(take_), answer = std::move(answer)]() mutable {
      take(std::move(answer));
    });
  }

 private:
  const std::shared_ptr<ServerThread> thread_;
  std::function<void(std::optional<HttpAnswer>)> take_;
  std::atomic<bool> given_{false};
};

}  // namespace

void ServerThread::Post(std::function<void()> task) {
  std::lock_guard lock(mutex_);
  if (io_ != nullptr) boost::asio::post(*io_, std::move(task));
}

void ServerThread::Close() {
  std::lock_guard lock(mutex_);
  io_ = nullptr;
}

HttpServer::Answer AnswerOnce(std::shared_ptr<ServerThread> thread,
                              std::function<void(std::optional<HttpAnswer>)> take) {
  auto pending = std::make_shared<PendingAnswer>(std::move(thread), std::move(take));
  return [pending](HttpAnswer answer) { pending->Give(std::move(answer)); };
}

}  // namespace tallybus
