// Events to try a receiver with: of a method, of a file, of a stream's whole life.
#ifndef TALLYBUS_APPS_EXPLANATION_SAMPLE_EVENTS_H_
#define TALLYBUS_APPS_EXPLANATION_SAMPLE_EVENTS_H_

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tallybus/event.h"

namespace tallybus {

// What `tallybus endpoint test` has the router send to an endpoint, by no route.
inline constexpr std::string_view kTestEvent = "TallybusTestEvent";

// An event and its place in its lane.
struct Sample {
  Event event;
  std::string lane;
  uint64_t lane_sequence = 0;  // 0: it is of no lane
  bool is_call = false;        // the backend's answer decides: `connect`
};

// Makes them as an engine and a router would: ids of one random epoch, sequences by lane.
class SampleEvents {
 public:
  // `node`: of events that name none.
  explicit SampleEvents(absl::Time now, std::string node = "tallybus-trigger");

  // `what` is `lifecycle`, a file with one object, - for standard input, or a method that is known.
  // `method` is that of a file's object. INVALID_ARGUMENT is one line.
  absl::StatusOr<std::vector<Sample>> Make(const std::string& what, const std::string& method);
  // An event whose object is `json`. Of a method that the router alone makes, it is the router's.
  absl::StatusOr<Sample> Of(std::string_view method, std::string_view json);
  // A stream that nobody heard of: its first two events.
  std::vector<Sample> NewStream();

 private:
  absl::StatusOr<Sample> OfMethod(const std::string& method);
  Sample Placed(Event event);
  Event Error();
  Event Alert() const;
  Event Test() const;
  absl::StatusOr<Sample> OfFile(const std::string& path, const std::string& method);
  std::string Head() const;
  Sample Stream(bool published, std::string_view status,
                std::string_view method = kStreamStatusEvent);
  std::vector<Sample> Lifecycle();

  const absl::Time now_;
  const std::string node_;
  const uint64_t epoch_;
  uint64_t last_ = 0;
  std::string stream_;  // what its name and ids end in
  std::map<std::string, uint64_t> sequences_;
};

}  // namespace tallybus

#endif  // TALLYBUS_APPS_EXPLANATION_SAMPLE_EVENTS_H_
