// URLs, header fields and their escaping.
#include "transports/rest/request.h"

#include <absl/strings/str_split.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace tallybus::rest {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string Target(const std::string& url, std::string_view method = "StreamStatusEvent") {
  const auto base = ParseBaseUrl(url);
  EXPECT_TRUE(base.ok()) << base.status();
  return base.ok() ? TargetUrl(*base, method) : "";
}

TEST(TargetUrlTest, AppendsTheMethodToThePath) {
  EXPECT_EQ(Target("http://127.0.0.1:8081/apps/EchoApp"),
            "http://127.0.0.1:8081/apps/EchoApp/StreamStatusEvent");
  EXPECT_EQ(Target("https://example.org"), "https://example.org/StreamStatusEvent");
  EXPECT_EQ(Target("http://[::1]:80/a"), "http://[::1]:80/a/StreamStatusEvent");
}

TEST(TargetUrlTest, TakesATrailingSlashAsNone) {
  EXPECT_EQ(Target("http://h/apps/EchoApp/"), "http://h/apps/EchoApp/StreamStatusEvent");
  EXPECT_EQ(Target("http://h/"), "http://h/StreamStatusEvent");
  EXPECT_EQ(Target("http://h/a//"), "http://h/a/StreamStatusEvent");
}

TEST(TargetUrlTest, KeepsTheQueryAfterThePath) {
  EXPECT_EQ(Target("http://h/a?key=v%20x&b=/"), "http://h/a/StreamStatusEvent?key=v%20x&b=/");
  EXPECT_EQ(Target("http://h?x=1"), "http://h/StreamStatusEvent?x=1");
  EXPECT_EQ(Target("http://h/a/?x"), "http://h/a/StreamStatusEvent?x");
}

TEST(TargetUrlTest, AMethodCannotLeaveItsSegment) {
  EXPECT_EQ(Target("http://h/a", "../b?c#d\r\n"), "http://h/a/..%2Fb%3Fc%23d%0D%0A");
}

TEST(BaseUrlTest, NamesThePeerForTheLog) {
  EXPECT_EQ(ParseBaseUrl("https://example.org/a?secret=1")->peer, "example.org:443");
  EXPECT_EQ(ParseBaseUrl("http://127.0.0.1:8081")->peer, "127.0.0.1:8081");
}

TEST(BaseUrlTest, NamesTheHostWithAPortThatIsNotTheSchemesOwn) {
  const auto host = [](const char* url) { return ParseBaseUrl(url)->host; };
  EXPECT_EQ(host("http://example.org/a?x=1"), "example.org");
  EXPECT_EQ(host("http://example.org:80"), "example.org");
  EXPECT_EQ(host("http://example.org:443"), "example.org:443");
  EXPECT_EQ(host("http://example.org:8081"), "example.org:8081");
  EXPECT_EQ(host("https://example.org:443"), "example.org");
  EXPECT_EQ(host("https://example.org:80"), "example.org:80");
  EXPECT_EQ(host("http://[::1]/"), "[::1]");
  EXPECT_EQ(host("http://[::1]:8081/"), "[::1]:8081");
}

std::string Head(const std::string& url, size_t body_bytes = 0) {
  HeaderFields fields;
  fields.Add("A", "1");
  fields.Join("B", "2");
  fields.Add("C", "3");
  const BaseUrl base = *ParseBaseUrl(url);
  std::string head = "what was there before";
  WriteHead(base, TargetUrl(base, "M"), fields, body_bytes, &head);
  return head;
}

TEST(HeadTest, HasTheFieldsBetweenHostAndLength) {
  EXPECT_EQ(Head("http://127.0.0.1:8081/apps/EchoApp?key=v", 1234567),
            "POST /apps/EchoApp/M?key=v HTTP/1.1\r\nHost: 127.0.0.1:8081\r\n"
            "A: 1\r\nB: 2\r\nC: 3\r\nContent-Length: 1234567\r\n\r\n");
}

TEST(HeadTest, FindsThePathOfEveryUrl) {
  EXPECT_THAT(Head("http://h"), StartsWith("POST /M HTTP/1.1\r\nHost: h\r\n"));
  EXPECT_THAT(Head("http://h:80/"), StartsWith("POST /M HTTP/1.1\r\nHost: h\r\n"));
  EXPECT_THAT(Head("https://h/a"), StartsWith("POST /a/M HTTP/1.1\r\nHost: h\r\n"));
  EXPECT_THAT(Head("http://[::1]:81/a"), StartsWith("POST /a/M HTTP/1.1\r\nHost: [::1]:81\r\n"));
  EXPECT_THAT(Head("http://h?x=/y"), StartsWith("POST /M?x=/y HTTP/1.1\r\nHost: h\r\n"));
}

TEST(HeadTest, OfABatchHasTheUrlAsItIs) {
  for (const auto& [url, target] :
       {std::pair("http://h", "/"), std::pair("http://h?x=/y", "/?x=/y"),
        std::pair("http://h/a/?x", "/a/?x")}) {
    const BaseUrl base = *ParseBaseUrl(url);
    std::string head;
    WriteHead(base, base.whole, HeaderFields(), 0, &head);
    EXPECT_THAT(head, StartsWith(std::string("POST ") + target + " HTTP/1.1\r\n")) << url;
  }
}

TEST(BaseUrlTest, RefusesWhatIsNotPlainHttp) {
  for (const char* url : {"", "ftp://h/", "file:///etc/passwd", "gopher://h", "h/path", "//h/path",
                          "http://", "http:///path", "http:/h/path", "http://h:99999/",
                          "http://h h/", "rest://h", "http://h/\r\nX: y", "javascript:alert(1)"}) {
    EXPECT_FALSE(ParseBaseUrl(url).ok()) << url;
  }
  EXPECT_FALSE(ParseBaseUrl(std::string("http://h/\0x", 11)).ok());
}

TEST(BaseUrlTest, RefusesCredentialsWithoutRepeatingThem) {
  for (const char* url : {"http://user:hunter2@h/", "http://user@h/", "http://:hunter2@h/",
                          "http://@h/", "https://hunter2%40x@h/"}) {
    const auto base = ParseBaseUrl(url);
    ASSERT_FALSE(base.ok()) << url;
    EXPECT_THAT(std::string(base.status().message()), HasSubstr("credentials")) << url;
    EXPECT_THAT(std::string(base.status().message()), Not(HasSubstr("hunter2")));
  }
  EXPECT_TRUE(ParseBaseUrl("http://h/path@2x?mail=a@b").ok());
}

TEST(BaseUrlTest, RefusesAFragment) {
  EXPECT_THAT(std::string(ParseBaseUrl("http://h/a#top").status().message()),
              HasSubstr("fragment"));
  EXPECT_FALSE(ParseBaseUrl("http://h/a#").ok());
}

class HeadersTest : public ::testing::Test {
 protected:
  std::vector<std::string> Write() {
    const Parcel parcel{event_, "body", lane_, 42, 3, redelivery_, reordered_, coalesced_};
    HeaderFields fields;
    WriteHeaders(format_, {&parcel, 1}, &fields);
    std::vector<std::string> lines;
    for (size_t i = 0; i < fields.size(); ++i) {
      for (const absl::string_view line : absl::StrSplit(fields[i], "\r\n")) {
        lines.emplace_back(line);
      }
    }
    return lines;
  }
  Event event_;
  Format format_ = Format::kWcs;
  std::string lane_ = "app/name";
  bool redelivery_ = false;
  bool reordered_ = false;
  uint32_t coalesced_ = 0;
};

TEST_F(HeadersTest, SayWhatTheBodyDoesNot) {
  event_.id = {.epoch = 0xabc, .sequence = 7};
  event_.time = absl::FromUnixMillis(1);
  const auto lines = Write();
  EXPECT_THAT(lines, Contains("Accept: application/json, application/*+json"));
  EXPECT_THAT(lines, Contains("Content-Type: application/json;charset=UTF-8"));
  EXPECT_THAT(lines, Contains("Connection: keep-alive"));
  EXPECT_THAT(lines, Contains(StartsWith("User-Agent: Tallybus/")));
  EXPECT_THAT(lines, Contains("webhook-id: 0000000000000abc-7"));
  EXPECT_THAT(lines, Contains("tallybus-time: 1970-01-01T00:00:00.001Z"));
  EXPECT_THAT(lines, Contains("tallybus-lane: app/name"));
  EXPECT_THAT(lines, Contains("tallybus-sequence: 42"));
  EXPECT_THAT(lines, Contains("tallybus-attempt: 3"));
  EXPECT_THAT(lines, Not(Contains(StartsWith("tallybus-redelivery"))));
  EXPECT_THAT(lines, Not(Contains(StartsWith("tallybus-origin"))));
  EXPECT_THAT(lines, Not(Contains(StartsWith("tallybus-reordered"))));
  EXPECT_THAT(lines, Not(Contains(StartsWith("tallybus-coalesced"))));
}

TEST_F(HeadersTest, OfACloudEventDifferInItsTypeAlone) {
  auto plain = Write();
  format_ = Format::kCloudEvents;
  const auto structured = Write();
  std::replace(plain.begin(), plain.end(),
               std::string("Content-Type: application/json;charset=UTF-8"),
               std::string("Content-Type: application/cloudevents+json; charset=utf-8"));
  EXPECT_EQ(structured, plain);
}

TEST_F(HeadersTest, OfABatchNameItsTypeItsIdAndItsSize) {
  format_ = Format::kCloudEventsBatch;
  EXPECT_THAT(Write(), Contains("Content-Type: application/cloudevents-batch+json"));
  EXPECT_THAT(Write(), Contains(StartsWith("webhook-id: batch-")));
  EXPECT_THAT(Write(), Contains("tallybus-batch: 1"));
  EXPECT_THAT(Write(), Not(Contains(StartsWith("tallybus-sequence"))));
}

TEST_F(HeadersTest, SayWhatBecameOfTheOrderAndOfOlderEvents) {
  reordered_ = true;
  coalesced_ = 12;
  const auto lines = Write();
  EXPECT_THAT(lines, Contains("tallybus-reordered: 1"));
  EXPECT_THAT(lines, Contains("tallybus-coalesced: 12"));
}

TEST_F(HeadersTest, MarkRedeliveriesAndWhatTheRouterMade) {
  redelivery_ = true;
  event_.from_router = true;
  const auto lines = Write();
  EXPECT_THAT(lines, Contains("tallybus-redelivery: 1"));
  EXPECT_THAT(lines, Contains("tallybus-origin: router"));
}

TEST_F(HeadersTest, ALaneCannotAddAHeader) {
  lane_ = "app/x\r\nX-Evil: 1";
  for (const std::string& line : Write()) {
    EXPECT_EQ(line.find_first_of("\r\n"), std::string::npos) << line;
    EXPECT_THAT(line, Not(StartsWith("X-Evil")));
  }
}

}  // namespace
}  // namespace tallybus::rest
