// The links' threads, and the one that watches deadlines and has links closed that nobody uses.
#include "transports/parts/linked_transport.h"

#include <absl/strings/str_cat.h>
#include <absl/time/time.h>

#include <atomic>
#include <condition_variable>
#include <utility>
#include <vector>

#include "tallybus/thread.h"

namespace tallybus::parts {
namespace {

// Of each link. The router opens far fewer tickets; more only means that they are put off.
constexpr size_t kMostWaiting = 65536;
// Endpoints come and go with reloads, and nobody says when one has gone.
constexpr absl::Duration kIdle = absl::Minutes(5);
constexpr absl::Duration kLookForIdle = absl::Seconds(30);

std::atomic<int> left_alone{0};

}  // namespace

int LinksLeftAlone() { return left_alone; }

// What a link's thread uses, and keeps where it is left alone.
struct LinkedTransport::Common {
  Common(const TransportContext& its_context, std::string its_scheme, LinkFactory its_make_link)
      : context(its_context),
        scheme(std::move(its_scheme)),
        make_link(std::move(its_make_link)),
        attempts(context, scheme) {}

  const TransportContext context;
  const std::string scheme;
  const LinkFactory make_link;
  OpenAttempts attempts;
};

class LinkedTransport::Worker {
 public:
  static std::shared_ptr<Worker> Begin(std::shared_ptr<Common> common, const Endpoint& endpoint) {
    auto worker = std::make_shared<Worker>(std::move(common), endpoint);
    worker->thread_ =
        StartThread("tallybus-" + worker->common_->scheme, [worker] { worker->Run(); });
    return worker;
  }
  Worker(std::shared_ptr<Common> common, const Endpoint& endpoint)
      : common_(std::move(common)), endpoint_(endpoint), link_(MakeLink()) {}

  // Before it is destroyed: tells it to end, and then waits for that.
  void TellToEnd() {
    {
      std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
  }
  // False: it has not ended in time, and is left alone.
  bool Join(absl::Duration patience) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, absl::ToChronoNanoseconds(patience), [this] { return ended_; });
    if (ended_) {
      lock.unlock();
      thread_.join();
      return true;
    }
    left_alone_ = true;
    ++left_alone;
    thread_.detach();
    return false;
  }
  const std::string& route() const { return endpoint_.route; }

  // [router] False where they do not fit.
  bool Push(std::span<const Delivery> deliveries, MonoTime now) {
    {
      std::lock_guard lock(mutex_);
      last_used_ = now;
      to_close_ = false;
      if (waiting_.size() + deliveries.size() > kMostWaiting) return false;
      for (const Delivery& delivery : deliveries) waiting_.push_back(delivery);
    }
    changed_.notify_one();
    return true;
  }

  // True: nobody used it for long, and its link is closed. The link is told to close first, by its
  // own thread: that may block for as long as its peer does.
  bool IsOver(MonoTime now) {
    std::lock_guard lock(mutex_);
    if (!waiting_.empty() || now - last_used_ <= kIdle + endpoint_.timeout) return false;
    to_close_ = !closed_;
    if (to_close_) changed_.notify_one();
    return closed_;
  }

 private:
  absl::StatusOr<std::unique_ptr<Link>> MakeLink() {
    return common_->make_link({common_->context, endpoint_, common_->attempts});
  }

  void Run() {
    std::vector<Delivery> taken;
    while (Next(&taken)) {
      if (taken.empty()) {
        Close();
        continue;
      }
      if (link_.ok() && *link_ == nullptr) link_ = MakeLink();
      link_.ok() ? Send(taken) : Hold(taken);
    }
    Close();
    {
      std::lock_guard lock(mutex_);
      ended_ = true;
      if (left_alone_) --left_alone;
    }
    changed_.notify_all();
  }

  // On the thread that used it.
  void Close() {
    if (link_.ok()) link_->reset();
    std::lock_guard lock(mutex_);
    to_close_ = false;
    closed_ = true;
  }

  void Send(std::span<const Delivery> taken) {
    for (const Delivery& delivery : taken) {
      common_->attempts.Read(delivery.ticket, [&] { (*link_)->Take(delivery); });
    }
    (*link_)->Send();
  }

  void Hold(std::span<const Delivery> taken) {
    for (const Delivery& delivery : taken) {
      DeliveryResult result = NoAnswer(link_.status(), kConnectionRefused, /*never_sent=*/true);
      result.verdict = Verdict::kHold;
      common_->attempts.Complete(delivery.ticket, std::move(result));
    }
  }

  // False: it is to end. None taken: the link is to be closed.
  bool Next(std::vector<Delivery>* taken) {
    taken->clear();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ending_ || to_close_ || !waiting_.empty(); });
    if (!waiting_.empty()) closed_ = false;
    waiting_.swap(*taken);
    return !ending_;
  }

  const std::shared_ptr<Common> common_;
  const Endpoint endpoint_;
  absl::StatusOr<std::unique_ptr<Link>> link_;  // nullptr: closed, until somebody wants it again
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Delivery> waiting_;
  MonoTime last_used_;
  bool to_close_ = false;
  bool closed_ = false;
  bool ending_ = false;
  bool ended_ = false;
  bool left_alone_ = false;
  std::thread thread_;
};

LinkedTransport::LinkedTransport(const TransportContext& context, std::string scheme,
                                 LinkFactory make_link, absl::Duration patience)
    : patience_(patience),
      common_(std::make_shared<Common>(context, std::move(scheme), std::move(make_link))) {}

LinkedTransport::~LinkedTransport() { Stop(MonoTime()); }

absl::Status LinkedTransport::Start() {
  common_->attempts.Open();
  watcher_ = StartThread("tallybus-" + common_->scheme, [this] { Watch(); });
  return absl::OkStatus();
}

void LinkedTransport::Deliver(std::span<const Delivery> deliveries) {
  std::lock_guard lock(mutex_);
  std::map<Worker*, std::vector<Delivery>> mail;
  for (const Delivery& delivery : deliveries) {
    Worker& worker = WorkerOf(delivery.endpoint);
    if (common_->attempts.Begin(delivery)) mail[&worker].push_back(delivery);
  }
  const MonoTime now = common_->context.clock.Now();
  for (const auto& [worker, letters] : mail) {
    if (!worker->Push(letters, now)) PutOff(letters);
  }
}

LinkedTransport::Worker& LinkedTransport::WorkerOf(const Endpoint& endpoint) {
  auto& worker = workers_[endpoint.id];
  if (worker == nullptr) worker = Worker::Begin(common_, endpoint);
  return *worker;
}

void LinkedTransport::PutOff(std::span<const Delivery> deliveries) {
  common_->context.metrics
      .GetCounter("tallybus_link_full_total", "Attempts put off because too many waited.",
                  {{"transport", common_->scheme}})
      .Add(deliveries.size());
  for (const Delivery& delivery : deliveries) {
    common_->attempts.Complete(
        delivery.ticket, NoAnswer(absl::ResourceExhaustedError("too many wait"), kConnectionReset,
                                  /*never_sent=*/true));
  }
}

void LinkedTransport::Watch() {
  while (common_->attempts.Watch(kLookForIdle)) CloseIdle();
}

void LinkedTransport::CloseIdle() {
  Workers over;
  {
    std::lock_guard lock(mutex_);
    for (auto it = workers_.begin(); it != workers_.end();) {
      if (it->second->IsOver(common_->context.clock.Now())) {
        over.push_back(std::move(it->second));
        it = workers_.erase(it);
      } else {
        ++it;
      }
    }
  }
  End(over);  // without the lock, which the router wants
}

bool LinkedTransport::End(const Workers& workers) {
  bool all = true;
  for (const auto& worker : workers) worker->TellToEnd();
  const Clock& clock = common_->context.clock;
  const MonoTime until = clock.Now() + patience_;
  for (const auto& worker : workers) {
    if (worker->Join(until - clock.Now())) continue;
    all = false;
    common_->context.log.Write(LogLevel::kError,
                               absl::StrCat(worker->route(), ": its ", common_->scheme,
                                            " endpoint does not close, and is left alone"));
  }
  return all;
}

void LinkedTransport::Stop(MonoTime deadline) {
  common_->attempts.Stop(deadline);
  if (watcher_.joinable()) watcher_.join();
  Workers all;
  {
    std::lock_guard lock(mutex_);
    for (auto& [id, worker] : std::exchange(workers_, {})) all.push_back(std::move(worker));
  }
  if (!End(all)) common_->attempts.Sever();
}

}  // namespace tallybus::parts
