// What would become of an event, told and not done: its routes, what governs it, each request as it
// would be sent, and what its clients get.
#ifndef TALLYBUS_APPS_EXPLANATION_EXPLANATION_H_
#define TALLYBUS_APPS_EXPLANATION_EXPLANATION_H_

#include <absl/status/statusor.h>

#include <string>

#include "apps/explanation/sample_events.h"
#include "apps/tallybusd/config/config.h"
#include "tallybus/policy.h"
#include "tallybus/transport_registry.h"

namespace tallybus {

// What is known of the event's session.
struct SessionConfig {
  RestClientConfigPtr config;  // nullptr: it brought none, or nobody knows it
  std::string from;            // "the daemon", "session.json"; empty: none was asked for
  std::string json = {};       // as it was written; empty: nobody knows which fields it names
};

// Many lines, with no byte of the event that a terminal would obey. With `reveal` the credentials
// of a request too. Errors are those of MakeRoutes.
absl::StatusOr<std::string> Explain(const config::Config& config, const TransportRegistry& registry,
                                    const Sample& sample, const SessionConfig& session,
                                    bool reveal);

}  // namespace tallybus

#endif  // TALLYBUS_APPS_EXPLANATION_EXPLANATION_H_
