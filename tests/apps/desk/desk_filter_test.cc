// A question's parameters are taken by name, or refused by name.
#include "apps/desk/desk_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tallybus::desk {
namespace {

using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'000'000);

absl::StatusOr<StoredFilter> Read(const std::string& query) {
  auto parameters = QueryParameters::Parse(query);
  EXPECT_TRUE(parameters.ok());
  return FilterOf(*parameters, "dead", kNow);
}

TEST(DeskFilterTest, WithoutParametersItIsWhatTheQuestionMeans) {
  const auto filter = Read("");
  ASSERT_TRUE(filter.ok());
  EXPECT_TRUE(filter->dead);
  EXPECT_FALSE(filter->waiting || filter->delivered);
  EXPECT_EQ(filter->limit, 500u);
}

TEST(DeskFilterTest, TakesEachParameter) {
  const auto filter = Read(
      "state=waiting,delivered&since=2d&until=1970-01-12T00:00:00Z&app=a&stream=b&session=c&"
      "route=d/e&id=f&after=9&limit=3");
  ASSERT_TRUE(filter.ok()) << filter.status();
  EXPECT_TRUE(filter->waiting && filter->delivered && !filter->dead);
  EXPECT_EQ(filter->since, kNow - absl::Hours(48));
  EXPECT_EQ(filter->until, absl::FromUnixSeconds(11 * 86400));
  EXPECT_EQ(filter->app + filter->stream + filter->session + filter->route + filter->id, "abcd/ef");
  EXPECT_EQ(filter->after, 9u);
  EXPECT_EQ(filter->limit, 3u);
}

TEST(DeskFilterTest, TakesASpanOfRows) {
  const auto filter = Read("rows=16-30");
  ASSERT_TRUE(filter.ok()) << filter.status();
  EXPECT_EQ(filter->after, 15u);
  EXPECT_EQ(filter->through, 30u);
  EXPECT_EQ(Read("rows=16-30&after=20")->after, 20u) << "a later page";
  for (const char* query : {"rows=16", "rows=0-3", "rows=4-3", "rows=-3", "rows=1-x"}) {
    EXPECT_THAT(std::string(Read(query).status().message()), HasSubstr("rows: '")) << query;
  }
}

TEST(DeskFilterTest, RefusesWhatItDoesNotUnderstandByItsName) {
  for (const char* query : {"state=lost", "since=yesterday", "until=-5m", "after=x", "limit=501"}) {
    const std::string name = std::string(query).substr(0, std::string(query).find('='));
    EXPECT_THAT(std::string(Read(query).status().message()), HasSubstr(name)) << query;
  }
}

TEST(DeskFilterTest, RefusesASpanThatNothingIsIn) {
  for (const char* query : {"since=1h&until=2h", "since=1h&until=1h"}) {
    EXPECT_THAT(std::string(Read(query).status().message()),
                HasSubstr("since: '1h' is not before until, '"))
        << query;
  }
}

TEST(DeskFilterTest, ASwitchIsOnOrOffAndNothingElse) {
  for (const auto& [query, value] : {std::pair("s=1", true),
                                     {"s=true", true},
                                     {"s", true},
                                     {"s=0", false},
                                     {"s=false", false},
                                     {"", false}}) {
    auto read = SwitchOf(*QueryParameters::Parse(query), "s");
    ASSERT_TRUE(read.ok()) << query;
    EXPECT_EQ(*read, value) << query;
  }
  for (const char* query : {"s=yes", "s=no", "s=2", "s=TRUE"}) {
    EXPECT_THAT(std::string(SwitchOf(*QueryParameters::Parse(query), "s").status().message()),
                HasSubstr("s: '"))
        << query;
  }
}

TEST(DeskFilterTest, ReadsTimesAndAges) {
  EXPECT_EQ(*ParseTime("1970-01-01T01:00:00+01:00", kNow), absl::UnixEpoch());
  EXPECT_EQ(*ParseTime("2d", kNow), kNow - absl::Hours(48));
  EXPECT_EQ(*ParseTime("90m", kNow), kNow - absl::Minutes(90));
  EXPECT_FALSE(ParseTime("90", kNow).ok());
  EXPECT_FALSE(ParseTime("", kNow).ok());
}

}  // namespace
}  // namespace tallybus::desk
