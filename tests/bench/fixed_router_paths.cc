// The paths of the router's side: one EVENTS message read and decided, a batch in the spool, a
// client told.
#include <condition_variable>
#include <map>
#include <mutex>

#include "policy/decision.h"
#include "tallybus/codec.h"
#include "tallybus/sqlite_spool.h"
#include "tallybus/v1/bus.pb.h"
#include "tests/bench/fixed_paths.h"
#include "tests/bench/sample_event.h"
#include "tests/core/spool/spool_watcher.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recording_log.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/scripted_transport.h"
#include "tests/transports/zmq/zmq_peer.h"
#include "transports/zmq/client_channel.h"

namespace tallybus::bench {
namespace {

constexpr size_t kBatch = 256;
constexpr size_t kLanes = 64;

v1::Record TypedRecord(size_t i, const std::string& sdp) {
  v1::Record record;
  v1::Envelope& event = *record.mutable_event();
  event.set_time_unix_us(1'700'000'000'000'000 + static_cast<int64_t>(i));
  event.set_method(std::string(kStreamStatusEvent));
  event.set_session_id("/192.168.1.102:4388/192.168.1.101:8443");
  event.set_media_session_id("56141d10-fddc-11e6-ac3a-4d67d5b3360d");
  v1::StreamStatus& status = *event.mutable_stream_status();
  status.set_name("stream-" + std::to_string(i % kLanes));
  status.set_published(true);
  status.set_has_video(true);
  status.set_has_audio(true);
  status.set_status("PUBLISHING");
  status.set_sdp(sdp);
  status.set_record(false);
  status.set_width(0);
  status.set_height(0);
  status.set_bitrate(0);
  status.set_quality(0);
  status.set_media_provider("WebRTC");
  return record;
}

std::string EventsMessage(const std::string& sdp) {
  v1::Events events;
  events.set_epoch(0xfedcba9876543210);
  events.set_first_sequence(1);
  for (size_t i = 0; i < kBatch; ++i) events.add_records(TypedRecord(i, sdp).SerializeAsString());
  return events.SerializeAsString();
}

// As tests/core/policy/decision_test.cc sets it up: one app, whose sessions brought nothing.
RouteTable OneApp(Transport& transport) {
  auto route = std::make_shared<Route>();
  route->name = "defaultApp/backend";
  route->app_config =
      ParseRestClientConfig(R"({"StreamStatusEvent":{"restOnError":"FAIL","restExclude":"sdp"}})")
          .config;
  route->transport = &transport;
  RouteTable routes;
  routes.by_app["defaultApp"] = route;
  return routes;
}

SpoolBatch NextBatch(SpoolSeq* seq) {
  std::vector<SpoolRowPtr> rows;
  for (size_t i = 0; i < kBatch; ++i) {
    ++*seq;
    rows.push_back(testing::Row(*seq, 1 + *seq % kLanes, 200));
  }
  return testing::BatchOf(std::move(rows));
}

std::vector<Settlement> DeliveredOf(const SpoolBatch& batch) {
  std::vector<Settlement> settled;
  for (const SpoolRowPtr& row : batch.rows) {
    settled.push_back(testing::Settled(*row, Settlement::Outcome::kDelivered));
  }
  return settled;
}

void DecodeAndDecideWith(const std::string& sdp) {
  constexpr size_t kMessages = 4;
  const std::string message = EventsMessage(sdp);
  testing::RecordingLog log;
  testing::ScriptedTransport transport;
  const SessionTable sessions(log);
  const RouteTable routes = OneApp(transport);
  EventDefaults defaults;
  defaults.node_id = "node-1";
  defaults.app_of_session = [](std::string_view) { return std::string_view("defaultApp"); };
  const auto take = [&](std::string_view bytes) {
    absl::StatusOr<bus::Record> record = bus::DecodeRecord(bytes, defaults);
    Require(record.ok() && std::holds_alternative<Event>(*record), "a record is not read");
    const Decision decision = Decide(std::get<Event>(*record), sessions, routes);
    Require(decision.targets.size() == 1, "no backend is decided on");
  };
  Count(kMessages * kBatch, [&] {
    for (size_t i = 0; i < kMessages; ++i) {
      absl::StatusOr<bus::FromEngine> decoded = bus::Decode("\x05", message);
      Require(decoded.ok(), "EVENTS is not read");
      for (std::string_view record : std::get<bus::Events>(*decoded).records) take(record);
    }
  });
}

}  // namespace

void DecodeAndDecide() { DecodeAndDecideWith("....."); }

void DecodeAndDecideSdp() { DecodeAndDecideWith(SampleSdp()); }

// The spool's thread counts as well: a batch is committed together with the verdicts on the one
// before, as under load, and this thread waits for it.
void AppendAndSettle() {
  constexpr size_t kTurns = 8;
  const testing::ScratchDirectory folder;
  const testing::ManualClock clock;
  SqliteSpoolOptions options;
  options.directory = folder.path() + "/spool";
  absl::StatusOr<std::unique_ptr<Spool>> spool = OpenSqliteSpool(options, clock);
  Require(spool.ok(), "no spool");
  testing::SpoolWatcher watcher;
  testing::Found found;
  Require((*spool)->Start(watcher, found).ok(), "the spool does not start");
  SpoolSeq seq = 0;
  size_t batches = 0;
  std::vector<SpoolBatch> ready;
  std::vector<std::vector<Settlement>> verdicts = {{}};
  for (size_t i = 0; i < 2 * kTurns; ++i) {
    ready.push_back(NextBatch(&seq));
    verdicts.push_back(DeliveredOf(ready.back()));
  }
  Count(kTurns * kBatch, [&] {
    for (size_t i = 0; i < kTurns; ++i) {
      (*spool)->Settle(verdicts[batches]);
      (*spool)->Append(std::move(ready[batches]));
      Require(watcher.UntilBatches(++batches), "a batch is not committed");
    }
  });
  Require((*spool)->Stop().ok(), "the spool does not stop");
}

namespace {

// `topic`: of one subscriber; empty: there is none.
void Tell(const std::string& topic) {
  constexpr size_t kMessages = 1'000;
  zmq::context_t context;
  const testing::ManualClock clock;
  Metrics metrics;
  auto channel = zmq_transport::XpubChannel::Bind(context, "tcp://127.0.0.1:0", clock, metrics);
  Require(channel.ok(), "no client channel");
  zmq_transport::Peer peer(context, zmq::socket_type::sub, (*channel)->endpoint());
  if (!topic.empty()) {
    peer.socket().set(zmq::sockopt::subscribe, topic);
    Require(zmq_transport::WaitReadable((*channel)->socket()), "no subscription");
    (*channel)->Receive();
  }
  const std::string json = SampleJson(false);
  uint64_t sequence = 0;
  Count(kMessages, [&] {
    for (size_t i = 0; i < kMessages; ++i) {
      (*channel)->Notify({.session_id = "/192.168.1.102:4388/192.168.1.101:8443",
                          .message = kStreamStatusEvent,
                          .json = json,
                          .id = {0xfedcba9876543210, ++sequence},
                          .time = clock.WallNow()});
    }
  });
}

}  // namespace

void TellNobody() { Tell(""); }

// To another session: how libzmq's thread takes what is sent is not ours to count.
void TellSubscriber() { Tell("session/another"); }

}  // namespace tallybus::bench
