// The file transport: the conformance suite, and what is its own.
#include "transports/file/file_transport.h"

#include <gmock/gmock.h>
#include <simdjson.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/conformance/transport_bench.h"
#include "tests/conformance/transport_conformance.h"
#include "tests/support/scratch_directory.h"

namespace tallybus::file {
namespace {

using testing::Arrival;
using testing::EndpointAt;
using ::testing::HasSubstr;
using testing::PeerMood;
using ::testing::SizeIs;

std::vector<std::string> LinesOf(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

// Text, a number or a flag of the member; nothing where it is not there.
template <typename T>
T Said(simdjson::dom::object member, const char* name) {
  T value{};
  [[maybe_unused]] const auto missing = member[name].get(value);
  return value;
}

Arrival ArrivalOf(const std::string& line) {
  Arrival arrival;
  const size_t member_at = line.rfind(",\"tallybus\":");
  arrival.body = line.substr(0, member_at) + "}";
  simdjson::dom::parser parser;
  simdjson::dom::object member;
  EXPECT_EQ(parser.parse(line)["tallybus"].get(member), simdjson::SUCCESS) << line;
  arrival.method = Said<std::string_view>(member, "method");
  arrival.event_id = Said<std::string_view>(member, "id");
  arrival.time = Said<std::string_view>(member, "time");
  arrival.lane = Said<std::string_view>(member, "lane");
  arrival.lane_sequence = Said<uint64_t>(member, "sequence");
  arrival.attempt = std::max(1, static_cast<int>(Said<int64_t>(member, "attempt")));
  arrival.redelivery = Said<bool>(member, "redelivery");
  arrival.from_router = Said<std::string_view>(member, "origin") == "router";
  return arrival;
}

class FilePeer final : public testing::Peer {
 public:
  explicit FilePeer(PeerMood mood)
      : path_(folder_.path() + (mood == PeerMood::kRefuses ? "/gone" : "") + "/events.ndjson") {}
  Endpoint endpoint() override { return EndpointAt("file://" + path_); }
  std::vector<Arrival> Arrivals() override {
    std::vector<Arrival> arrivals;
    for (const std::string& line : LinesOf(path_)) arrivals.push_back(ArrivalOf(line));
    return arrivals;
  }

 private:
  testing::ScratchDirectory folder_;
  const std::string path_;
};

class FileSubject final : public testing::ConformanceSubject {
 public:
  TransportDescriptor descriptor() override { return FileDescriptor(); }
  std::unique_ptr<testing::Peer> MakePeer(PeerMood mood) override {
    return std::make_unique<FilePeer>(mood);
  }
  std::string NotApplicable(PeerMood mood) const override {
    switch (mood) {
      case PeerMood::kHangs:
        return "only a system call can hang here; open_attempts_test has the deadlines";
      case PeerMood::kRejects:
        return "a file takes any line, or none for now";
      case PeerMood::kOverloaded:
        return "a file gives no hint when to come back";
      default:
        return "";
    }
  }
  std::string AsWritten(std::string body) const override {
    for (char& c : body) c = c == '\n' || c == '\r' ? ' ' : c;
    return body.substr(0, body.rfind('}') + 1);
  }
};

TALLYBUS_TRANSPORT_CONFORMANCE(File, [] { return std::make_unique<FileSubject>(); });

class FileTransportTest : public ::testing::Test {
 protected:
  Endpoint At(const std::string& name) { return EndpointAt("file://" + folder_.path() + name); }
  testing::ScratchDirectory folder_;
};

TEST_F(FileTransportTest, KeepsAsManyFilesAsItShould) {
  Endpoint endpoint = At("/events");
  endpoint.options = {{"rotate_size", "1000"}, {"keep", "3"}};
  testing::TransportBench bench(FileDescriptor());
  const auto tickets = bench.DeliverMany(endpoint, 100, {});
  ASSERT_TRUE(bench.sink.WaitForTickets(tickets.size()));
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    EXPECT_LE(entry.file_size(), 1000u);
    ++files;
  }
  EXPECT_EQ(files, 4u);
}

TEST_F(FileTransportTest, ManyThatComeTogetherAreInTheFileWhenTheyAreDelivered) {
  Endpoint endpoint = At("/events");
  endpoint.options = {{"sync", "true"}};
  testing::TransportBench bench(FileDescriptor());
  testing::TransportBench::Options options;
  for (int i = 1; i <= 50; ++i) {
    options.lane_sequence = static_cast<uint64_t>(i);
    ASSERT_EQ(bench.DeliverAndWait(endpoint, options).verdict, Verdict::kDelivered);
    ASSERT_THAT(LinesOf(folder_.path() + "/events"), SizeIs(i));
  }
}

TEST_F(FileTransportTest, WhatCouldNotBeOpenedWasNeverSent) {
  testing::TransportBench bench(FileDescriptor());
  const DeliveryResult result = bench.DeliverAndWait(At("/gone/events"));
  EXPECT_EQ(result.verdict, Verdict::kRetryLater);
  EXPECT_TRUE(result.never_sent);
  EXPECT_THAT(std::string(result.status.message()), HasSubstr("No such file or directory"));
}

TEST_F(FileTransportTest, ChecksItsFolderAndOptions) {
  const auto check = FileDescriptor().check;
  EXPECT_TRUE(check(At("/events")).ok());
  EXPECT_THAT(std::string(check(At("/gone/events")).message()), HasSubstr("there is no folder"));
  EXPECT_FALSE(check(At("/")).ok());
  EXPECT_FALSE(check(EndpointAt("file://" + folder_.path())).ok());
  EXPECT_FALSE(check(EndpointAt("file:events")).ok());
  EXPECT_FALSE(check(EndpointAt("http://host/events")).ok());
  for (const auto& [name, value] : std::map<std::string, std::string>{
           {"keep", "0"}, {"keep", "x"}, {"rotate_size", "-1"}, {"sync", "yes"}}) {
    Endpoint endpoint = At("/events");
    endpoint.options[name] = value;
    EXPECT_TRUE(std::string(check(endpoint).message()).starts_with(name + ": ")) << value;
  }
}

TEST_F(FileTransportTest, AnEndpointThatCannotBeReadIsHeld) {
  testing::TransportBench bench(FileDescriptor());
  EXPECT_EQ(bench.DeliverAndWait(EndpointAt("nowhere")).verdict, Verdict::kHold);
}

}  // namespace
}  // namespace tallybus::file
