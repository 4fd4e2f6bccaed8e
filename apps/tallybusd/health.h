// What /healthz says, and a little more for the admin door: whether events get through.
#ifndef TALLYBUS_APPS_TALLYBUSD_HEALTH_H_
#define TALLYBUS_APPS_TALLYBUSD_HEALTH_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "tallybus/clock.h"
#include "tallybus/metrics.h"
#include "tallybus/router.h"
#include "tallybus/spool.h"
#include "transports/web/health_page.h"

namespace tallybus {

// [any thread] Red while the router does not turn or has no room.
class HealthReport {
 public:
  HealthReport(const Clock& clock, const Router& router, const Spool& spool, Metrics& metrics,
               std::string node, std::string spool_path);
  // The router's thread is alive: called at least once a second.
  void Turned();
  Health Ask() const;
  // The same, and which process this is: pid, and its uptime in seconds.
  Health AskStatus() const;

 private:
  // `more` is members of the object, each with a comma behind it.
  Health AskWith(const std::string& more) const;

  const Clock& clock_;
  const Router& router_;
  const Spool& spool_;
  const std::string node_;
  const std::string spool_path_;
  const MonoTime started_;
  const Gauge& engines_;
  const Counter& engines_refused_;
  const Gauge& waiting_;
  const Gauge& in_flight_;
  std::atomic<int64_t> turned_ms_{0};
};

}  // namespace tallybus

#endif  // TALLYBUS_APPS_TALLYBUSD_HEALTH_H_
