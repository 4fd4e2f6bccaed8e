// The daemon's log: one line each on standard error, by spdlog.
#ifndef TALLYBUS_APPS_TALLYBUSD_SPD_LOG_H_
#define TALLYBUS_APPS_TALLYBUSD_SPD_LOG_H_

#include <memory>
#include <string_view>

#include "tallybus/log.h"

namespace tallybus {

// [control] Lines below `least` are left out.
std::unique_ptr<Log> NewStderrLog(LogLevel least);

}  // namespace tallybus

#endif  // TALLYBUS_APPS_TALLYBUSD_SPD_LOG_H_
