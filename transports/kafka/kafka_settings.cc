// Reading of an endpoint, and what librdkafka is told of it.
#include "transports/kafka/kafka_settings.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/time/time.h>

#include <algorithm>
#include <string_view>

#include "transports/parts/options.h"

namespace tallybus::kafka {
namespace {

constexpr char kTopic[] = "topic";
constexpr char kUser[] = "user";
constexpr char kPassword[] = "password";
constexpr char kMechanism[] = "mechanism";
constexpr char kCaFile[] = "tls.ca_file";
constexpr size_t kLongestTopic = 249;  // Kafka's own
constexpr size_t kMostMessageBytes =
    2 * kMaxEventBytes;  // with its headers; the broker has its own

bool IsTopic(std::string_view text) {
  return !text.empty() && text.size() <= kLongestTopic && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' ||
                  c == '-';
         });
}

// <kafka or kafkas>://<host>:<port>[,<host>:<port>...]
absl::StatusOr<std::string> BrokersOf(const std::string& url, bool* tls) {
  const absl::Status wrong = absl::InvalidArgumentError(
      "url: must be kafka://host:port or kafkas://host:port, with more of host:port after commas");
  const size_t scheme = url.find("://");
  if (scheme == url.npos) return wrong;
  *tls = url.substr(0, scheme) == "kafkas";
  if (!*tls && url.substr(0, scheme) != "kafka") return wrong;
  const std::string brokers = url.substr(scheme + 3);
  if (brokers.find('@') != brokers.npos) {
    return absl::InvalidArgumentError("url: credentials do not belong in it, they are options");
  }
  const bool has_empty = brokers.empty() || brokers.front() == ',' || brokers.front() == ':' ||
                         brokers.back() == ',' || brokers.find(",,") != brokers.npos;
  if (has_empty || brokers.find_first_of("/?# ") != brokers.npos) return wrong;
  return brokers;
}

absl::Status ReadCredentials(const Endpoint& endpoint, bool tls, KafkaSettings* settings) {
  const std::string user = parts::TextOption(endpoint, kUser);
  const std::string password = parts::TextOption(endpoint, kPassword);
  const std::string mechanism = parts::TextOption(endpoint, kMechanism, "PLAIN");
  if (user.empty() != password.empty()) {
    return parts::WrongOption(kUser, "needs password, and password needs user");
  }
  if (mechanism != "PLAIN" && mechanism != "SCRAM-SHA-256" && mechanism != "SCRAM-SHA-512") {
    return parts::WrongOption(kMechanism, "must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512");
  }
  auto& properties = settings->properties;
  properties.emplace_back("security.protocol", user.empty()
                                                   ? (tls ? "ssl" : "plaintext")
                                                   : (tls ? "sasl_ssl" : "sasl_plaintext"));
  if (user.empty()) return absl::OkStatus();
  properties.emplace_back("sasl.mechanism", mechanism);
  properties.emplace_back("sasl.username", user);
  properties.emplace_back("sasl.password", password);
  return absl::OkStatus();
}

}  // namespace

std::vector<OptionSpec> KafkaOptions() {
  return {
      {kTopic, "topic of all events (tallybus)", OptionType::kText},
      {kUser, "name to connect under, by SASL", OptionType::kText},
      {kPassword, "password of the user", OptionType::kSecret},
      {kMechanism, "how SASL proves it: PLAIN (default), SCRAM-SHA-256 or SCRAM-SHA-512",
       OptionType::kText},
      {kCaFile, "PEM file of the authorities to trust instead of the system's; asks for TLS",
       OptionType::kText},
  };
}

absl::StatusOr<KafkaSettings> ReadSettings(const Endpoint& endpoint) {
  bool tls = false;
  const auto brokers = BrokersOf(endpoint.url, &tls);
  if (!brokers.ok()) return brokers.status();
  KafkaSettings settings;
  settings.url = endpoint.url;
  settings.topic = parts::TextOption(endpoint, kTopic, "tallybus");
  if (!IsTopic(settings.topic)) {
    return parts::WrongOption(kTopic, "must be 1 to 249 of A-Z a-z 0-9 . _ -");
  }
  if (absl::Status status = parts::CheckAuthorities(endpoint, kCaFile); !status.ok()) return status;
  const std::string ca_file = parts::TextOption(endpoint, kCaFile);
  settings.timeout = std::max(endpoint.timeout, absl::Milliseconds(2));
  const int64_t timeout = absl::ToInt64Milliseconds(settings.timeout);
  settings.properties = {
      {"bootstrap.servers", *brokers},
      {"client.id", "tallybus"},
      {"enable.idempotence", "true"},
      {"partitioner", "murmur2_random"},  // by the key, as Java's producer does it
      {"linger.ms", "1"},
      {"message.max.bytes", absl::StrCat(kMostMessageBytes)},
      {"message.timeout.ms", absl::StrCat(timeout)},
      // A topic that is not there is told before the attempt's own end.
      {"topic.metadata.propagation.max.ms", absl::StrCat(timeout / 2)},
  };
  if (!ca_file.empty()) settings.properties.emplace_back("ssl.ca.location", ca_file);
  absl::Status status = ReadCredentials(endpoint, tls || !ca_file.empty(), &settings);
  if (!status.ok()) return status;
  return settings;
}

KafkaSettings Alone(KafkaSettings settings) {
  const int64_t half = absl::ToInt64Milliseconds(settings.timeout / 2);
  settings.properties.insert(settings.properties.end(),
                             {{"batch.num.messages", "1"},
                              {"linger.ms", "0"},
                              {"message.timeout.ms", absl::StrCat(half)}});
  return settings;
}

}  // namespace tallybus::kafka
