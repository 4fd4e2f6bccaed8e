// A spool's folder is judged and left alone.
#include "apps/tallybusd/check/spool_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tallybus/sqlite_spool.h"
#include "tests/apps/tallybusd/check/loopback.h"
#include "tests/apps/tallybusd/config/load_text.h"

namespace tallybus::check {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class SpoolCheckTest : public ::testing::Test {
 protected:
  std::optional<Holder> Check(const std::string& path) {
    findings = {};
    spool.path = path;
    return CheckSpool(spool, &findings);
  }

  const config::ScratchDirectory folder;
  config::Spool spool;
  Findings findings;
};

TEST_F(SpoolCheckTest, AFolderThatCanBeMadeIsGoodAndIsNotMade) {
  EXPECT_EQ(Check(folder.path() + "/a/spool"), std::nullopt);
  EXPECT_THAT(findings.all, IsEmpty());
  EXPECT_THAT(findings.tested, ElementsAre("the spool"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST_F(SpoolCheckTest, OneInMemoryNeedsNothing) {
  EXPECT_EQ(Check(config::kMemorySpool), std::nullopt);
  EXPECT_THAT(findings.all, IsEmpty());
  EXPECT_THAT(findings.tested, IsEmpty());
}

TEST_F(SpoolCheckTest, AFolderThatCannotBeMadeAndAFileThatIsNoneAreErrors) {
  std::ofstream(folder.path() + "/file") << "x";
  Check(folder.path() + "/file/spool");
  ASSERT_THAT(findings.all, SizeIs(1));
  EXPECT_EQ(findings.all[0].weight, Weight::kError);
  EXPECT_THAT(findings.all[0].text, HasSubstr("Not a directory; name another directory"));

  std::filesystem::create_directories(folder.path() + "/spool/spool.db");
  Check(folder.path() + "/spool");
  ASSERT_THAT(findings.all, SizeIs(1));
  EXPECT_THAT(findings.all[0].text, HasSubstr("/spool/spool.db: is no file"));
}

TEST_F(SpoolCheckTest, AFolderOfAnotherUserIsAnErrorThatNamesHimAndItsHolderIsToldAllTheSame) {
  if (chown(folder.path().c_str(), 65534, 65534) != 0) GTEST_SKIP() << "only root gives away";
  const LockedFile lock(folder.path() + "/spool.lock");
  EXPECT_TRUE(Check(folder.path()));
  ASSERT_THAT(findings.all, SizeIs(2));
  EXPECT_THAT(findings.all[0].text, HasSubstr("belongs to another user"));
  EXPECT_THAT(findings.all[0].text, HasSubstr("; or check as the user who has it (uid 65534)"));
  EXPECT_EQ(findings.all[1].weight, Weight::kNote);
}

TEST_F(SpoolCheckTest, ADiskWithLessRoomThanItMayTakeIsAWarning) {
  spool.max_bytes = int64_t{1} << 60;
  Check(folder.path());
  ASSERT_THAT(findings.all, SizeIs(1));
  EXPECT_EQ(findings.all[0].weight, Weight::kWarning);
  EXPECT_THAT(findings.all[0].text, HasSubstr("MiB left, and spool.max_size allows"));
}

TEST_F(SpoolCheckTest, AFileThatIsNoSpoolIsAnErrorUnlessARouterHasIt) {
  std::ofstream(folder.path() + "/spool.db") << "no database at all";
  Check(folder.path());
  ASSERT_THAT(findings.all, SizeIs(1));
  EXPECT_EQ(findings.all[0].weight, Weight::kError);
  EXPECT_THAT(findings.all[0].text,
              StartsWith("spool.path: " + folder.path() + "/spool.db is dam"));
  const LockedFile lock(folder.path() + "/spool.lock");
  EXPECT_TRUE(Check(folder.path()));
  ASSERT_THAT(findings.all, SizeIs(1));
  EXPECT_EQ(findings.all[0].weight, Weight::kNote);
}

TEST_F(SpoolCheckTest, ASpoolThatADaemonLeftIsGood) {
  const SystemClock clock;
  SqliteSpoolOptions options;
  options.directory = folder.path();
  ASSERT_TRUE(OpenSqliteSpool(options, clock).ok());
  EXPECT_EQ(Check(folder.path()), std::nullopt);
  EXPECT_THAT(findings.all, IsEmpty());
}

TEST_F(SpoolCheckTest, WhoHoldsItIsANote) {
  const LockedFile lock(folder.path() + "/spool.lock");
  const std::optional<Holder> holder = Check(folder.path());
  ASSERT_TRUE(holder);
  EXPECT_EQ(holder->pid, getpid());
  ASSERT_THAT(findings.all, SizeIs(1));
  EXPECT_EQ(findings.all[0].weight, Weight::kNote);
  EXPECT_THAT(findings.all[0].text, HasSubstr("is in use by the router that runs ("));
}

}  // namespace
}  // namespace tallybus::check
