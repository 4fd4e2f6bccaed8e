// The whole table: restPolicy x restOnError x what the backend does x exclusions. For each cell,
// what client and backend received, and in which order.
#include "tests/core/router_bench.h"

namespace tallybus::testing {
namespace {

enum class Backend { kEcho, kChanged, kNotJson, kNoContent, k403, k500, kRefused, kTimeout };

struct Cell {
  const char* policy;
  const char* on_error;
  Backend backend;
  bool excludes;
};

constexpr const char* kPolicies[] = {"NOTIFY", "OVERWRITE", "DISABLE"};
constexpr const char* kOnErrors[] = {"LOG", "FAIL"};
constexpr std::pair<Backend, const char*> kBackends[] = {
    {Backend::kEcho, "200Echo"},    {Backend::kChanged, "200Changed"},
    {Backend::kNotJson, "200Html"}, {Backend::kNoContent, "204"},
    {Backend::k403, "403"},         {Backend::k500, "500"},
    {Backend::kRefused, "Refused"}, {Backend::kTimeout, "Timeout"}};

std::vector<Cell> AllCells() {
  std::vector<Cell> cells;
  for (const char* policy : kPolicies) {
    for (const char* on_error : kOnErrors) {
      for (const auto& [backend, name] : kBackends) {
        for (bool excludes : {false, true}) cells.push_back({policy, on_error, backend, excludes});
      }
    }
  }
  return cells;
}

std::string NameOf(const ::testing::TestParamInfo<Cell>& info) {
  const Cell& cell = info.param;
  std::string backend;
  for (const auto& [value, name] : kBackends) {
    if (value == cell.backend) backend = name;
  }
  return std::string(cell.policy) + cell.on_error + backend + (cell.excludes ? "Excludes" : "");
}

// The event of the table, part by part: what each side gets is these, some left out or others.
constexpr char kIds[] = R"("nodeId":"node-1","appKey":"defaultApp","sessionId":"session-1",)"
                        R"("mediaSessionId":"media-a")";
constexpr char kName[] = R"(,"name":"a")";
constexpr char kFlags[] = R"(,"published":true,"status":"PUBLISHING")";
constexpr char kSdp[] = R"(,"sdp":"v=0")";

// nodeId, sessionId and appKey may not be, `status` has the wrong type, `published` is not listed.
constexpr char kOverwrite[] = "nodeId,sessionId,appKey,name,status,sdp,info";
constexpr char kChanged[] = R"({"nodeId":"evil","appKey":"evil","sessionId":"evil","name":"b",)"
                            R"("published":false,"status":5,"sdp":"v=1","info":"hello"})";
constexpr char kChangedName[] = R"(,"name":"b")";
constexpr char kChangedSdp[] = R"(,"sdp":"v=1")";
constexpr char kInfo[] = R"(,"info":"hello")";

class RouterOverwriteTableTest : public RouterBench, public ::testing::WithParamInterface<Cell> {
 protected:
  RouterOverwriteTableTest() {
    auto route = NewRoute();
    route->endpoint.timeout = absl::Seconds(10);
    SetRoute(route);
    start_ = clock.Now();
    channel.on_notify = [this](const RecordingChannel::Message& message) {
      const bool is_error = message.message == kErrorEvent;
      Note("client", is_error ? "ErrorEvent " + ErrorWords(message.json) : message.json);
    };
    transport.Run([this](const auto& attempt) { return Answer(attempt); });
  }

  void Note(const std::string& who, const std::string& what) {
    const int64_t at = absl::ToInt64Seconds(clock.Now() - start_);
    story_.push_back(std::to_string(at) + " s " + who + ": " + what);
  }
  static std::string ErrorWords(const std::string& json) {
    const size_t info = json.find("\"info\":");
    return json.substr(info, json.find(",\"time\":") - info);
  }

  // What is tried again is answered as "changed" is, which must not reach a client any more.
  std::optional<DeliveryResult> Answer(const ScriptedTransport::Attempt& attempt) {
    if (attempt.attempt > 1) {
      ++retries_;
      EXPECT_EQ(attempt.body, BackendGets());
      return Answered(200, "OK", kChanged);
    }
    Note("backend", attempt.body);
    switch (GetParam().backend) {
      case Backend::kEcho:
        return Answered(200, "OK", attempt.body);
      case Backend::kChanged:
        return Answered(200, "OK", kChanged);
      case Backend::kNotJson:
        return Answered(200, "OK", "<html>fine</html>");
      case Backend::kNoContent:
        return Answered(204, "No Content");
      case Backend::k403:
        return Answered(403, "Forbidden", kChanged);
      case Backend::k500:
        return Answered(500, "Internal Server Error", kChanged);
      case Backend::kRefused:
        return Refused();
      case Backend::kTimeout:
        break;
    }
    return std::nullopt;
  }

  // What the table says.
  bool Is(std::string_view policy) const { return GetParam().policy == policy; }
  std::string BackendGets() const {
    return std::string("{") + kIds + kName + kFlags + (GetParam().excludes ? "" : kSdp) + "}";
  }
  std::string ClientGets() const {
    const bool changed = Is("OVERWRITE") && GetParam().backend == Backend::kChanged;
    const bool excludes = GetParam().excludes;  // clientExclude: name,info
    return std::string("{") + kIds +
           (excludes  ? ""
            : changed ? kChangedName
                      : kName) +
           kFlags + (changed ? kChangedSdp : kSdp) + (changed && !excludes ? kInfo : "") + "}";
  }
  std::string Error() const {
    if (std::string_view(GetParam().on_error) == "LOG" || Is("DISABLE")) return "";
    switch (GetParam().backend) {
      case Backend::k403:
        return R"("info":"Forbidden","attempt":1,"final":true)";
      case Backend::k500:
        return R"("info":"Internal Server Error","attempt":1,"final":true)";
      case Backend::kRefused:
        return R"("info":"connection refused","attempt":1,"final":false)";
      case Backend::kTimeout:
        return R"("info":"timed out","attempt":1,"final":false)";
      default:
        return "";
    }
  }
  std::vector<std::string> Wanted() const {
    const std::string backend = "0 s backend: " + BackendGets();
    const bool late = GetParam().backend == Backend::kTimeout;
    std::vector<std::string> wanted;
    if (Is("DISABLE")) {
      wanted = {"0 s client: " + ClientGets()};
    } else if (Is("NOTIFY")) {
      wanted = {"0 s client: " + ClientGets(), backend};
    } else {
      wanted = {backend, (late ? "10 s client: " : "0 s client: ") + ClientGets()};
    }
    if (!Error().empty()) {
      wanted.push_back((late ? "10 s client: ErrorEvent " : "0 s client: ErrorEvent ") + Error());
    }
    return wanted;
  }

  MonoTime start_;
  std::vector<std::string> story_;
  int retries_ = 0;
};

TEST_P(RouterOverwriteTableTest, EachSideGetsWhatTheTableSaysInItsOrder) {
  const Cell& cell = GetParam();
  Send(OpenSession(kSession, std::string(R"({"StreamStatusEvent":{"restPolicy":")") + cell.policy +
                                 R"(","restOnError":")" + cell.on_error + R"(","restOverwrite":")" +
                                 kOverwrite + "\"" +
                                 (cell.excludes ? R"(,"clientExclude":"name,info")"
                                                  R"(,"restExclude":"sdp")"
                                                : "") +
                                 "}}"));
  Send(StatusEvent("a", "PUBLISHING"));
  const bool times_out = cell.backend == Backend::kTimeout && !Is("DISABLE");
  if (times_out) {
    RunFor(absl::Seconds(10));
    transport.Complete(0, TimedOut());
    Run();
  }
  RunFor(absl::Seconds(30));
  EXPECT_EQ(story_, Wanted());
  EXPECT_EQ(retries_, (times_out || (cell.backend == Backend::kRefused && !Is("DISABLE"))) ? 1 : 0);
  EXPECT_EQ(Count("tallybus_client_messages_total"), Error().empty() ? 1u : 2u);
}

INSTANTIATE_TEST_SUITE_P(All, RouterOverwriteTableTest, ::testing::ValuesIn(AllCells()), NameOf);

}  // namespace
}  // namespace tallybus::testing
