// Words to flags and arguments, and the errors that people read.
#include "apps/tallybus/command_line.h"

#include <absl/flags/flag.h>
#include <absl/flags/reflection.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/tallybus/flags.h"

namespace tallybus::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CommandLineTest : public ::testing::Test {
 protected:
  std::string ErrorOf(const std::vector<std::string>& words) {
    return std::string(ParseCommandLine(PubCommand(), words).status().message());
  }

  absl::FlagSaver saver_;
};

TEST_F(CommandLineTest, TakesFlagsInEveryFormAndLeavesTheArguments) {
  const auto line = ParseCommandLine(
      PubCommand(), {"--method", "A", "{}", "--protobuf", "--count=3", "-", "--", "--rate"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_THAT(line->arguments, ElementsAre("{}", "-", "--rate"));
  EXPECT_EQ(absl::GetFlag(FLAGS_method), "A");
  EXPECT_EQ(absl::GetFlag(FLAGS_count), 3u);
  EXPECT_TRUE(absl::GetFlag(FLAGS_protobuf));
  ASSERT_TRUE(ParseCommandLine(PubCommand(), {"--noprotobuf"}).ok());
  EXPECT_FALSE(absl::GetFlag(FLAGS_protobuf));
}

TEST_F(CommandLineTest, NamesTheNearestKnownFlag) {
  EXPECT_EQ(ErrorOf({"--metod=A"}), "no flag --metod; did you mean --method?");
  EXPECT_EQ(ErrorOf({"--elephant"}), "no flag --elephant");
}

TEST_F(CommandLineTest, RefusesAFlagOfAnotherCommand) {
  EXPECT_THAT(ErrorOf({"--session", "s"}), HasSubstr("no flag --session"));
  EXPECT_TRUE(ParseCommandLine(TailCommand(), {"--session", "s"}).ok());
}

TEST_F(CommandLineTest, RefusesFlagsThatAbseilBringsAlong) {
  EXPECT_THAT(ErrorOf({"--flagfile=/etc/passwd"}), HasSubstr("no flag --flagfile"));
}

TEST_F(CommandLineTest, SaysWhatAFlagTakesWhereAValueIsNotUnderstood) {
  EXPECT_EQ(ErrorOf({"--timeout", "5"}), "--timeout: '5' has no unit; did you mean 5s or 5ms?");
  EXPECT_THAT(ErrorOf({"--timeout", "5w"}), HasSubstr("its unit (ms, s, m, h, d), such as"));
  EXPECT_THAT(ErrorOf({"--count=-1"}), HasSubstr("--count: '-1' is not understood"));
  EXPECT_EQ(ErrorOf({"--count"}), "--count needs a value");
}

TEST_F(CommandLineTest, TakesDurationsAndSizesAsTheConfigurationDoes) {
  ASSERT_TRUE(ParseCommandLine(TriggerCommand(), {"--late", "1d", "--compress-over=4KiB"}).ok());
  EXPECT_EQ(absl::GetFlag(FLAGS_late), absl::Hours(24));
  EXPECT_EQ(absl::GetFlag(FLAGS_compress_over)->bytes, 4096u);
  EXPECT_EQ(std::string(
                ParseCommandLine(TriggerCommand(), {"--compress-over", "4096"}).status().message()),
            "--compress-over: '4096' has no unit; did you mean 4096MiB or 4096B?");
}

TEST_F(CommandLineTest, RefusesAFlagThatAVerbHasNoUseOfAndNamesBoth) {
  EXPECT_TRUE(RefuseFlags("drop", {"limit", "dry_run"}).ok());
  ASSERT_TRUE(ParseCommandLine(SpoolCommand(), {"--limit", "100", "--dry-run"}).ok());
  EXPECT_EQ(RefuseFlags("drop", {"limit"}).message(), "drop has no use of --limit");
  EXPECT_EQ(RefuseFlags("ls", {"dry_run"}).message(), "ls has no use of --dry-run");
}

TEST_F(CommandLineTest, KnowsEveryFlagThatACommandClaims) {
  for (const Command& command : {PubCommand(), TailCommand(), ReceiveCommand(), StatusCommand()}) {
    for (const std::string& flag : command.flags) {
      ASSERT_NE(absl::FindCommandLineFlag(flag), nullptr) << command.name << " --" << flag;
      EXPECT_THAT(UsageOf(command), HasSubstr("  --" + flag + " "));
    }
  }
}

}  // namespace
}  // namespace tallybus::cli
