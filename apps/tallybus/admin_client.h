// The command line's way to a daemon: HTTP over its admin socket.
#ifndef TALLYBUS_APPS_TALLYBUS_ADMIN_CLIENT_H_
#define TALLYBUS_APPS_TALLYBUS_ADMIN_CLIENT_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace tallybus::cli {

// One thread. A connection for each question. Every error is one sentence that names the address.
class AdminClient {
 public:
  struct Limits {
    absl::Duration connect_timeout = absl::Seconds(3);
    absl::Duration timeout = absl::Seconds(15);  // of one question; infinite: none
    size_t answer_bytes = size_t{64} << 20;
    size_t line_bytes = size_t{4} << 20;  // of one line that is streamed
  };

  struct Answer {
    int status = 0;  // of HTTP
    std::string content_type;
    std::string body;
  };

  // "unix:/path", "http://host:port", or "" for DefaultAdminAddress(). INVALID_ARGUMENT: none of
  // these, or a path that no socket can have. Whether anybody is there shows when it is asked.
  static absl::StatusOr<AdminClient> At(const std::string& address, Limits limits);
  static absl::StatusOr<AdminClient> At(const std::string& address) {
    return At(address, Limits());
  }

  const std::string& address() const { return address_; }

  // Blocks until the answer is there, whatever its status. `target` is path and query, encoded.
  // UNAVAILABLE: nobody listens, or goes away. PERMISSION_DENIED: this user may not; says who may.
  // DEADLINE_EXCEEDED: no answer in time. RESOURCE_EXHAUSTED: larger than its bound. INTERNAL: what
  // answers is no HTTP.
  absl::StatusOr<Answer> Get(const std::string& target) const;
  absl::StatusOr<Answer> Post(const std::string& target, const std::string& json) const;
  absl::StatusOr<Answer> Delete(const std::string& target) const;

  // As Get, but each line of an answer 200 goes to `on_line` as it comes, without its line feed,
  // and not into the body. CANCELLED: on_line returned false.
  absl::StatusOr<Answer> GetLines(const std::string& target,
                                  const std::function<bool(std::string_view line)>& on_line) const;

  // OK for an answer 2xx; else UNKNOWN with what the daemon said, on one line and not long.
  absl::Status Judge(const Answer& answer) const;

 private:
  struct Exchange;

  AdminClient(std::string address, Limits limits);
  absl::StatusOr<Answer> Perform(Exchange& exchange) const;
  absl::Status Explain(const Exchange& exchange, int curl_code) const;
  absl::Status ExplainNoConnection(long error) const;

  std::string address_;
  std::string path_;  // of the unix socket; empty: TCP
  std::string base_;  // what stands before a target: "http://localhost"
  Limits limits_;
};

// "unix:" and admin.sock in the runtime directory, by the daemon's own rule.
std::string DefaultAdminAddress();

}  // namespace tallybus::cli

#endif  // TALLYBUS_APPS_TALLYBUS_ADMIN_CLIENT_H_
