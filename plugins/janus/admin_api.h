// Ends a session, or hangs up a handle, through Janus's Admin API: an event handler has no other
// way to do either.
#ifndef TALLYBUS_PLUGINS_JANUS_ADMIN_API_H_
#define TALLYBUS_PLUGINS_JANUS_ADMIN_API_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "limited_log.h"

namespace tallybus::janus {

// What can be ended in Janus. [any thread] Neither call waits, and what came of it is in the log.
class Admin {
 public:
  virtual ~Admin() = default;
  // Ids are Janus's, in decimal.
  virtual void EndSession(std::string session_id) = 0;
  virtual void HangUp(std::string session_id, std::string handle_id) = 0;
};

struct AdminOptions {
  std::string url;                        // "http://127.0.0.1:7088/admin"
  std::string secret;                     // Janus's admin_secret; empty: none
  int tries = 3;                          // for as long as nobody answers
  std::chrono::milliseconds pause{1000};  // between them
  std::chrono::milliseconds connect_timeout{2000};
  std::chrono::milliseconds timeout{5000};  // of one try
};

// One call after the other, each a POST, on the thread "tallybus-hangup". What Janus does not know
// any more has ended, as was wanted; any other failure is a line in the log.
class AdminApi : public Admin {
 public:
  static constexpr size_t kMaxWaiting = 1024;  // one more is dropped, and counted in the log

  // Throws std::runtime_error or std::system_error where libcurl or a thread is not to be had. The
  // log outlives this.
  AdminApi(AdminOptions options, LimitedLog& log);
  // Breaks off the call that is under way and drops those that wait.
  ~AdminApi() override;
  AdminApi(const AdminApi&) = delete;
  AdminApi& operator=(const AdminApi&) = delete;

  void EndSession(std::string session_id) override;
  void HangUp(std::string session_id, std::string handle_id) override;

 private:
  class Poster;
  struct Call {
    std::string session_id;
    std::string handle_id;  // empty: the session itself
  };

  void Add(Call call);
  void Run();
  std::optional<Call> Next();
  void Make(const Call& call);
  bool Pause();
  std::string BodyOf(const Call& call);
  void Judge(const Call& call, int64_t http_status, const std::string& answer);

  const AdminOptions options_;
  LimitedLog& log_;
  const std::unique_ptr<Poster> poster_;
  uint64_t transactions_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Call> waiting_;
  uint64_t dropped_ = 0;  // since the last time that none waited
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tallybus::janus

#endif  // TALLYBUS_PLUGINS_JANUS_ADMIN_API_H_
