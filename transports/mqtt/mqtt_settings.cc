// Reading of an endpoint.
#include "transports/mqtt/mqtt_settings.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "transports/parts/options.h"

namespace tallybus::mqtt {
namespace {

constexpr char kTopic[] = "topic";
constexpr char kUser[] = "user";
constexpr char kPassword[] = "password";
constexpr char kCaFile[] = "tls.ca_file";
constexpr char kDefaultTopic[] = "tallybus/{app}/{method}/{lane}";
constexpr size_t kLongestTopic = 4096;  // the protocol's own is 65535, places included

// What the broker would refuse, or take for a pattern or for a topic of its own.
bool IsTopic(std::string_view text) {
  return !text.empty() && text.size() <= kLongestTopic && text.front() != '$' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= ' ' && c <= '~' && c != '+' && c != '#'; });
}

absl::StatusOr<parts::NameTemplate> TopicOf(const Endpoint& endpoint) {
  auto topic = parts::NameTemplate::Parse(parts::TextOption(endpoint, kTopic, kDefaultTopic));
  if (!topic.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(kTopic, ": ", topic.status().message()));
  }
  if (IsTopic(topic->Sample())) return topic;
  return parts::WrongOption(kTopic, "must be levels with / between them, without wildcards");
}

// <mqtt or mqtts>://<host>[:<port>]
absl::Status ReadUrl(const std::string& url, MqttSettings* settings) {
  const absl::Status wrong =
      absl::InvalidArgumentError("url: must be mqtt://host:port or mqtts://host:port");
  const size_t scheme = url.find("://");
  if (scheme == url.npos) return wrong;
  settings->tls = url.substr(0, scheme) == "mqtts";
  if (!settings->tls && url.substr(0, scheme) != "mqtt") return wrong;
  const std::string rest = url.substr(scheme + 3);
  if (rest.find('@') != rest.npos) {
    return absl::InvalidArgumentError("url: credentials do not belong in it, they are options");
  }
  const size_t colon = rest.rfind(':');
  settings->host = rest.substr(0, colon);
  settings->port = settings->tls ? 8883 : 1883;
  const bool port =
      colon == rest.npos || (absl::SimpleAtoi(rest.substr(colon + 1), &settings->port) &&
                             settings->port > 0 && settings->port < 65536);
  if (!port || settings->host.empty() || rest.find_first_of("/?#, ") != rest.npos) return wrong;
  settings->url = url;
  return absl::OkStatus();
}

}  // namespace

std::vector<OptionSpec> MqttOptions() {
  return {
      {kTopic, "topic of an event (tallybus/{app}/{method}/{lane})", OptionType::kText},
      {kUser, "name to connect under", OptionType::kText},
      {kPassword, "password of the user", OptionType::kSecret},
      {kCaFile, "PEM file of the authorities to trust instead of the system's; asks for TLS",
       OptionType::kText},
  };
}

absl::StatusOr<MqttSettings> ReadSettings(const Endpoint& endpoint) {
  MqttSettings settings;
  if (absl::Status status = ReadUrl(endpoint.url, &settings); !status.ok()) return status;
  auto topic = TopicOf(endpoint);
  if (!topic.ok()) return topic.status();
  settings.topic = *std::move(topic);
  settings.user = parts::TextOption(endpoint, kUser);
  settings.password = parts::TextOption(endpoint, kPassword);
  if (settings.user.empty() && !settings.password.empty()) {
    return parts::WrongOption(kPassword, "needs user");
  }
  if (absl::Status status = parts::CheckAuthorities(endpoint, kCaFile); !status.ok()) return status;
  settings.ca_file = parts::TextOption(endpoint, kCaFile);
  settings.tls |= !settings.ca_file.empty();
  settings.timeout = endpoint.timeout;
  return settings;
}

}  // namespace tallybus::mqtt
