// Publishes the mapping's events through the engine library.
#ifndef TALLYBUS_PLUGINS_JANUS_ENGINE_SINK_H_
#define TALLYBUS_PLUGINS_JANUS_ENGINE_SINK_H_

#include <tallybus/c/engine.h>

#include <string>

#include "outbox.h"

namespace tallybus::janus {

// The publisher is borrowed and must outlive this.
class EngineSink : public Sink {
 public:
  EngineSink(tallybus_publisher* publisher, std::string node_id, std::string app_key);
  tallybus_status Publish(const WcsEvent& event) override;

 private:
  tallybus_status OpenSession(const WcsEvent& event);
  tallybus_status PublishStream(const WcsEvent& event);
  tallybus_status PublishConnection(const WcsEvent& event);

  tallybus_publisher* const publisher_;
  const std::string node_id_;
  const std::string app_key_;
};

}  // namespace tallybus::janus

#endif  // TALLYBUS_PLUGINS_JANUS_ENGINE_SINK_H_
