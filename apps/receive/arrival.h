// One request of a router, as the development backend understands it, and how it is shown.
#ifndef TALLYBUS_APPS_RECEIVE_ARRIVAL_H_
#define TALLYBUS_APPS_RECEIVE_ARRIVAL_H_

#include <cstdint>
#include <string>

#include "transports/web/http_server.h"

namespace tallybus::receive {

// A header that did not come is empty, or 0.
struct Arrival {
  std::string path;
  std::string method;  // the last segment of the path
  std::string id;      // webhook-id
  std::string time;    // tallybus-time
  std::string lane;    // tallybus-lane, percent-encoded as it came
  uint64_t sequence = 0;
  uint64_t attempt = 0;
  bool redelivery = false;
  std::string origin;
  std::string body;  // inflated, where it came with gzip

  // What the backend found out and did.
  bool duplicate = false;
  uint64_t hole_before = 0;  // the sequence that was due instead; 0: none
  std::string answer;
};

Arrival ReadArrival(const HttpRequest& request);

// For people; `now` is shown where the request carried no time.
std::string ReadableLine(const Arrival& arrival, const std::string& now);

// For scripts: one JSON object in one line; `body` is an object where it came as one, else a
// string.
std::string JsonLine(const Arrival& arrival);

}  // namespace tallybus::receive

#endif  // TALLYBUS_APPS_RECEIVE_ARRIVAL_H_
