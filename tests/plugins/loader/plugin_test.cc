// Shared objects: a good one, and each that is refused with its line.
#include "plugins/loader/plugin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/plugins/loader/plugins.h"

namespace tallybus::loader {
namespace {

using ::tallybus::testing::PluginPath;
using ::testing::EndsWith;
using ::testing::HasSubstr;

std::string ErrorOf(const std::string& path) {
  const std::string message(OpenPlugin(path).status().message());
  EXPECT_EQ(message.rfind(path + ": ", 0), 0u) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  return message.substr(std::min(message.size(), path.size() + 2));
}
std::string ErrorOfBuild(const std::string& name) { return ErrorOf(PluginPath(name)); }

TEST(PluginTest, AGoodOneSaysWhatItIs) {
  auto plugin = OpenPlugin(PluginPath("hostile"));
  ASSERT_TRUE(plugin.ok()) << plugin.status();
  EXPECT_EQ((*plugin)->scheme, "hostile");
  EXPECT_EQ((*plugin)->name, "Hostile");
  EXPECT_EQ((*plugin)->version, "0.1");
  ASSERT_EQ((*plugin)->options.size(), 1u);
  EXPECT_EQ((*plugin)->options[0].name, "linger");
  EXPECT_EQ((*plugin)->options[0].meaning, "how long it lingers");
  EXPECT_EQ((*plugin)->options[0].type, OptionType::kDuration);
  EXPECT_FALSE((*plugin)->options[0].required);
}

TEST(PluginTest, WhatIsNoPluginIsRefused) {
  EXPECT_EQ(ErrorOf("/nowhere/at/all.so"), "there is no such file");
  EXPECT_EQ(ErrorOf("/tmp"), "it is no file");
  const std::string text = std::string(TALLYBUS_TEST_PLUGINS) + "/text.so";
  std::ofstream(text) << "not an object\n";
  EXPECT_THAT(ErrorOf(text), HasSubstr("too short"));
  EXPECT_EQ(ErrorOfBuild("no_symbol"),
            "it is no plugin: it does not export tallybus_transport_entry_v1");
}

TEST(PluginTest, AFileThatIsHalfCopiedIsRefusedAndEndsNoProcess) {
  const std::string cut = std::string(TALLYBUS_TEST_PLUGINS) + "/cut.so";
  std::filesystem::copy_file(PluginPath("hostile"), cut,
                             std::filesystem::copy_options::overwrite_existing);
  std::filesystem::resize_file(cut, std::filesystem::file_size(cut) / 4);
  EXPECT_EQ(ErrorOf(cut), "it is cut short: copy it again");
}

TEST(PluginTest, WhatThisRouterCannotReadIsRefused) {
  EXPECT_EQ(ErrorOfBuild("other_major"),
            "it is built for version 2 of the transport interface; this router has version 1");
  EXPECT_EQ(ErrorOfBuild("large_entry"),
            "its entry has a struct_size of no version that this router knows: 5000");
  EXPECT_EQ(ErrorOfBuild("option_type"), "its option linger has a type that is none: 9");
  EXPECT_EQ(ErrorOfBuild("option_name"),
            "its option 0 has a name that is none: [a-z][a-z0-9_.]{0,63}");
  EXPECT_EQ(ErrorOfBuild("no_create"), "its entry has no create");
}

class EntryTest : public ::testing::Test {
 protected:
  EntryTest() {
    option.struct_size = sizeof option;
    option.name = "a.b_1";
    option.meaning = "what it is";
    entry.struct_size = sizeof entry;
    entry.abi_major = TALLYBUS_TRANSPORT_ABI_MAJOR;
    entry.scheme = "a-b_1";
    entry.name = "A";
    entry.version = "1";
    entry.options = options;
    entry.option_count = 1;
    entry.create = [](const tallybus_host*, const tallybus_transport**, tallybus_error*) {
      return TALLYBUS_OK;
    };
  }
  std::string Error() { return std::string(ReadEntry("p", &entry).status().message()); }

  tallybus_option_spec option = {};
  const tallybus_option_spec* options[2] = {&option, &option};
  tallybus_transport_entry entry = {};
};

TEST_F(EntryTest, NamesAreChecked) {
  EXPECT_EQ(Error(), "");
  const std::string long_scheme(33, 'a');
  for (const char* scheme : {"", "A", "1a", "a b", "a\n", long_scheme.c_str()}) {
    entry.scheme = scheme;
    EXPECT_EQ(Error(), "p: its scheme is none: [a-z][a-z0-9_-]{0,31}") << scheme;
  }
  entry.scheme = nullptr;
  EXPECT_THAT(Error(), HasSubstr("its scheme is none"));
  entry.scheme = "a";
  for (const char* name : {"", "a\nb", static_cast<const char*>(nullptr)}) {
    entry.name = name;
    EXPECT_THAT(Error(), HasSubstr("its name or version is missing"));
  }
}

TEST_F(EntryTest, OptionsAreChecked) {
  entry.option_count = 2;
  EXPECT_EQ(Error(), "p: it has two options of the name a.b_1");
  options[1] = nullptr;
  EXPECT_THAT(Error(), HasSubstr("its option 1 is missing"));
  entry.option_count = 1;
  option.struct_size = 7;
  EXPECT_THAT(Error(), HasSubstr("struct_size of no version"));
  option.struct_size = sizeof option;
  option.meaning = "two\nlines";
  EXPECT_THAT(Error(), HasSubstr("has no meaning in one line"));
  option.meaning = "good";
  option.flags = TALLYBUS_OPTION_REQUIRED;
  EXPECT_TRUE((*ReadEntry("p", &entry))->options[0].required);
  entry.options = nullptr;
  EXPECT_THAT(Error(), HasSubstr("its options are missing, or too many"));
}

TEST_F(EntryTest, StructSizeIsAsInTheOtherInterface) {
  EXPECT_THAT(std::string(ReadEntry("p", nullptr).status().message()), EndsWith("returns nothing"));
  for (size_t size = 0; size < sizeof entry; ++size) {
    entry.struct_size = size;
    EXPECT_THAT(Error(), HasSubstr("struct_size of no version")) << "1.0 is the first";
  }
  entry.struct_size = sizeof entry;
  struct {
    tallybus_transport_entry entry;
    size_t newer = 0;
  } grown = {entry};
  grown.entry.struct_size = sizeof grown;
  EXPECT_TRUE(ReadEntry("p", &grown.entry).ok()) << "a newer one that uses nothing newer";
  grown.newer = 1;
  EXPECT_THAT(std::string(ReadEntry("p", &grown.entry).status().message()),
              HasSubstr("struct_size of no version"));
}

TEST(ErrorTextTest, ATextWithoutAnEndIsCutAndCleaned) {
  ErrorText error;
  EXPECT_EQ(error.TextOr("none"), "none");
  for (size_t i = 0; i < error.c()->size; ++i) error.c()->text[i] = 'x';
  error.c()->text[1] = '\n';
  const std::string text = error.TextOr("none");
  EXPECT_EQ(text.size(), error.c()->size - 1);
  EXPECT_EQ(text.substr(0, 3), "x?x");
}

}  // namespace
}  // namespace tallybus::loader
