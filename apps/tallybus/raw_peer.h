// The far end of a transport whose protocol nobody here knows: a TCP listener on loopback that
// waits for the bytes that end a request, and answers with the bytes that it was told.
#ifndef TALLYBUS_APPS_TALLYBUS_RAW_PEER_H_
#define TALLYBUS_APPS_TALLYBUS_RAW_PEER_H_

#include <absl/status/statusor.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tallybus::cli {

// As those of the template in plugins/template.
struct RawWire {
  std::string request_ends = std::string(1, '\0');
  std::string accept = "OK\n";
  std::string reject = "REJECT not wanted\n";
  std::string overload = "RETRY 7000 busy\n";
};

class RawPeer {
 public:
  // `answer` empty: it takes requests and never answers. One that does not listen has a port that
  // nobody has.
  static absl::StatusOr<std::unique_ptr<RawPeer>> Start(bool listens, std::string request_ends,
                                                        std::string answer);
  ~RawPeer();

  std::string address() const;  // "127.0.0.1:4711"
  // [any thread] Whole requests, without the bytes that end them, in the order of their ends.
  std::vector<std::string> Requests() const;

 private:
  struct Connection {
    int fd;
    std::string in;
    std::string out;
  };
  RawPeer(std::string request_ends, std::string answer);
  absl::Status Listen();
  void Run();
  void Accept();
  bool Serve(Connection& connection);  // false: it is gone
  void TakeRequests(Connection& connection);

  const std::string request_ends_;
  const std::string answer_;
  int listener_ = -1;
  int port_ = 0;
  int wake_[2] = {-1, -1};
  std::vector<Connection> connections_;  // of its thread
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace tallybus::cli

#endif  // TALLYBUS_APPS_TALLYBUS_RAW_PEER_H_
