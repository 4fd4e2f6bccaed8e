// Options of a transport: each known, and of its type.
#include "tallybusd/config/option_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "load_text.h"

namespace tallybus::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

const std::vector<OptionSpec> kSpecs = {{"topic", "where events go"},
                                        {"depth", "a number", OptionType::kInteger},
                                        {"tls.on", "a flag", OptionType::kBoolean},
                                        {"linger", "a time", OptionType::kDuration},
                                        {"room", "a size", OptionType::kSize},
                                        {"token", "who we are", OptionType::kSecret}};

absl::StatusOr<std::map<std::string, std::string>> Resolve(const std::string& name,
                                                           const std::string& text) {
  const Option option = {name, text, "f:1:9: options." + name, "f:1:2: options." + name};
  return ResolveOptions({&option, 1}, kSpecs, "f:1:1: transport");
}
std::string ErrorOf(const std::string& name, const std::string& text) {
  return std::string(Resolve(name, text).status().message());
}

TEST(OptionKeysTest, EachTypeIsHandedOverInItsOneForm) {
  const std::vector<std::vector<std::string>> good = {
      {"topic", " a b ", " a b "},   {"depth", "-9223372036854775808", "-9223372036854775808"},
      {"depth", "007", "7"},         {"tls.on", "true", "true"},
      {"tls.on", "false", "false"},  {"linger", "90s", "90000"},
      {"linger", "0", "0"},          {"room", "4KiB", "4096"},
      {"room", "2GB", "2000000000"}, {"token", "s3cret", "s3cret"}};
  for (const auto& each : good) {
    const auto resolved = Resolve(each[0], each[1]);
    ASSERT_TRUE(resolved.ok()) << resolved.status();
    EXPECT_THAT(*resolved, ElementsAre(Pair(each[0], each[2])));
  }
}

TEST(OptionKeysTest, WrongTypesAreRefusedAtTheirPlace) {
  EXPECT_EQ(ErrorOf("depth", "1x"), "f:1:9: options.depth: must be a whole number of 64 bits");
  for (const char* bad : {"", "-", "+1", " 1", "1.5", "9223372036854775808"}) {
    EXPECT_THAT(ErrorOf("depth", bad), HasSubstr("must be a whole number")) << bad;
  }
  for (const char* bad : {"yes", "1", "True", ""}) {
    EXPECT_EQ(ErrorOf("tls.on", bad), "f:1:9: options.tls.on: must be true or false");
  }
  EXPECT_EQ(ErrorOf("linger", "5"), "f:1:9: options.linger: has no unit; did you mean 5s or 5ms?");
  EXPECT_EQ(ErrorOf("room", "5"), "f:1:9: options.room: has no unit; did you mean 5MiB or 5B?");
}

TEST(OptionKeysTest, AnUnknownOptionIsToldWithTheNearest) {
  EXPECT_EQ(ErrorOf("topik", "x"), "f:1:2: options.topik: unknown option; did you mean \"topic\"?");
  EXPECT_EQ(ErrorOf("zzz", "x"),
            "f:1:2: options.zzz: unknown option; known: topic, depth, tls.on, linger, room, token");
  const Option option = {"a", "b", "f:1:9: options.a", "f:1:2: options.a"};
  EXPECT_EQ(ResolveOptions({&option, 1}, {}, "").status().message(),
            "f:1:2: options.a: unknown option; this transport has none");
}

TEST(OptionKeysTest, ARequiredOneThatIsMissingIsToldWithItsMeaning) {
  const std::vector<OptionSpec> specs = {{"topic", "where events go", OptionType::kText, true}};
  EXPECT_EQ(ResolveOptions({}, specs, "f:1:1: routes[0].transport").status().message(),
            "f:1:1: routes[0].transport: needs the option topic: where events go");
  const Option option = {"topic", "", "", ""};
  EXPECT_TRUE(ResolveOptions({&option, 1}, specs, "").ok()) << "an empty one is there";
}

TEST(OptionKeysTest, ASecretMayBeInAFile) {
  const ScratchDirectory directory;
  const std::string file = directory.path() + "/secret";
  std::ofstream(file, std::ios::binary) << "line 1\nline 2\r\n";
  EXPECT_EQ(Resolve("token", "file:" + file)->at("token"), "line 1\nline 2");
  EXPECT_EQ(Resolve("topic", "file:" + file)->at("topic"), "file:" + file) << "no secret";
  EXPECT_EQ(ErrorOf("token", "file:" + file + "x"),
            "f:1:9: options.token: " + file + "x cannot be read");
  EXPECT_THAT(ErrorOf("token", "file:" + directory.path()), HasSubstr("cannot be read"));
  EXPECT_EQ(ErrorOf("token", "file:secret"),
            "f:1:9: options.token: file: needs an absolute path behind it");
  std::ofstream(file, std::ios::binary) << "\n";
  EXPECT_THAT(ErrorOf("token", "file:" + file), HasSubstr("is empty"));
  std::ofstream(file, std::ios::binary) << std::string((64 << 10) + 1, 'x');
  EXPECT_THAT(ErrorOf("token", "file:" + file), HasSubstr("has more than 65536 bytes"));
}

TEST(OptionKeysTest, NoErrorHoldsAValue) {
  for (const char* name : {"depth", "tls.on", "linger", "room", "topik"}) {
    EXPECT_THAT(ErrorOf(name, "s3cret"), Not(HasSubstr("s3cret"))) << name;
  }
}

}  // namespace
}  // namespace tallybus::config
