// What a broker's message says of an event, as the conformance suite asks for it.
#ifndef TALLYBUS_TESTS_TRANSPORTS_PARTS_ARRIVAL_OF_H_
#define TALLYBUS_TESTS_TRANSPORTS_PARTS_ARRIVAL_OF_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>

#include "tests/conformance/transport_conformance.h"

namespace tallybus::parts {

inline std::string PercentDecoded(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    out += static_cast<char>(std::strtol(text.substr(i + 1, 2).c_str(), nullptr, 16));
    i += 2;
  }
  return out;
}

inline testing::Arrival ArrivalOf(std::map<std::string, std::string> attributes, std::string body) {
  testing::Arrival arrival;
  arrival.body = std::move(body);
  arrival.method = attributes["tallybus-method"];
  arrival.event_id = attributes["webhook-id"];
  arrival.time = attributes["tallybus-time"];
  arrival.lane = PercentDecoded(attributes["tallybus-lane"]);
  arrival.lane_sequence = std::strtoull(attributes["tallybus-sequence"].c_str(), nullptr, 10);
  arrival.attempt = std::atoi(attributes["tallybus-attempt"].c_str());
  arrival.redelivery = attributes["tallybus-redelivery"] == "1";
  arrival.from_router = attributes["tallybus-origin"] == "router";
  return arrival;
}

}  // namespace tallybus::parts

#endif  // TALLYBUS_TESTS_TRANSPORTS_PARTS_ARRIVAL_OF_H_
