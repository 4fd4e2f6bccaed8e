// Each value is taken as one type or refused at its place.
#include "tallybusd/config/config_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "load_text.h"

namespace tallybus::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

enum class Colour { kRed, kGreen };
struct Fixture {
  int height = 0;
};
struct Lamp : Fixture {
  std::string name;
  Colour colour = Colour::kRed;
  int watts = 0;
};
constexpr Choice<Colour> kColours[] = {
    {"red", Colour::kRed}, {"green", Colour::kGreen}, {"blue", std::nullopt}};
constexpr Key<Lamp> kLampKeys[] = {
    {"name", [](const Value& v, Lamp& out) { return Store(v.Text(), out.name); }},
    {"colour",
     [](const Value& v, Lamp& out) { return Store(ReadChoice<Colour>(v, kColours), out.colour); }},
    {"watts", [](const Value& v, Lamp& out) { return Store(v.Integer(1, 60), out.watts); }},
    {"dimmer", nullptr},
    {"switch", nullptr, "is a key of rooms"},
};
constexpr Key<Fixture> kFixtureKeys[] = {
    {"height", [](const Value& v, Fixture& out) { return Store(v.Integer(1, 9), out.height); }},
    {"cable", nullptr},
};

class ConfigReaderTest : public testing::Test {
 protected:
  Value Top(const std::string& text) {
    absl::StatusOr<YamlNodePtr> root = ParseYaml(text, "t.yaml");
    EXPECT_TRUE(root.ok()) << root.status();
    return Value(*root, "", (*root)->mark, getenv_);
  }
  Value First(const std::string& text) { return Top(text).Members()->at(0).second; }
  absl::StatusOr<Lamp> ReadLamp(const std::string& text) {
    Lamp lamp;
    absl::Status status = ReadKeys<Lamp, Fixture>(Top(text), kLampKeys, lamp, kFixtureKeys);
    if (!status.ok()) return status;
    return lamp;
  }
  std::string LampError(const std::string& text) {
    return std::string(ReadLamp(text).status().message());
  }
  GetEnv getenv_ = Lookup({{"SECRET", "hunter2"}, {"BAD", "a\x01"}, {"LATIN", "\xE9"}});
};

TEST_F(ConfigReaderTest, KnownKeysAreRead) {
  absl::StatusOr<Lamp> lamp = ReadLamp("name: a\ncolour: green\nwatts: 60\n");
  ASSERT_TRUE(lamp.ok()) << lamp.status();
  EXPECT_EQ(lamp->name, "a");
  EXPECT_EQ(lamp->colour, Colour::kGreen);
  EXPECT_EQ(lamp->watts, 60);
}

TEST_F(ConfigReaderTest, SharedKeysAreReadIntoTheBase) {
  absl::StatusOr<Lamp> lamp = ReadLamp("height: 3\nname: a\n");
  ASSERT_TRUE(lamp.ok()) << lamp.status();
  EXPECT_EQ(lamp->height, 3);
  EXPECT_EQ(lamp->name, "a");
  EXPECT_EQ(LampError("height: 10"), "t.yaml:1:9: height: must be from 1 to 9");
  EXPECT_EQ(LampError("cable: x"), "t.yaml:1:1: cable: not in this version yet");
  EXPECT_EQ(LampError("hight: 3"), "t.yaml:1:1: hight: unknown key; did you mean \"height\"?");
}

TEST_F(ConfigReaderTest, KeyThatBelongsElsewhereSaysWhere) {
  EXPECT_EQ(LampError("name: a\nswitch: on"), "t.yaml:2:1: switch: is a key of rooms");
}

TEST_F(ConfigReaderTest, TextsAreCheckedOneByOne) {
  const auto no_dots = [](const std::string& text) -> std::string_view {
    return text.find('.') == std::string::npos ? "" : "holds a dot";
  };
  EXPECT_THAT(*First("a: [x, \"${SECRET}\"]").Texts(no_dots), ElementsAre("x", "hunter2"));
  EXPECT_EQ(std::string(First("a: [x, y.z]").Texts(no_dots).status().message()),
            "t.yaml:1:8: a[1]: holds a dot");
  EXPECT_EQ(std::string(First("a: [x, [y]]").Texts(no_dots).status().message()),
            "t.yaml:1:8: a[1]: must be text, not a list");
  EXPECT_FALSE(First("a: x").Texts(no_dots).ok());
}

TEST_F(ConfigReaderTest, JsonKeepsNumbersAndTruthOfTextsWithoutQuotesAlone) {
  EXPECT_EQ(*Top("{n: 7, m: -1.5e3, z: 0, t: true, q: '7', o: 007, h: 0x1, d: .5, e: 1., y: yes, "
                 "v: ~, \"a\\\"b\": [], l: [x, {}]}")
                 .Json(),
            R"({"n":7,"m":-1.5e3,"z":0,"t":true,"q":"7","o":"007","h":"0x1","d":".5","e":"1.",)"
            R"("y":"yes","v":null,"a\"b":[],"l":["x",{}]})");
  EXPECT_EQ(*First("a: \"x\\ny ${SECRET}\"").Json(), R"("x\ny hunter2")");
  EXPECT_THAT(std::string(First("a: {b: ['${NOT}']}").Json().status().message()),
              HasSubstr("t.yaml:1:9: a.b[0]: "));
}

TEST_F(ConfigReaderTest, UnknownKeyIsRefusedWithTheNearestOrAllOfThisVersion) {
  EXPECT_EQ(LampError("name: a\ncolor: red"),
            "t.yaml:2:1: color: unknown key; did you mean \"colour\"?");
  EXPECT_EQ(LampError("volume: 3"),
            "t.yaml:1:1: volume: unknown key; known: name, colour, watts, height");
}

TEST_F(ConfigReaderTest, KeyAndWordOfALaterVersionAreRefusedAsSuch) {
  EXPECT_EQ(LampError("dimmer: 3"), "t.yaml:1:1: dimmer: not in this version yet");
  EXPECT_EQ(LampError("colour: blue"), "t.yaml:1:9: colour: not in this version yet");
  EXPECT_EQ(ReadLamp("colour: blue").status().code(), absl::StatusCode::kUnimplemented);
}

TEST_F(ConfigReaderTest, UnknownWordIsRefusedWithoutShowingIt) {
  EXPECT_EQ(LampError("colour: gren"), "t.yaml:1:9: colour: unknown word; did you mean \"green\"?");
  EXPECT_THAT(LampError("colour: ${SECRET}"), Not(HasSubstr("hunter2")));
}

TEST_F(ConfigReaderTest, IntegerOutOfItsBoundsOrOfAnotherKindIsRefused) {
  for (const char* number : {"0", "61", "-1", "99999999999999999999"}) {
    EXPECT_EQ(LampError(std::string("watts: ") + number),
              "t.yaml:1:8: watts: must be from 1 to 60");
  }
  for (const char* text : {"1.5", "0x10", "1e1", "six", "''", "1_0"}) {
    EXPECT_EQ(LampError(std::string("watts: ") + text),
              "t.yaml:1:8: watts: must be a whole number");
  }
}

TEST_F(ConfigReaderTest, ValueOfAnotherKindIsRefused) {
  EXPECT_EQ(LampError("name: [a]"), "t.yaml:1:7: name: must be text, not a list");
  EXPECT_EQ(LampError("name: {a: b}"), "t.yaml:1:7: name: must be text, not a mapping");
  EXPECT_EQ(LampError("\nname:\nwatts: 3\n"),
            "t.yaml:2:1: name: has no value; leave the key out for its default");
  EXPECT_EQ(std::string(First("x: y").Items().status().message()),
            "t.yaml:1:4: x: must be a list, not text");
  EXPECT_EQ(std::string(First("x: y").Members().status().message()),
            "t.yaml:1:4: x: must be a mapping, not text");
}

TEST_F(ConfigReaderTest, KeyWithoutAValueIsAnEmptyMapping) {
  EXPECT_TRUE(First("apps:\n  # a:\n").Members()->empty());
}

TEST_F(ConfigReaderTest, ItemsKnowTheirPlaceInTheList) {
  absl::StatusOr<std::vector<Value>> items = First("x:\n  - a\n  - b\n").Items();
  ASSERT_TRUE(items.ok());
  EXPECT_EQ(items->at(1).Where(), "t.yaml:3:5: x[1]");
}

TEST_F(ConfigReaderTest, DurationsAndSizesKeepToTheirBounds) {
  const auto duration = [this](const std::string& text) {
    return std::string(
        First(text).Duration(absl::Milliseconds(100), absl::Minutes(10)).status().message());
  };
  EXPECT_EQ(duration("x: 100ms"), "");
  EXPECT_EQ(duration("x: 600s"), "");
  EXPECT_EQ(duration("x: 99ms"), "t.yaml:1:4: x: must be from 100ms to 10m");
  EXPECT_EQ(duration("x: 11m"), "t.yaml:1:4: x: must be from 100ms to 10m");
  EXPECT_EQ(duration("x: 10"), "t.yaml:1:4: x: has no unit; did you mean 10s or 10ms?");
  EXPECT_EQ(std::string(First("x: 1KiB").Size(2048, 4096).status().message()),
            "t.yaml:1:4: x: must be from 2KiB to 4KiB");
}

TEST_F(ConfigReaderTest, VariablesAreReplacedInEveryStyleOfText) {
  EXPECT_EQ(*First("x: ${SECRET}").Text(), "hunter2");
  EXPECT_EQ(*First("{x: \"a ${SECRET}\"}").Text(), "a hunter2");
  EXPECT_EQ(*First("x: '$$5'").Text(), "$5");
  EXPECT_EQ(*First("x:\n  ${NONE:-y}\n").Text(), "y");
}

TEST_F(ConfigReaderTest, UnsetVariableIsRefusedAtItsPlace) {
  EXPECT_EQ(LampError("name: a\nwatts: ${WATTS}\n"),
            "t.yaml:2:8: watts: the environment variable WATTS is not set; ${WATTS:-default} would "
            "stand in for it");
}

TEST_F(ConfigReaderTest, ControlCharactersAndBrokenUtf8AreRefusedWhereverTheyComeFrom) {
  for (const char* text : {"x: \"a\\nb\"", "x: ${BAD}", "x: ${LATIN}", "x: |\n  a\n"}) {
    EXPECT_THAT(std::string(First(text).Text().status().message()),
                HasSubstr("holds a control character"))
        << text;
  }
}

}  // namespace
}  // namespace tallybus::config
