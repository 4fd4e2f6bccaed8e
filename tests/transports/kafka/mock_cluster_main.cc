// The mock cluster as a program of its own, for the end-to-end test: prints its URL, then obeys the
// lines `down`, `up` and `dump`, which prints a JSON object for each message and an empty line.
#include <iostream>
#include <string>

#include "tests/transports/kafka/mock_cluster.h"

int main() {
  tallybus::kafka::MockCluster cluster;
  std::cout << cluster.url() << std::endl;
  for (std::string command; std::getline(std::cin, command);) {
    if (command != "dump") {
      cluster.SetDown(command == "down");
      std::cout << "done" << std::endl;
      continue;
    }
    for (const auto& message : cluster.Messages()) {
      std::cout << R"({"partition":)" << message.partition << R"(,"headers":{)";
      const char* comma = "";
      for (const auto& [name, value] : message.headers) {
        std::cout << comma << '"' << name << R"(":")" << value << '"';
        comma = ",";
      }
      std::cout << R"(},"event":)" << message.body << "}\n";
    }
    std::cout << std::endl;
  }
  return 0;
}
