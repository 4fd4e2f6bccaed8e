// The sending end of a router's open bus.
#ifndef TALLYBUS_APPS_TALLYBUS_OPEN_BUS_H_
#define TALLYBUS_APPS_TALLYBUS_OPEN_BUS_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <memory>
#include <string>

namespace tallybus::cli {

// One thread. The bus does not acknowledge: what a router that dies has read is lost unseen.
class OpenBus {
 public:
  // INVALID_ARGUMENT: not an address. A router that is absent is noticed by Send.
  static absl::StatusOr<std::unique_ptr<OpenBus>> Connect(const std::string& endpoint,
                                                          absl::Duration timeout);
  ~OpenBus();
  OpenBus(const OpenBus&) = delete;
  OpenBus& operator=(const OpenBus&) = delete;

  // Blocks until a router takes the two frames, at most `timeout`; then UNAVAILABLE.
  absl::Status Send(const std::string& method, const std::string& payload);

  // Blocks until all has left this process, at most `timeout`, and closes. DATA_LOSS: some of it
  // may not have.
  absl::Status Finish();

 private:
  struct Socket;
  OpenBus(std::string endpoint, absl::Duration timeout, std::unique_ptr<Socket> socket);

  const std::string endpoint_;
  const absl::Duration timeout_;
  std::unique_ptr<Socket> socket_;
};

}  // namespace tallybus::cli

#endif  // TALLYBUS_APPS_TALLYBUS_OPEN_BUS_H_
