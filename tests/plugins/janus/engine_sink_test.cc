// What reaches the engine library. Its functions are replaced here by ones that write down.
#include "engine_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

struct Call {
  std::string name;
  std::string session_id;
  std::string text;  // the JSON, or the stream's status, id, name and provider
  uint32_t flags = 0;
  int64_t time = 0;
};
std::vector<Call> calls;
tallybus_answer_fn asked = nullptr;  // who waits for an answer, and its user
void* asked_user = nullptr;
tallybus_status ask_status = TALLYBUS_OK;

std::string Text(tallybus_bytes bytes) { return {bytes.data, bytes.size}; }

}  // namespace

extern "C" {

tallybus_status tallybus_session_open(tallybus_publisher* /*publisher*/,
                                      const tallybus_session* session) {
  calls.push_back({"open", Text(session->session_id), "", 0, 0});
  return TALLYBUS_OK;
}

tallybus_status tallybus_session_close(tallybus_publisher* /*publisher*/,
                                       tallybus_bytes session_id) {
  calls.push_back({"close", Text(session_id), "", 0, 0});
  return TALLYBUS_OK;
}

tallybus_status tallybus_publish_stream_status(tallybus_publisher* /*publisher*/,
                                               const tallybus_stream_status* event) {
  calls.push_back({"stream", Text(event->session_id),
                   Text(event->status) + " " + Text(event->media_session_id) + " " +
                       Text(event->name) + " " + Text(event->media_provider) + " " +
                       Text(event->info) + " " + std::to_string(event->bitrate) +
                       (event->published ? " published" : "") + (event->has_video ? " video" : "") +
                       (event->has_audio ? " audio" : ""),
                   0, event->time_unix_us});
  return TALLYBUS_FULL;
}

tallybus_status tallybus_publish_json(tallybus_publisher* /*publisher*/,
                                      const tallybus_json_event* event) {
  calls.push_back({Text(event->method), Text(event->session_id), Text(event->json), event->flags,
                   event->time_unix_us});
  return TALLYBUS_OK;
}

tallybus_status tallybus_ask(tallybus_publisher* /*publisher*/, const tallybus_json_event* event,
                             tallybus_answer_fn answer, void* user) {
  calls.push_back({"ask " + Text(event->method) + " of " + Text(event->app_key),
                   Text(event->session_id), Text(event->json), event->flags, event->time_unix_us});
  asked = answer;
  asked_user = user;
  return ask_status;
}

}  // extern "C"

namespace tallybus::janus {
namespace {

Call Published(const WcsEvent& event, tallybus_status expected = TALLYBUS_OK) {
  calls.clear();
  EngineSink sink(nullptr, "node-1", "live");
  EXPECT_EQ(sink.Publish(event), expected);
  return calls.at(0);
}

WcsEvent Connection(const char* status, const char* info) {
  WcsEvent event;
  event.kind = WcsEvent::Kind::kConnectionStatus;
  event.session_id = "101";
  event.status = status;
  event.info = info;
  event.time_unix_us = 7;
  return event;
}

TEST(EngineSinkTest, AConnectionStatusNamesNodeAppAndSession) {
  const Call call = Published(Connection("ESTABLISHED", ""));
  EXPECT_EQ(call.name, "ConnectionStatusEvent");
  EXPECT_EQ(call.session_id, "101");
  EXPECT_EQ(call.text,
            R"({"nodeId":"node-1","appKey":"live","sessionId":"101","status":"ESTABLISHED"})");
  EXPECT_EQ(call.flags, 0U);
  EXPECT_EQ(call.time, 7);
}

TEST(EngineSinkTest, ADisconnectionIsTerminalAndSaysWhy) {
  const Call call = Published(Connection("DISCONNECTED", "session timed out"));
  EXPECT_EQ(call.flags, static_cast<uint32_t>(TALLYBUS_TERMINAL));
  EXPECT_THAT(call.text, ::testing::EndsWith(R"("info":"session timed out"})"));
}

TEST(EngineSinkTest, AStreamStatusCarriesEveryFieldAndTheLibrarysAnswerComesBack) {
  WcsEvent event;
  event.session_id = "101";
  event.media_session_id = "101-201";
  event.name = "1234/cam-1";
  event.status = "UNPUBLISHED";
  event.info = "kicked";
  event.bitrate = 800;
  event.published = event.has_audio = true;
  const Call call = Published(event, TALLYBUS_FULL);
  EXPECT_EQ(call.text, "UNPUBLISHED 101-201 1234/cam-1 WebRTC kicked 800 published audio");
}

TEST(EngineSinkTest, SessionsAreOpenedAndClosedByTheirId) {
  WcsEvent event;
  event.session_id = "101";
  event.kind = WcsEvent::Kind::kOpenSession;
  EXPECT_EQ(Published(event).name, "open");
  event.kind = WcsEvent::Kind::kCloseSession;
  EXPECT_EQ(Published(event).name, "close");
}

class RecordingAdmin : public Admin {
 public:
  void EndSession(std::string session_id) override { ended.push_back(session_id); }
  void HangUp(std::string, std::string) override { ended.emplace_back("a handle"); }
  std::vector<std::string> ended;
};

// An answer that is not given leaks, and one that is given twice is freed twice: the sanitizers see
// to both.
class ConnectTest : public ::testing::Test {
 protected:
  ConnectTest() {
    calls.clear();
    ask_status = TALLYBUS_OK;
    open_.kind = WcsEvent::Kind::kOpenSession;
    open_.session_id = "101";
    open_.transport = "janus.transport.http";
    open_.time_unix_us = 7;
  }
  void Answer(tallybus_status status, const std::string& reason = "") {
    ASSERT_EQ(sink_.Publish(open_), TALLYBUS_OK);
    tallybus_answer answer = {};
    answer.struct_size = sizeof(answer);
    answer.status = status;
    answer.reason = {reason.data(), reason.size()};
    asked(asked_user, &answer);
  }

  std::vector<std::string> lines_;
  LimitedLog log_{[this](tallybus_log_level, const std::string& line) { lines_.push_back(line); },
                  [] { return int64_t{0}; }};
  RecordingAdmin admin_;
  Verdicts verdicts_{&admin_, log_};
  EngineSink sink_{nullptr, "node-1", "live", &verdicts_};
  WcsEvent open_;
};

TEST_F(ConnectTest, ASessionIsAskedAboutInsteadOfOpened) {
  Answer(TALLYBUS_OK);
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].name, "ask connect of live");
  EXPECT_EQ(calls[0].session_id, "101");
  EXPECT_EQ(calls[0].time, 7);
  EXPECT_EQ(
      calls[0].text,
      R"({"nodeId":"node-1","appKey":"live","sessionId":"101","transport":"janus.transport.http"})");
  EXPECT_THAT(admin_.ended, ::testing::IsEmpty());
}

TEST_F(ConnectTest, ADeclinedSessionIsEndedWithItsReasonInTheLog) {
  Answer(TALLYBUS_REFUSED, "no such user");
  EXPECT_THAT(admin_.ended, ::testing::ElementsAre("101"));
  EXPECT_THAT(lines_, ::testing::ElementsAre(::testing::HasSubstr("no such user")));
}

TEST_F(ConnectTest, ASessionThatNobodyAnswersForIsEnded) {
  Answer(TALLYBUS_TIMEOUT, "no answer in time");
  EXPECT_THAT(admin_.ended, ::testing::ElementsAre("101"));
}

TEST_F(ConnectTest, TheEndOfThePublisherEndsNoSession) {
  Answer(TALLYBUS_CLOSED, "the publisher closes");
  EXPECT_THAT(admin_.ended, ::testing::IsEmpty());
  EXPECT_THAT(lines_, ::testing::IsEmpty());
}

TEST_F(ConnectTest, AFullRingComesBackAndTheQuestionIsAskedLater) {
  Outbox outbox(sink_);
  ask_status = TALLYBUS_FULL;
  outbox.Put({open_});
  EXPECT_EQ(outbox.kept(), 1U);
  EXPECT_THAT(admin_.ended, ::testing::IsEmpty());
  ask_status = TALLYBUS_OK;
  outbox.Put({});
  EXPECT_EQ(outbox.kept(), 0U);
  const tallybus_answer refused = {sizeof(refused), TALLYBUS_REFUSED, {}, {}};
  asked(asked_user, &refused);
  EXPECT_THAT(admin_.ended, ::testing::ElementsAre("101"));
}

TEST_F(ConnectTest, ASessionThatCannotBeAskedAboutIsEnded) {
  Outbox outbox(sink_);
  ask_status = TALLYBUS_INVALID;
  outbox.Put({open_});
  WcsEvent surplus;
  surplus.kind = WcsEvent::Kind::kSurplusSession;
  surplus.session_id = "102";
  outbox.Put({surplus});
  EXPECT_THAT(admin_.ended, ::testing::ElementsAre("101", "102"));
}

TEST_F(ConnectTest, WithoutConnectNothingThatIsLostEndsASession) {
  EngineSink sink(nullptr, "node-1", "live");
  sink.Lose(open_);
  EXPECT_EQ(sink.Publish(open_), TALLYBUS_OK);
  EXPECT_EQ(calls.at(0).name, "open");
  EXPECT_THAT(admin_.ended, ::testing::IsEmpty());
}

}  // namespace
}  // namespace tallybus::janus
