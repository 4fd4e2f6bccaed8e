// GET /metrics: every counter and gauge in the Prometheus text format.
#ifndef TALLYBUS_TRANSPORTS_WEB_METRICS_PAGE_H_
#define TALLYBUS_TRANSPORTS_WEB_METRICS_PAGE_H_

#include <string>
#include <vector>

#include "tallybus/metrics.h"
#include "transports/web/web_server.h"

namespace tallybus {

// [any thread] Samples of one name must be side by side, as Metrics::Collect gives them.
std::string RenderMetrics(const std::vector<Metrics::Sample>& samples);

// `metrics` outlives the handler.
WebHandler MetricsPage(const Metrics& metrics);

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_METRICS_PAGE_H_
