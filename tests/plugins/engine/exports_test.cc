// What the shared object shows to the process that loads it, and what it asks of it.
#include <gtest/gtest.h>
#include <stdio.h>
#include <tallybus/c/engine.h>

#include <memory>
#include <set>
#include <sstream>
#include <string>

namespace {

std::string OutputOf(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string output;
  char buffer[4096];
  while (pipe && fgets(buffer, sizeof(buffer), pipe.get()) != nullptr) output += buffer;
  return output;
}

TEST(ExportsTest, ShowsTheFunctionsOfTheHeaderAndNothingElse) {
  std::set<std::string> names;
  std::istringstream lines(OutputOf("nm -D --defined-only " TALLYBUS_ENGINE_LIBRARY));
  std::string address, type, name;
  while (lines >> address >> type >> name) {
    if (type != "A") names.insert(name.substr(0, name.find('@')));  // A: the version's own name
  }
  EXPECT_EQ(names, (std::set<std::string>{
                       "tallybus_ask", "tallybus_publish_json", "tallybus_publish_stream_status",
                       "tallybus_publisher_close", "tallybus_publisher_open",
                       "tallybus_session_close", "tallybus_session_open", "tallybus_stats_get",
                       "tallybus_status_text", "tallybus_version"}));
}

TEST(ExportsTest, NeedsZeroMqAndTheLanguageRuntimesAlone) {
  std::istringstream lines(OutputOf("readelf -d " TALLYBUS_ENGINE_LIBRARY " | grep NEEDED"));
  int needed = 0;
  for (std::string line; std::getline(lines, line); ++needed) {
    bool known = false;
    for (const char* library : {"libzmq.so", "libstdc++.so", "libgcc_s.so", "libc.so", "libm.so",
                                "libasan.so", "libubsan.so", "libtsan.so", "libpthread.so"}) {
      known = known || line.find(library) != std::string::npos;
    }
    EXPECT_TRUE(known) << line;
  }
  EXPECT_GT(needed, 0);
}

TEST(ExportsTest, BringsNoProtobufIntoTheProcess) {
  const std::string libraries = OutputOf("ldd " TALLYBUS_ENGINE_LIBRARY);
  EXPECT_NE(libraries.find("libzmq"), std::string::npos);
  EXPECT_EQ(libraries.find("protobuf"), std::string::npos);
  EXPECT_EQ(libraries.find("absl"), std::string::npos);
}

}  // namespace
