// What a spool keeps beside the rows, so that the next process knows it.
#ifndef TALLYBUS_SPOOL_RECORDS_H_
#define TALLYBUS_SPOOL_RECORDS_H_

#include <absl/time/time.h>

#include <cstdint>
#include <string>

namespace tallybus {

// A stream or session that has begun and not ended, by the last that was heard of it.
struct LiveRecord {
  std::string source;  // who said so: see LiveTable
  std::string key;
  std::string json;   // without sdp; empty: it has ended
  bool lost = false;  // its end was told for an engine that was lost
};

// What is known of one opening of an engine's publisher.
struct PublisherRecord {
  uint64_t epoch = 0;
  uint64_t through = 0;
  std::string node_id;
  enum class State { kOpen, kBye, kLost, kForgotten } state = State::kOpen;
  absl::Time last_seen;
};

// What an operator, or the endpoint itself by 410, decided about a route's endpoint.
struct EndpointRecord {
  std::string route;
  std::string state;  // "paused", "disabled", "gone"; empty: none
  std::string reason;
  std::string author;
  absl::Time since;
};

// An alert that began and is not over.
struct AlertRecord {
  std::string name;
  std::string subject;
  std::string text;
  bool critical = true;
  absl::Time since;
  bool on = true;  // false: it is over
};

}  // namespace tallybus

#endif  // TALLYBUS_SPOOL_RECORDS_H_
