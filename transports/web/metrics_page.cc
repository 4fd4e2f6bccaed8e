// Our samples as prometheus-cpp's families, and its serializer on them.
#include "transports/web/metrics_page.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <sstream>
#include <utility>

namespace tallybus {
namespace {

prometheus::MetricFamily FamilyOf(const Metrics::Sample& sample) {
  prometheus::MetricFamily family;
  family.name = sample.name;
  family.help = sample.help;
  family.type = sample.is_counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
  return family;
}

prometheus::ClientMetric MetricOf(const Metrics::Sample& sample) {
  prometheus::ClientMetric metric;
  for (const auto& [name, value] : sample.labels) metric.label.push_back({name, value});
  (sample.is_counter ? metric.counter.value : metric.gauge.value) = sample.value;
  return metric;
}

}  // namespace

std::string RenderMetrics(const std::vector<Metrics::Sample>& samples) {
  std::vector<prometheus::MetricFamily> families;
  for (const Metrics::Sample& sample : samples) {
    if (families.empty() || families.back().name != sample.name) {
      families.push_back(FamilyOf(sample));
    }
    families.back().metric.push_back(MetricOf(sample));
  }
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, families);
  return text.str();
}

WebHandler MetricsPage(const Metrics& metrics) {
  return [&metrics](const HttpRequest&) {
    HttpAnswer answer;
    answer.headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"},
                      {"Cache-Control", "no-store"}};
    answer.body = RenderMetrics(metrics.Collect());
    return answer;
  };
}

}  // namespace tallybus
