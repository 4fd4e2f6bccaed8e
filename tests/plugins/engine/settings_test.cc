// Options: what is refused, and what none means.
#include "settings.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <optional>
#include <string>

namespace tallybus::engine {
namespace {

tallybus_bytes Bytes(std::string_view text) { return {text.data(), text.size()}; }

// Sets a variable, or removes it, until the end of the test.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* before = getenv(name)) before_ = before;
    value != nullptr ? setenv(name, value, 1) : unsetenv(name);
  }
  ~Variable() { before_ ? setenv(name_, before_->c_str(), 1) : unsetenv(name_); }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

class SettingsTest : public testing::Test {
 protected:
  tallybus_status Read() { return ReadSettings(options_, &settings_); }
  tallybus_status ReadEndpoint(const std::string& endpoint) {
    options_.endpoint = Bytes(endpoint);
    return Read();
  }

  tallybus_publisher_options options_ = {};
  Settings settings_;
};

TEST_F(SettingsTest, FillsInEveryDefault) {
  const Variable runtime("RUNTIME_DIRECTORY", "/run/somewhere");
  ASSERT_EQ(Read(), TALLYBUS_OK);
  EXPECT_EQ(settings_.endpoint, "ipc:///run/somewhere/engine.sock");
  EXPECT_EQ(settings_.app_key, "defaultApp");
  EXPECT_EQ(settings_.ring_bytes, size_t{4} << 20);
  char name[256] = {};
  gethostname(name, sizeof(name) - 1);
  EXPECT_EQ(settings_.node_id, name);
}

TEST_F(SettingsTest, FindsTheRuntimeDirectoryAsTheDaemonDoes) {
  {
    const Variable runtime("RUNTIME_DIRECTORY", "/run/a:/run/b");
    const Variable xdg("XDG_RUNTIME_DIR", "/run/user/7");
    EXPECT_EQ(DefaultEndpoint(), "ipc:///run/a/engine.sock");
  }
  const Variable runtime("RUNTIME_DIRECTORY", nullptr);
  {
    const Variable relative("RUNTIME_DIRECTORY", "run/a");  // counts as unset
    const Variable xdg("XDG_RUNTIME_DIR", "/run/user/7");
    EXPECT_EQ(DefaultEndpoint(), "ipc:///run/user/7/tallybus/engine.sock");
  }
  const Variable xdg("XDG_RUNTIME_DIR", nullptr);
  const bool usable =
      access("/run/tallybus", W_OK) == 0 || access("/run/tallybus/engine.sock", F_OK) == 0;
  EXPECT_EQ(DefaultEndpoint(),
            usable ? "ipc:///run/tallybus/engine.sock"
                   : "ipc:///tmp/tallybus-" + std::to_string(getuid()) + "/engine.sock");
}

TEST_F(SettingsTest, RefusesAnIpcPathThatTheKernelCannotHold) {
  EXPECT_EQ(ReadEndpoint("ipc:///" + std::string(106, 'p')), TALLYBUS_OK);
  EXPECT_EQ(ReadEndpoint("ipc:///" + std::string(107, 'p')), TALLYBUS_INVALID);
  EXPECT_EQ(ReadEndpoint("ipc://"), TALLYBUS_INVALID);
  options_.endpoint = {};
  const std::string directory = "/" + std::string(120, 'd');
  const Variable runtime("RUNTIME_DIRECTORY", directory.c_str());
  EXPECT_EQ(Read(), TALLYBUS_INVALID);
}

TEST_F(SettingsTest, KnowsThreeKindsOfEndpoint) {
  EXPECT_EQ(ReadEndpoint("tcp://127.0.0.1:5583"), TALLYBUS_OK);
  EXPECT_EQ(ReadEndpoint("inproc://x"), TALLYBUS_INVALID);
  EXPECT_EQ(ReadEndpoint("/run/tallybus/engine.sock"), TALLYBUS_INVALID);
  EXPECT_EQ(ReadEndpoint(std::string("tcp://a\0b", 9)), TALLYBUS_INVALID);
  EXPECT_EQ(ReadEndpoint("embedded:/etc/tallybus.yaml"), TALLYBUS_OK);
  EXPECT_EQ(ReadEndpoint("embedded:"), TALLYBUS_INVALID);
}

TEST_F(SettingsTest, TakesARingThatIsAPowerOfTwoWithinBounds) {
  for (const uint64_t bytes : {uint64_t{64} << 10, uint64_t{1} << 30}) {
    options_.ring_bytes = bytes;
    EXPECT_EQ(Read(), TALLYBUS_OK) << bytes;
  }
  for (const uint64_t bytes :
       {uint64_t{1}, uint64_t{32} << 10, uint64_t{100'000}, uint64_t{1} << 31, UINT64_MAX}) {
    options_.ring_bytes = bytes;
    EXPECT_EQ(Read(), TALLYBUS_INVALID) << bytes;
  }
}

TEST_F(SettingsTest, ACallWaitsForTenMinutesAtMost) {
  EXPECT_EQ(Read(), TALLYBUS_OK);
  EXPECT_EQ(settings_.ask_timeout_us, 11 * kSecondUs);
  options_.ask_timeout_ms = 600'000;
  EXPECT_EQ(Read(), TALLYBUS_OK);
  EXPECT_EQ(settings_.ask_timeout_us, 600 * kSecondUs);
  options_.ask_timeout_ms = 600'001;
  EXPECT_EQ(Read(), TALLYBUS_INVALID);
}

TEST_F(SettingsTest, TakesAllThreeKeysOrNone) {
  const std::string key(40, 'k');
  options_.curve_server_key = Bytes(key);
  EXPECT_EQ(Read(), TALLYBUS_INVALID);
  options_.curve_public_key = Bytes(key);
  options_.curve_secret_key = Bytes(key);
  EXPECT_EQ(Read(), TALLYBUS_OK);
  options_.curve_secret_key.size = 39;
  EXPECT_EQ(Read(), TALLYBUS_INVALID);
  options_.curve_server_key.size = options_.curve_public_key.size = 39;
  EXPECT_EQ(Read(), TALLYBUS_INVALID);
}

TEST_F(SettingsTest, RefusesTextThatIsMissingOrTooLong) {
  options_.node_id = {nullptr, 4};
  EXPECT_EQ(Read(), TALLYBUS_INVALID);
  const std::string name(256, 'n');
  options_.node_id = Bytes(name);
  EXPECT_EQ(Read(), TALLYBUS_INVALID);
  options_.node_id.size = 255;
  EXPECT_EQ(Read(), TALLYBUS_OK);
}

}  // namespace
}  // namespace tallybus::engine
