// One thread that carries many HTTP requests at once: epoll, and a libcurl multi handle for what
// libcurl does.
#ifndef TALLYBUS_REST_HTTP_LOOP_H_
#define TALLYBUS_REST_HTTP_LOOP_H_

#include <absl/status/status.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <unordered_map>
#include <vector>

#include "tallybus/mailbox.h"
#include "tallybus/transport_registry.h"
#include "transports/rest/endpoint_pool.h"
#include "transports/rest/socket_watch.h"

namespace tallybus::rest {

class HttpLoop {
 public:
  // `context` is copied, what it refers to outlives the loop. `mailbox_capacity` is in deliveries.
  HttpLoop(const TransportContext& context, size_t mailbox_capacity);
  ~HttpLoop();  // after Join
  HttpLoop(const HttpLoop&) = delete;
  HttpLoop& operator=(const HttpLoop&) = delete;

  // [control] Starts the thread.
  absl::Status Start();
  // [any thread] Does not block; moves from them. OK: the sink hears of each ticket once. Else it
  // hears of none: CANCELLED where the loop does not run, RESOURCE_EXHAUSTED where they do not fit
  // into its mailbox.
  absl::Status Submit(std::span<Delivery> deliveries);
  // [control] Lets open attempts finish until `deadline`, then aborts them. Returns at once.
  void RequestStop(MonoTime deadline);
  // [control] Returns when all tickets are completed. Does nothing where no thread runs.
  void Join();

 private:
  void Run();
  int WaitMs();
  void DriveSocket(int socket, uint32_t events);
  void DriveTimer();
  void TakeMail();
  void Accept(const Delivery& delivery);
  EndpointPool* PoolFor(const Delivery& delivery);
  void EvictOne();
  void BeginOrFail(EndpointPool& pool, const Delivery& delivery);
  bool Start(Attempt& attempt, const Delivery& delivery);
  void End(Attempt& attempt);
  void CompleteFinished();
  void BeginWaiting(EndpointPool& pool);
  void NoteFailure(EndpointPool& pool);
  void ExpireOverdue();
  void CloseIdle();
  void AbortAll();
  void Complete(Ticket ticket, DeliveryResult result);
  void HandBack();
  void Wake();

  static int OnSocket(void* easy, int socket, int what, void* loop, void* socket_data);
  static int OnTimer(void* multi, long timeout_ms, void* loop);

  const TransportContext context_;
  Counter& mailbox_full_;
  SocketWatch watch_;  // outlives the multi handle, which closes pooled connections at its end
  void* multi_ = nullptr;
  int wake_fd_ = -1;
  std::thread thread_;

  std::mutex gate_;
  bool open_for_mail_ = false;  // under gate_
  Mailbox<Delivery> mailbox_;
  MonoTime stop_deadline_;  // written before stopping_
  std::atomic<bool> stopping_{false};

  // The loop's thread alone uses what follows.
  MonoTime now_;  // since this turn's sockets were looked at
  std::unordered_map<uint64_t, std::unique_ptr<EndpointPool>> pools_;  // by endpoint id
  std::vector<Delivery> mail_;
  std::vector<Completion> done_;                    // this turn
  std::optional<MonoTime> timer_;                   // when libcurl wants to run again
  MonoTime first_deadline_ = MonoTime::Infinite();  // of all that are open, or an earlier time
  MonoTime close_idle_at_ = MonoTime::Infinite();
  long connections_wanted_ = 0;  // sum of the pools' limits
  uint64_t open_tickets_ = 0;
  uint64_t turn_ = 0;
};

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_HTTP_LOOP_H_
