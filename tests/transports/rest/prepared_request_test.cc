// What one attempt sends, put together.
#include "transports/rest/prepared_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/event_builder.h"
#include "tests/support/manual_clock.h"

namespace tallybus::rest {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class PreparedRequestTest : public ::testing::Test {
 protected:
  PreparedRequestTest() { endpoint.url = "http://h:81/apps/EchoApp?x=1"; }
  Delivery Of(bool is_call = false) {
    return {.ticket = Ticket(1),
            .parcels = {&parcel, 1},
            .endpoint = endpoint,
            .deadline = {},
            .want_answer = false,
            .is_call = is_call};
  }
  std::string Text(bool is_call = false) {
    const AttemptText text = TellRequest(Of(is_call), clock).value_or(AttemptText());
    return text.head + "\r\n" + text.body;
  }

  testing::ManualClock clock;
  Endpoint endpoint;
  const Event event = testing::StatusEvent("cam", "PUBLISHING");
  Parcel parcel = {.event = event,
                   .body = event.json,
                   .lane = "defaultApp/cam",
                   .lane_sequence = 7,
                   .attempt = 1,
                   .redelivery = false,
                   .reordered = false,
                   .coalesced = 0};
};

TEST_F(PreparedRequestTest, IsTheWholeRequestAsText) {
  const std::string text = Text();
  EXPECT_THAT(text, StartsWith("POST /apps/EchoApp/StreamStatusEvent?x=1 HTTP/1.1\r\n"
                               "Host: h:81\r\n"));
  EXPECT_THAT(text, HasSubstr("tallybus-sequence: 7\r\n"));
  EXPECT_THAT(text, EndsWith("\r\n\r\n" + event.json));
}

TEST_F(PreparedRequestTest, AFormatChangesPathAndBodyButNotThoseOfACall) {
  endpoint.options["format"] = "json-array";
  EXPECT_THAT(Text(), StartsWith("POST /apps/EchoApp?x=1 HTTP/1.1\r\n"));
  EXPECT_THAT(Text(), HasSubstr("\r\n\r\n[{"));
  EXPECT_THAT(Text(/*is_call=*/true), EndsWith("\r\n\r\n" + event.json));
}

TEST_F(PreparedRequestTest, CredentialsAndTheEncodingComeLast) {
  endpoint.options["bearer_token"] = "t0p";
  endpoint.options["compress.over"] = "10";
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("Authorization: Bearer t0p\r\n"));
  EXPECT_THAT(text, HasSubstr("Content-Encoding: gzip\r\n"));
  EXPECT_THAT(text, EndsWith("\r\n\r\n" + event.json));
  const std::string note = TellRequest(Of(), clock)->note;
  EXPECT_THAT(note, StartsWith("before gzip; "));
  const std::string sent = note.substr(13, note.find(' ', 13) - 13);
  EXPECT_THAT(text, HasSubstr("Content-Length: " + sent + "\r\n"));
}

TEST_F(PreparedRequestTest, SaysWhetherItGoesElsewhereThanTheOneBefore) {
  const EndpointSettings settings = ReadSettings(endpoint).value();
  PreparedRequest request(settings);
  EXPECT_TRUE(request.Prepare(settings, Of(), clock));
  EXPECT_FALSE(request.Prepare(settings, Of(), clock));
  EXPECT_EQ(request.url, "http://h:81/apps/EchoApp/StreamStatusEvent?x=1");
}

TEST_F(PreparedRequestTest, AnEndpointThatCannotWorkIsRefused) {
  endpoint.url = "ftp://h/";
  EXPECT_EQ(TellRequest(Of(), clock).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tallybus::rest
