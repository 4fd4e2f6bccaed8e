// Health as an HTTP answer.
#include "transports/web/health_page.h"

#include <utility>

#include "transports/web/answers.h"

namespace tallybus {

WebHandler HealthPage(std::function<Health()> ask) {
  return [ask = std::move(ask)](const HttpRequest&) {
    Health health = ask();
    return JsonAnswer(health.ok ? 200 : 503, std::move(health.json));
  };
}

}  // namespace tallybus
