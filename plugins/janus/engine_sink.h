// Publishes the mapping's events through the engine library.
#ifndef TALLYBUS_PLUGINS_JANUS_ENGINE_SINK_H_
#define TALLYBUS_PLUGINS_JANUS_ENGINE_SINK_H_

#include <tallybus/c/engine.h>

#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "outbox.h"
#include "verdicts.h"

namespace tallybus::janus {

// The publisher is borrowed and must outlive this. With verdicts, the backend is asked by `connect`
// about each session, and one that is declined is ended by them; they must outlive the publisher,
// whose answers go there.
class EngineSink : public Sink {
 public:
  EngineSink(tallybus_publisher* publisher, std::string node_id, std::string app_key,
             Verdicts* verdicts = nullptr);
  tallybus_status Publish(const WcsEvent& event) override;
  void Lose(const WcsEvent& event) override;

 private:
  tallybus_status OpenSession(const WcsEvent& event);
  tallybus_status AskConnect(const WcsEvent& event);
  tallybus_status PublishStream(const WcsEvent& event);
  tallybus_status PublishConnection(const WcsEvent& event);

  struct Free {
    void operator()(char* text) const { std::free(text); }
  };
  using Text = std::unique_ptr<char, Free>;
  // Names node, app and session, and those members that are not empty; null where that makes no
  // JSON.
  Text JsonOf(const std::string& session_id,
              std::initializer_list<std::pair<const char*, const std::string&>> members) const;
  tallybus_json_event JsonEvent(std::string_view method, const WcsEvent& event,
                                const char* text) const;

  tallybus_publisher* const publisher_;
  const std::string node_id_;
  const std::string app_key_;
  Verdicts* const verdicts_;
};

}  // namespace tallybus::janus

#endif  // TALLYBUS_PLUGINS_JANUS_ENGINE_SINK_H_
