// The keys that an app and a route have in common, each read in both places.
#include "tallybusd/config/sending_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "load_text.h"

namespace tallybus::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// Where a line of a test comes to stand, and what reads it there.
struct Place {
  const char* name;
  const char* head;  // two lines
  const char* path;
  absl::StatusOr<Sending> (*sending)(const absl::StatusOr<Config>& config);
};

const Place kPlaces[] = {
    {"app", "apps:\n  a:\n    ", "apps.a",
     [](const absl::StatusOr<Config>& config) -> absl::StatusOr<Sending> {
       if (!config.ok()) return config.status();
       return config->apps.at("a");
     }},
    {"route", "routes:\n  - {name: r, endpoints: [http://h/], ", "routes[0]",
     [](const absl::StatusOr<Config>& config) -> absl::StatusOr<Sending> {
       if (!config.ok()) return config.status();
       return config->routes.at(0);
     }},
};

class SendingKeysTest : public testing::TestWithParam<Place> {
 protected:
  absl::StatusOr<Sending> LoadSending(const std::string& line) {
    const bool flow = std::string(GetParam().name) == "route";
    return GetParam().sending(LoadText(GetParam().head + line + (flow ? "}" : "")));
  }
  // What is wrong, without its place and its path, which must both lead it.
  std::string WrongWith(const std::string& line) {
    const std::string error(LoadSending(line).status().message());
    const std::string path = std::string(": ") + GetParam().path + ".";
    const size_t at = error.find(path);
    EXPECT_TRUE(at != std::string::npos && error.starts_with("t.yaml:")) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    return at == std::string::npos ? error : error.substr(at + path.size());
  }
};

INSTANTIATE_TEST_SUITE_P(Places, SendingKeysTest, testing::ValuesIn(kPlaces),
                         [](const auto& place) { return std::string(place.param.name); });

TEST_P(SendingKeysTest, DefaultsAreTheSame) {
  absl::StatusOr<Sending> sending = LoadSending("timeout: 10s");
  ASSERT_TRUE(sending.ok()) << sending.status();
  EXPECT_EQ(sending->retry, Retry::kLive);
  EXPECT_THAT(sending->retry_delays, IsEmpty());
  EXPECT_EQ(sending->max_connections, 128);
  EXPECT_FALSE(sending->strict_success);
  EXPECT_EQ(sending->network, Network::kPrivate);
  EXPECT_EQ(sending->cert_file, "");
  EXPECT_EQ(sending->key_file, "");
  EXPECT_TRUE(sending->http2);
  EXPECT_FALSE(sending->quota);
  EXPECT_EQ(sending->when_full, WhenFull::kShed);
  EXPECT_EQ(sending->on_head_failure, OnHeadFailure::kBlock);
  EXPECT_FALSE(sending->coalesce);
}

TEST_P(SendingKeysTest, DeliveryIsOneOfTwoWords) {
  EXPECT_EQ(LoadSending("delivery: notify")->delivery, Delivery::kNotify);
  EXPECT_EQ(LoadSending("delivery: guaranteed")->delivery, Delivery::kGuaranteed);
  EXPECT_EQ(WrongWith("delivery: guarantee"),
            "delivery: unknown word; did you mean \"guaranteed\"?");
}

TEST_P(SendingKeysTest, RetryIsAScheduleByNameOrAListOfDelays) {
  EXPECT_EQ(LoadSending("retry: live")->retry, Retry::kLive);
  EXPECT_EQ(LoadSending("retry: standard")->retry, Retry::kStandard);
  EXPECT_EQ(LoadSending("retry: none")->retry, Retry::kNone);
  absl::StatusOr<Sending> listed = LoadSending("retry: [10ms, 5s, 72h]");
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_EQ(listed->retry, Retry::kList);
  EXPECT_THAT(listed->retry_delays,
              ElementsAre(absl::Milliseconds(10), absl::Seconds(5), absl::Hours(72)));
}

TEST_P(SendingKeysTest, RetryRefusesWhatIsNoSchedule) {
  EXPECT_EQ(WrongWith("retry: standart"), "retry: unknown word; did you mean \"standard\"?");
  EXPECT_EQ(WrongWith("retry: []"), "retry: lists no delay; `none` gives up at the first failure");
  EXPECT_EQ(WrongWith("retry: [1s, 5]"), "retry[1]: has no unit; did you mean 5s or 5ms?");
  EXPECT_EQ(WrongWith("retry: [0]"), "retry[0]: must be from 10ms to 3d");
  EXPECT_EQ(WrongWith("retry: [73h]"), "retry[0]: must be from 10ms to 3d");
  EXPECT_EQ(WrongWith("retry: [live]"),
            "retry[0]: needs a whole number and its unit (ms, s, m, h, d), such as 10s");
  EXPECT_EQ(WrongWith("retry: {first: 1s}"), "retry: must be text, not a mapping");
  std::string delays = "1s";
  for (int i = 1; i < 64; ++i) delays += ", 1s";
  EXPECT_EQ(LoadSending("retry: [" + delays + "]")->retry_delays.size(), 64u);
  EXPECT_EQ(WrongWith("retry: [" + delays + ", 1s]"), "retry: lists more than 64 delays");
}

TEST_P(SendingKeysTest, NoRetryGoesWithGuaranteedAndCoalescingWithSkipping) {
  EXPECT_TRUE(LoadSending("tls: {}").ok());
  const std::string separator = std::string(GetParam().name) == "route" ? ", " : "\n    ";
  EXPECT_TRUE(LoadSending("retry: none" + separator + "delivery: guaranteed").ok());
  EXPECT_TRUE(LoadSending("coalesce: true" + separator + "on_head_failure: skip").ok());
}

TEST_P(SendingKeysTest, AFormatOfSeveralEventsHasABatch) {
  EXPECT_EQ(LoadSending("format: wcs")->format, Format::kWcs);
  EXPECT_FALSE(LoadSending("format: wcs")->Batches());
  const auto sending = LoadSending("format: json-array");
  ASSERT_TRUE(sending.ok()) << sending.status();
  EXPECT_TRUE(sending->Batches());
  EXPECT_EQ(sending->batch.max_events, 1000);
  EXPECT_EQ(sending->batch.max_bytes, 1 << 20);
  EXPECT_EQ(sending->batch.max_wait, absl::Milliseconds(10));
  const std::string separator = std::string(GetParam().name) == "route" ? ", " : "\n    ";
  const std::string ndjson = "format: ndjson" + separator;
  EXPECT_EQ(LoadSending(ndjson + "batch: {max_events: 7}")->batch.max_events, 7);
  EXPECT_EQ(WrongWith(ndjson + "batch: {max_events: 0}"),
            "batch.max_events: must be from 1 to 10000");
  EXPECT_EQ(WrongWith(ndjson + "batch: {max_wait: 5}"),
            "batch.max_wait: has no unit; did you mean 5s or 5ms?");
  EXPECT_EQ(WrongWith(ndjson + "batch: {most: 5}"),
            "batch.most: unknown key; known: max_events, max_bytes, max_wait");
  EXPECT_EQ(WrongWith("format: xml"),
            "format: unknown word; known: wcs, json-array, ndjson, cloudevents, "
            "cloudevents-batch");
}

TEST_P(SendingKeysTest, CloudEventsComeAloneOrInABatch) {
  EXPECT_EQ(LoadSending("format: cloudevents")->format, Format::kCloudEvents);
  EXPECT_FALSE(LoadSending("format: cloudevents")->Batches());
  EXPECT_EQ(LoadSending("format: cloudevents-batch")->format, Format::kCloudEventsBatch);
  EXPECT_TRUE(LoadSending("format: cloudevents-batch")->Batches());
  for (const char* word : {"wcs", "json-array", "ndjson", "cloudevents", "cloudevents-batch"}) {
    EXPECT_EQ(FormatWord(LoadSending(std::string("format: ") + word)->format), word);
  }
}

TEST_P(SendingKeysTest, CompressionBeginsOverASize) {
  EXPECT_EQ(LoadSending("coalesce: false")->compress_over, std::nullopt);
  EXPECT_EQ(LoadSending("compress: {over: 8KiB}")->compress_over, 8192);
  EXPECT_EQ(WrongWith("compress: {over: 8}"),
            "compress.over: has no unit; did you mean 8MiB or 8B?");
  EXPECT_EQ(WrongWith("compress: {above: 8KiB}"), "compress.above: unknown key; known: over");
}

TEST_P(SendingKeysTest, WhatNeedsAnotherFormatIsRefused) {
  EXPECT_EQ(WrongWith("batch: {max_events: 7}"),
            "batch: needs a format that holds several events: json-array, ndjson or "
            "cloudevents-batch");
  const std::string separator = std::string(GetParam().name) == "route" ? ", " : "\n    ";
  EXPECT_EQ(WrongWith("format: ndjson" + separator + "batch: {max_wait: 10s}"),
            "batch: max_wait must be shorter than the timeout of 10s");
  EXPECT_THAT(WrongWith("format: ndjson" + separator + "on_head_failure: skip"),
              ::testing::StartsWith("on_head_failure: `skip` lets later events pass one"));
}

TEST_P(SendingKeysTest, LimitsKeepToTheirBounds) {
  EXPECT_EQ(WrongWith("timeout: 10"), "timeout: has no unit; did you mean 10s or 10ms?");
  EXPECT_EQ(WrongWith("timeout: 11m"), "timeout: must be from 100ms to 10m");
  EXPECT_EQ(WrongWith("timeout: 0"), "timeout: must be from 100ms to 10m");
  EXPECT_EQ(WrongWith("max_connections: 0"), "max_connections: must be from 1 to 10000");
  EXPECT_EQ(LoadSending("max_connections: 10000")->max_connections, 10000);
  EXPECT_TRUE(LoadSending("success: 200")->strict_success);
  EXPECT_EQ(WrongWith("success: 201"), "success: unknown word; did you mean \"200\"?");
  EXPECT_EQ(LoadSending("network: public")->network, Network::kPublic);
}

TEST_P(SendingKeysTest, AllowedNetworksAreAddressesWithAPrefix) {
  EXPECT_THAT(
      LoadSending("allow_cidrs: [0.0.0.0/0, 10.1.2.3/32, '::/0', 'fe80::1/128']")->allow_cidrs,
      ElementsAre("0.0.0.0/0", "10.1.2.3/32", "::/0", "fe80::1/128"));
  for (const char* cidr : {"10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "10/8", "'::/129'", "x/8",
                           "10.0.0.0/+8", "10.0.0.0/-1"}) {
    EXPECT_THAT(WrongWith(std::string("allow_cidrs: [") + cidr + "]"),
                StartsWith("allow_cidrs[0]: must be an address and a prefix"))
        << cidr;
  }
}

TEST_P(SendingKeysTest, FilesOfTlsAreKeptWithTheirPlaces) {
  absl::StatusOr<Sending> sending =
      LoadSending("tls: {ca_file: /ca.pem, cert_file: /c.pem, key_file: /k.pem, http2: false}");
  ASSERT_TRUE(sending.ok()) << sending.status();
  EXPECT_EQ(sending->ca_file, "/ca.pem");
  EXPECT_EQ(sending->cert_file, "/c.pem");
  EXPECT_EQ(sending->key_file, "/k.pem");
  EXPECT_FALSE(sending->http2);
  EXPECT_THAT(sending->ca_file_where, HasSubstr(std::string(GetParam().path) + ".tls.ca_file"));
  EXPECT_THAT(sending->cert_file_where, HasSubstr(".tls.cert_file"));
  EXPECT_THAT(sending->key_file_where, HasSubstr(".tls.key_file"));
}

TEST_P(SendingKeysTest, CertificateAndItsKeyNeedEachOther) {
  EXPECT_EQ(WrongWith("tls: {cert_file: /c.pem}"), "tls: cert_file needs its key_file beside it");
  EXPECT_EQ(WrongWith("tls: {key_file: /k.pem, cert_file: ''}"),
            "tls: key_file needs its cert_file beside it");
  EXPECT_EQ(WrongWith("tls: {cert: /c.pem}"),
            "tls.cert: unknown key; known: ca_file, cert_file, key_file, http2");
  EXPECT_EQ(WrongWith("tls: {pin: x}"), "tls.pin: not in this version yet");
}

TEST_P(SendingKeysTest, QuotaIsAShareAPercentageOrASize) {
  EXPECT_FALSE(LoadSending("quota: share")->quota);
  const Quota percent = *LoadSending("quota: 25%")->quota;
  EXPECT_EQ(percent.percent, 25);
  EXPECT_EQ(percent.Of(1000), 250);
  EXPECT_EQ(percent.Of(int64_t{1} << 40), int64_t{1} << 38);
  const Quota size = *LoadSending("quota: 64KiB")->quota;
  EXPECT_EQ(size.percent, 0);
  EXPECT_EQ(size.Of(1000), 65536);
  EXPECT_EQ(LoadSending("quota: 100%")->quota->percent, 100);
}

TEST_P(SendingKeysTest, QuotaRefusesWhatIsNoPartOfTheSpool) {
  for (const char* quota : {"0%", "101%", "99999999999999999999%"}) {
    EXPECT_EQ(WrongWith(std::string("quota: ") + quota), "quota: must be from 1% to 100%") << quota;
  }
  EXPECT_EQ(WrongWith("quota: 25"), "quota: has no unit; did you mean 25% or 25MiB?");
  EXPECT_EQ(WrongWith("quota: 500"), "quota: has no unit; did you mean 500MiB or 500B?");
  EXPECT_EQ(WrongWith("quota: 0"), "quota: must be from 64KiB to 1TiB");
  EXPECT_EQ(WrongWith("quota: 1KiB"), "quota: must be from 64KiB to 1TiB");
  for (const char* quota : {"half", "-5%", "2.5%", "25%%", "'%'", "25 %", "''", "-1MiB"}) {
    EXPECT_EQ(WrongWith(std::string("quota: ") + quota),
              "quota: needs a size, such as 64MiB, or a percentage of the spool, such as 25%")
        << quota;
  }
  EXPECT_EQ(WrongWith("quota: [1%]"), "quota: must be text, not a list");
}

TEST_P(SendingKeysTest, WhatHappensInTroubleIsAWord) {
  EXPECT_EQ(LoadSending("when_full: block")->when_full, WhenFull::kBlock);
  EXPECT_EQ(LoadSending("when_full: shed")->when_full, WhenFull::kShed);
  EXPECT_EQ(WrongWith("when_full: drop"), "when_full: unknown word; known: shed, block");
  EXPECT_EQ(LoadSending("on_head_failure: skip")->on_head_failure, OnHeadFailure::kSkip);
  EXPECT_EQ(LoadSending("on_head_failure: block")->on_head_failure, OnHeadFailure::kBlock);
  EXPECT_EQ(WrongWith("on_head_failure: skipp"),
            "on_head_failure: unknown word; did you mean \"skip\"?");
  EXPECT_TRUE(LoadSending("coalesce: true")->coalesce);
  EXPECT_FALSE(LoadSending("coalesce: false")->coalesce);
  EXPECT_EQ(WrongWith("coalesce: yes"), "coalesce: unknown word; known: true, false");
}

TEST_P(SendingKeysTest, UnknownKeyGetsTheNearestOfBothTables) {
  EXPECT_EQ(WrongWith("timeot: 3s"), "timeot: unknown key; did you mean \"timeout\"?");
  EXPECT_EQ(WrongWith("quotta: 1%"), "quotta: unknown key; did you mean \"quota\"?");
  EXPECT_EQ(WrongWith("hold: true"), "hold: not in this version yet");
}

}  // namespace
}  // namespace tallybus::config
