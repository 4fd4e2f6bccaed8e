// HTTP/1 answers in one piece and in many, whole and broken.
#include "transports/rest/answer_reader.h"

#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <tuple>

namespace tallybus::rest {
namespace {

using State = AnswerReader::State;

// What came of an answer.
struct Read {
  State state = State::kUnderWay;
  int code = 0;
  bool keeps_connection = false;
  std::string phrase;
  std::string body;
  absl::Duration retry_after;
  Verdict verdict = Verdict::kRetryLater;

  bool operator==(const Read& o) const {
    return std::tie(state, code, keeps_connection, phrase, body, retry_after, verdict) ==
           std::tie(o.state, o.code, o.keeps_connection, o.phrase, o.body, o.retry_after,
                    o.verdict);
  }
  friend void PrintTo(const Read& r, std::ostream* os) {
    *os << "state " << static_cast<int>(r.state) << ", " << r.code << " " << r.phrase << ", body '"
        << r.body << "', keeps " << r.keeps_connection;
  }
};

class AnswerReaderTest : public ::testing::Test {
 protected:
  void Begin() {
    answer_.Begin(/*is_wanted=*/true, /*request_bytes=*/0);
    reader_.Begin();
  }
  State Take(std::string_view bytes) { return reader_.Take(bytes); }
  // What the answer says so far; once only.
  Read Judge(State state) {
    Read read;
    read.state = state;
    if (state != State::kWhole && state != State::kCut) return read;
    auto result = answer_.Judge(reader_.code(), "peer:80", counters_, absl::Now());
    read.code = reader_.code();
    read.keeps_connection = reader_.keeps_connection();
    read.phrase = result.reason;
    read.body = result.answer;
    read.retry_after = result.retry_after;
    read.verdict = result.verdict;
    return read;
  }
  Read ReadWhole(std::string_view bytes) {
    Begin();
    return Judge(Take(bytes));
  }
  // In pieces of this size, as far as the reader wants them.
  Read ReadInPieces(std::string_view bytes, size_t piece) {
    Begin();
    State state = State::kUnderWay;
    for (size_t at = 0; at < bytes.size() && state == State::kUnderWay; at += piece) {
      state = Take(bytes.substr(at, piece));
    }
    return Judge(state);
  }
  Read ReadUntilClosed(std::string_view bytes) {
    Begin();
    State state = Take(bytes);
    if (state == State::kUnderWay) state = reader_.TakeEnd();
    return Judge(state);
  }

  Metrics metrics_;
  const RouteCounters counters_{metrics_, "app/backend"};
  Answer answer_;
  AnswerReader reader_{answer_};
};

constexpr char kSample[] =
    "HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\nLink: </x>\r\n\r\n"
    "HTTP/1.1 503 Busy Today\r\nServer: x\r\nX-Empty:\r\nRETRY-AFTER:  5 \r\n"
    "Webhook-Delivery: enable\r\nContent-Length: 11\r\n\r\nhello world";

constexpr char kChunkedSample[] =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"
    "5\r\nhello\r\n6;name=value\r\n world\r\n0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n";

TEST_F(AnswerReaderTest, ReadsAnAnswerInOnePiece) {
  const Read read = ReadWhole(kSample);
  EXPECT_EQ(read.state, State::kWhole);
  EXPECT_EQ(read.code, 503);
  EXPECT_EQ(read.phrase, "Busy Today");
  EXPECT_EQ(read.body, "hello world");
  EXPECT_EQ(read.retry_after, absl::Seconds(5));
  EXPECT_EQ(read.verdict, Verdict::kRetryLater);
  EXPECT_TRUE(read.keeps_connection);
}

TEST_F(AnswerReaderTest, ReadsTheSameWhereverAnAnswerIsSplit) {
  for (const std::string_view sample : {std::string_view(kSample), {kChunkedSample}}) {
    const Read whole = ReadWhole(sample);
    ASSERT_EQ(whole.state, State::kWhole);
    for (size_t split = 1; split < sample.size(); ++split) {
      Begin();
      ASSERT_EQ(Take(sample.substr(0, split)), State::kUnderWay) << split;
      EXPECT_EQ(Judge(Take(sample.substr(split))), whole) << split;
    }
    for (size_t piece : {1, 2, 3, 7}) EXPECT_EQ(ReadInPieces(sample, piece), whole) << piece;
  }
}

TEST_F(AnswerReaderTest, TakesLinesThatEndInLfAlone) {
  const Read read = ReadWhole("HTTP/1.1 429 Slow\nRetry-After: 4\nContent-Length: 2\n\nhi");
  EXPECT_EQ(read.state, State::kWhole);
  EXPECT_EQ(read.code, 429);
  EXPECT_EQ(read.phrase, "Slow");
  EXPECT_EQ(read.retry_after, absl::Seconds(4));
  EXPECT_EQ(read.body, "hi");
}

TEST_F(AnswerReaderTest, TakesAStatusLineWithoutAPhrase) {
  for (const char* line : {"HTTP/1.1 404\r\n", "HTTP/1.1 404 \r\n", "HTTP/1.1 404\n"}) {
    const Read read = ReadWhole(std::string(line) + "Content-Length: 0\r\n\r\n");
    EXPECT_EQ(read.state, State::kWhole) << line;
    EXPECT_EQ(read.code, 404);
    EXPECT_EQ(read.phrase, "Not Found");
  }
}

TEST_F(AnswerReaderTest, PassesInterimAnswersOver) {
  const std::string final = "HTTP/1.1 202 Taken\r\nContent-Length: 0\r\n\r\n";
  for (const char* interim :
       {"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\nwebhook-delivery: disable\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nX: y\r\n\r\n"}) {
    for (size_t piece : {1, 1000}) {
      const Read read = ReadInPieces(interim + final, piece);
      EXPECT_EQ(read.state, State::kWhole) << interim;
      EXPECT_EQ(read.code, 202);
      EXPECT_EQ(read.phrase, "Taken");
      EXPECT_EQ(read.verdict, Verdict::kDelivered);
      EXPECT_EQ(read.retry_after, absl::ZeroDuration());
      EXPECT_TRUE(read.keeps_connection);
    }
  }
}

TEST_F(AnswerReaderTest, AnInterimAnswerHasNoBodyWhateverItSays) {
  const Read read = ReadWhole(
      "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(read.state, State::kWhole);
  EXPECT_EQ(read.code, 200);
  EXPECT_EQ(read.body, "hi");
}

TEST_F(AnswerReaderTest, ALengthBesideChunksDoesNotCount) {
  const Read read = ReadWhole(kChunkedSample);
  EXPECT_EQ(read.state, State::kWhole);
  EXPECT_EQ(read.body, "hello world");
  EXPECT_EQ(read.phrase, "OK");
}

TEST_F(AnswerReaderTest, EachTrailerCountsAsAField) {
  const std::string chunks = "HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
  EXPECT_EQ(ReadWhole(chunks + "Retry-After: 7\r\n\r\n").retry_after, absl::Seconds(7));
  EXPECT_EQ(ReadWhole(chunks + "Retry-After: 7\r\nX: y\r\n\r\n").retry_after, absl::Seconds(7));
  EXPECT_EQ(ReadWhole(chunks + "\r\n").retry_after, absl::ZeroDuration());
}

TEST_F(AnswerReaderTest, ABodyWithoutLengthEndsWithTheConnection) {
  for (const char* head : {"HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n"}) {
    Begin();
    EXPECT_EQ(Take(std::string(head) + "hello"), State::kUnderWay);
    EXPECT_EQ(Take(" world"), State::kUnderWay);
    const Read read = Judge(reader_.TakeEnd());
    EXPECT_EQ(read.state, State::kWhole) << head;
    EXPECT_EQ(read.code, 200);
    EXPECT_EQ(read.body, "hello world");
    EXPECT_FALSE(read.keeps_connection);
  }
}

TEST_F(AnswerReaderTest, SomeAnswersHaveNoBodyWhateverTheySay) {
  for (const char* answer :
       {"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nContent-Length: 100\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    const Read read = ReadWhole(answer);
    EXPECT_EQ(read.state, State::kWhole) << answer;
    EXPECT_EQ(read.body, "");
    EXPECT_TRUE(read.keeps_connection) << answer;
  }
}

TEST_F(AnswerReaderTest, SaysWhetherTheConnectionMayBeKept) {
  const std::string rest = "Content-Length: 2\r\n\r\nhi";
  EXPECT_TRUE(ReadWhole("HTTP/1.1 200 OK\r\n" + rest).keeps_connection);
  EXPECT_TRUE(ReadWhole("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n" + rest).keeps_connection);
  EXPECT_FALSE(ReadWhole("HTTP/1.1 200 OK\r\nConnection: close\r\n" + rest).keeps_connection);
  EXPECT_FALSE(ReadWhole("HTTP/1.1 200 OK\r\nconnection: x, Close\r\n" + rest).keeps_connection);
  EXPECT_FALSE(ReadWhole("HTTP/1.0 200 OK\r\n" + rest).keeps_connection);
  EXPECT_TRUE(ReadWhole("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + rest).keeps_connection);
}

TEST_F(AnswerReaderTest, WhatFollowsTheAnswerSpoilsTheConnection) {
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
  for (const std::string& more : {std::string("x"), answer, std::string("\r\n")}) {
    const Read read = ReadWhole(answer + more);
    EXPECT_EQ(read.state, State::kWhole) << more;
    EXPECT_EQ(read.body, "hi");
    EXPECT_FALSE(read.keeps_connection) << more;
  }
}

TEST_F(AnswerReaderTest, AnotherProtocolIsBad) {
  EXPECT_EQ(ReadWhole("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                      "Upgrade: websocket\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                .state,
            State::kBad);
}

TEST_F(AnswerReaderTest, AnOfferToUpgradeIsNoMatter) {
  EXPECT_EQ(ReadWhole("HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
                      "Content-Length: 0\r\n\r\n")
                .state,
            State::kWhole);
}

TEST_F(AnswerReaderTest, WhatIsNotHttp1IsBad) {
  const std::string settings_frame("\0\0\x12\x04\0\0\0\0\0", 9);
  for (const std::string& bytes :
       {std::string("<html>HTTP/0.9 style</html>"), settings_frame,
        std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), std::string("HTTP/2 200 OK\r\n\r\n"),
        std::string("SSH-2.0-OpenSSH_9.2\r\n"), std::string("\0\xff\0\xff", 4),
        std::string("POST / HTTP/1.1\r\nHost: x\r\n\r\n"), std::string("HTTP/1.1 abc\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")}) {
    EXPECT_EQ(ReadWhole(bytes).state, State::kBad) << bytes;
    EXPECT_EQ(ReadInPieces(bytes, 1).state, State::kBad) << bytes;
  }
}

// The peer has done what the status says, and would do it again if it were asked again.
TEST_F(AnswerReaderTest, AFieldThatIsNoneLeavesTheStatus) {
  for (const std::string field :
       {"Content-Length: many", "Content-Length: 2\r\nContent-Length: 2", "Content-Length: 2, 2",
        "Content-Length: 2\r\nTransfer-Encoding: identity", "X(A): b", "no colon"}) {
    const std::string bytes = "HTTP/1.1 403 No\r\nServer: x\r\n" + field + "\r\n\r\nhi";
    for (const Read& read : {ReadWhole(bytes), ReadInPieces(bytes, 1), ReadInPieces(bytes, 9)}) {
      EXPECT_EQ(read.state, State::kWhole) << field;
      EXPECT_EQ(read.code, 403) << field;
      EXPECT_EQ(read.phrase, "No");
      EXPECT_EQ(read.verdict, Verdict::kHold);
      EXPECT_FALSE(read.keeps_connection) << field;
    }
  }
  EXPECT_EQ(ReadWhole("HTTP/1.1 200 OK\r\nX-A: \x01\xff\r\nContent-Length: 2\r\n\r\nhi").body,
            "hi");
}

TEST_F(AnswerReaderTest, AHeadOfMoreThan80KiBIsBad) {
  constexpr size_t kMost = 80 << 10;
  const std::string line = "X-Filler: " + std::string(1000, 'x') + "\r\n";
  for (size_t piece : {size_t{100}, size_t{16384}}) {
    Begin();
    ASSERT_EQ(Take("HTTP/1.1 200 OK\r\n"), State::kUnderWay);
    State state = State::kUnderWay;
    size_t sent = 0;
    std::string lines;
    while (lines.size() < 2 * kMost) lines += line;
    for (; sent < lines.size() && state == State::kUnderWay; sent += piece) {
      state = Take(std::string_view(lines).substr(sent, piece));
    }
    EXPECT_EQ(state, State::kBad);
    EXPECT_LE(sent, kMost + piece);
  }
}

TEST_F(AnswerReaderTest, ALongFieldIsReadPast) {
  const Read read =
      ReadWhole("HTTP/1.1 503 " + std::string(2000, 'p') + "\r\n" + std::string(2000, 'n') + ": " +
                std::string(2000, 'v') + "\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(read.state, State::kWhole);
  EXPECT_EQ(read.retry_after, absl::Seconds(3));
  EXPECT_EQ(read.phrase, std::string(256, 'p'));
}

TEST_F(AnswerReaderTest, AnAnswerThatIsTooLongIsCut) {
  Begin();
  ASSERT_EQ(Take("HTTP/1.1 400 Bad\r\nContent-Length: 1000000\r\n\r\n"), State::kUnderWay);
  ASSERT_EQ(Take(std::string(kMaxAnswerBytes, 'x')), State::kUnderWay);
  const Read read = Judge(Take("x"));
  EXPECT_EQ(read.state, State::kCut);
  EXPECT_EQ(read.code, 400);
  EXPECT_FALSE(read.keeps_connection);
  EXPECT_EQ(read.body.size(), kMaxAnswerBytes);
}

TEST_F(AnswerReaderTest, AnEndThatComesTooEarlyIsBad) {
  Begin();
  EXPECT_FALSE(reader_.has_begun());
  EXPECT_EQ(reader_.TakeEnd(), State::kBad);
  for (const std::string_view sample : {std::string_view(kSample), {kChunkedSample}}) {
    for (size_t end = 1; end < sample.size(); ++end) {
      EXPECT_EQ(ReadUntilClosed(sample.substr(0, end)).state, State::kBad) << end;
      EXPECT_TRUE(reader_.has_begun());
    }
  }
}

TEST_F(AnswerReaderTest, IsUsedAgainWhateverBecameOfTheOneBefore) {
  for (const char* before :
       {kSample, kChunkedSample, "garbage", "HTTP/1.1 200 OK\r\nRetry-Aft",
        "HTTP/1.1 200 OK\r\nRetry-After: 7\r\nContent-Length: 5\r\n\r\nhel",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"}) {
    ReadUntilClosed(before);
    Begin();
    EXPECT_FALSE(reader_.has_begun());
    EXPECT_FALSE(reader_.keeps_connection());
    const Read read = Judge(Take("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi"));
    EXPECT_EQ(read.state, State::kWhole) << before;
    EXPECT_EQ(read.phrase, "OK");
    EXPECT_EQ(read.body, "hi");
    EXPECT_EQ(read.retry_after, absl::ZeroDuration());
    EXPECT_TRUE(read.keeps_connection);
  }
}

}  // namespace
}  // namespace tallybus::rest
