// Where core and transports say what an operator should read. Lines hold no payload and no secret.
#ifndef TALLYBUS_LOG_H_
#define TALLYBUS_LOG_H_

#include <string_view>

namespace tallybus {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

class Log {
 public:
  virtual ~Log() = default;
  // [any thread] One line without a newline. Does not block for long.
  virtual void Write(LogLevel level, std::string_view line) = 0;
};

}  // namespace tallybus

#endif  // TALLYBUS_LOG_H_
