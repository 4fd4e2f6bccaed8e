// A small transport in C++: each event is a line of the file that its endpoint names.
#include <atomic>
#include <cstdio>
#include <memory>
#include <stdexcept>

#include "tallybus/transport_plugin.h"

namespace {

using tallybus::plugin::Attempt;
using tallybus::plugin::Result;

class Append final : public tallybus::plugin::Transport {
 public:
  static constexpr const char* kScheme = "append";
  static constexpr const char* kName = "Append";
  static constexpr const char* kVersion = "0.1";
  static std::vector<tallybus::plugin::Option> Options() {
    return {{"prefix", "what each line begins with"},
            {"fail", "true: it cannot be used", TALLYBUS_OPTION_BOOLEAN}};
  }
  static std::string Check(tallybus::plugin::Endpoint endpoint) {
    if (endpoint.option("fail") == "true") throw std::runtime_error("fail: it is asked to");
    return endpoint.url().substr(0, 1) == "/" ? "" : "must be an absolute path";
  }
  using Transport::Transport;

  std::string Start() override {
    Log(TALLYBUS_LOG_INFO, "starts");
    return "";
  }
  // A transport of production would write on a thread of its own.
  void Deliver(std::vector<Attempt> attempts) override {
    for (Attempt& attempt : attempts) {
      if (attempt.body() == "throw") throw std::runtime_error("asked to");
      if (attempt.body() == "keep") {
        kept_.push_back(std::move(attempt));
        continue;
      }
      attempt.Complete(stopped_ ? Result::NeverSent("connection reset") : Write(attempt));
    }
  }
  void Stop(int64_t) override {
    stopped_ = true;
    kept_.clear();
  }

 private:
  static Result Write(const Attempt& attempt) {
    const std::string path(attempt.endpoint().url());
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "ab"),
                                                               std::fclose);
    if (file == nullptr) return Result::NeverSent("connection refused");
    std::string line(attempt.endpoint().option("prefix").value_or(""));
    line += attempt.body();
    line += '\n';
    const bool whole = std::fwrite(line.data(), 1, line.size(), file.get()) == line.size();
    return whole ? Result::Delivered() : Result::Retry("connection reset");
  }

  std::atomic<bool> stopped_{false};
  std::vector<Attempt> kept_;  // the test stops it between two deliveries
};

}  // namespace

TALLYBUS_TRANSPORT_PLUGIN(Append)
