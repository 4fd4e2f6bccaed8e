// A plugin under trial whose protocol nobody here knows.
#ifndef TALLYBUS_APPS_TALLYBUS_RAW_SUBJECT_H_
#define TALLYBUS_APPS_TALLYBUS_RAW_SUBJECT_H_

#include <memory>
#include <string>
#include <vector>

#include "apps/conformance/subject.h"
#include "apps/tallybus/plugin_setting.h"
#include "apps/tallybus/raw_peer.h"

namespace tallybus::cli {

struct RawTrial {
  std::string plugin;    // its file
  std::string endpoint;  // `{peer}` in it is the peer's address
  RawWire wire;
  std::string arrived;               // not empty: the file that the transport writes to
  std::vector<std::string> carries;  // attributes that must arrive
};

class RawSubject final : public conformance::Subject {
 public:
  // `setting` is of the plugin, whichever its endpoint.
  RawSubject(RawTrial trial, PluginSetting setting)
      : trial_(std::move(trial)), setting_(std::move(setting)) {}

  TransportDescriptor descriptor() override { return setting_.transport; }
  std::unique_ptr<conformance::Peer> MakePeer(conformance::PeerMood mood) override;
  std::string NotApplicable(conformance::PeerMood mood) const override;
  std::string Sendable(std::string body) const override;
  std::vector<std::string> Carries() const override { return trial_.carries; }

 private:
  const RawTrial trial_;
  const PluginSetting setting_;
};

}  // namespace tallybus::cli

#endif  // TALLYBUS_APPS_TALLYBUS_RAW_SUBJECT_H_
