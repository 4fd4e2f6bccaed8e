// Health as an HTTP answer.
#include "transports/web/health_page.h"

#include <utility>

namespace tallybus {

WebHandler HealthPage(std::function<Health()> ask) {
  return [ask = std::move(ask)](const HttpRequest&) {
    Health health = ask();
    HttpAnswer answer;
    answer.status = health.ok ? 200 : 503;
    answer.headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}};
    answer.body = std::move(health.json);
    return answer;
  };
}

}  // namespace tallybus
