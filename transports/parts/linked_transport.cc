// The links' threads, and the one that watches deadlines and has links closed that nobody uses.
#include "transports/parts/linked_transport.h"

#include <absl/strings/str_cat.h>
#include <absl/time/time.h>

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

}  // namespace

class LinkedTransport::Worker {
 public:
  Worker(LinkedTransport& owner, const Endpoint& endpoint)
      : owner_(owner),
        endpoint_(endpoint),
        link_(MakeLink()),
        thread_(StartThread("tallybus-" + owner.scheme_, [this] { Run(); })) {}

  ~Worker() {
    {
      std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

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
    return owner_.make_link_({owner_.context_, endpoint_, owner_.attempts_});
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
      owner_.attempts_.Read(delivery.ticket, [&] { (*link_)->Take(delivery); });
    }
    (*link_)->Send();
  }

  void Hold(std::span<const Delivery> taken) {
    for (const Delivery& delivery : taken) {
      DeliveryResult result = NoAnswer(link_.status(), kConnectionRefused, /*never_sent=*/true);
      result.verdict = Verdict::kHold;
      owner_.attempts_.Complete(delivery.ticket, std::move(result));
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

  LinkedTransport& owner_;
  const Endpoint endpoint_;
  absl::StatusOr<std::unique_ptr<Link>> link_;  // nullptr: closed, until somebody wants it again
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Delivery> waiting_;
  MonoTime last_used_;
  bool to_close_ = false;
  bool closed_ = false;
  bool ending_ = false;
  std::thread thread_;
};

LinkedTransport::LinkedTransport(const TransportContext& context, std::string scheme,
                                 LinkFactory make_link)
    : context_(context),
      scheme_(std::move(scheme)),
      make_link_(std::move(make_link)),
      attempts_(context, scheme_) {}

LinkedTransport::~LinkedTransport() { Stop(MonoTime()); }

absl::Status LinkedTransport::Start() {
  attempts_.Open();
  watcher_ = StartThread("tallybus-" + scheme_, [this] { Watch(); });
  return absl::OkStatus();
}

void LinkedTransport::Deliver(std::span<const Delivery> deliveries) {
  std::lock_guard lock(mutex_);
  std::map<Worker*, std::vector<Delivery>> mail;
  for (const Delivery& delivery : deliveries) {
    Worker& worker = WorkerOf(delivery.endpoint);
    if (attempts_.Begin(delivery)) mail[&worker].push_back(delivery);
  }
  const MonoTime now = context_.clock.Now();
  for (const auto& [worker, letters] : mail) {
    if (!worker->Push(letters, now)) PutOff(letters);
  }
}

LinkedTransport::Worker& LinkedTransport::WorkerOf(const Endpoint& endpoint) {
  auto& worker = workers_[endpoint.id];
  if (worker == nullptr) worker = std::make_unique<Worker>(*this, endpoint);
  return *worker;
}

void LinkedTransport::PutOff(std::span<const Delivery> deliveries) {
  context_.metrics
      .GetCounter("tallybus_link_full_total", "Attempts put off because too many waited.",
                  {{"transport", scheme_}})
      .Add(deliveries.size());
  for (const Delivery& delivery : deliveries) {
    attempts_.Complete(delivery.ticket, NoAnswer(absl::ResourceExhaustedError("too many wait"),
                                                 kConnectionReset, /*never_sent=*/true));
  }
}

void LinkedTransport::Watch() {
  while (attempts_.Watch(kLookForIdle)) CloseIdle();
}

void LinkedTransport::CloseIdle() {
  std::vector<std::unique_ptr<Worker>> over;  // ended without the lock, which the router wants
  std::lock_guard lock(mutex_);
  for (auto it = workers_.begin(); it != workers_.end();) {
    if (it->second->IsOver(context_.clock.Now())) {
      over.push_back(std::move(it->second));
      it = workers_.erase(it);
    } else {
      ++it;
    }
  }
}

void LinkedTransport::Stop(MonoTime deadline) {
  attempts_.Stop(deadline);
  if (watcher_.joinable()) watcher_.join();
  std::map<uint64_t, std::unique_ptr<Worker>> ended;
  std::lock_guard lock(mutex_);
  ended.swap(workers_);
}

}  // namespace tallybus::parts
