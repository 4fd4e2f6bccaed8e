// What `tallybus explain` tells of an event, compared.
#include "apps/tallybusd/check/config_tests.h"

#include <absl/status/statusor.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "apps/explanation/input_file.h"
#include "apps/explanation/sample_events.h"
#include "apps/tallybusd/check/json_match.h"
#include "apps/tallybusd/config/spelling.h"

namespace tallybus::check {
namespace {

using config::TestCase;
using config::WantedRoute;
using Names = std::set<std::string>;

constexpr std::string_view kOwnRoute = "/backend";

// With `pick: all` a configured route is one for each endpoint: "billing/10.0.0.7:8080~3fa2b1".
std::string ConfiguredName(const Route& route) {
  return route.of_app ? route.name : route.name.substr(0, route.name.find('/'));
}

Names KnownRoutes(const config::Config& config) {
  Names known;
  for (const auto& [key, app] : config.apps) known.insert(key + std::string(kOwnRoute));
  for (const config::Route& route : config.routes) known.insert(route.name);
  return known;
}

std::string Listed(const Names& names) {
  return names.empty() ? "none" : absl::StrJoin(names, ", ");
}

// One test's run.
class TestRun {
 public:
  TestRun(const TestCase& test, const PaperRoutes& routes, const Names& known,
          const std::string& folder, std::vector<std::string>* failures)
      : test_(test), routes_(routes), known_(known), folder_(folder), failures_(*failures) {}

  void Run(SampleEvents& samples) {
    const absl::StatusOr<Sample> sample = MakeEvent(samples);
    if (!sample.ok()) return Fail(test_.event.where, std::string(sample.status().message()));
    event_ = sample->event;
    const absl::StatusOr<RestClientConfigPtr> session = ReadSession();
    if (!session.ok()) return Fail(test_.session.where, std::string(session.status().message()));
    decision_ = Rehearse(event_, *session, routes_.table());
    for (const Target& target : decision_.targets)
      sent_.emplace(ConfiguredName(*target.route), target);
    if (test_.routes) CompareSent();
    if (test_.dry_run) CompareRehearsed();
    for (const auto& [route, fields] : test_.fields) CompareFields(route, fields);
    CompareObject(ObjectForClients(decision_, event_), test_.client);
  }

 private:
  void Fail(const std::string& where, const std::string& what) {
    failures_.push_back(absl::StrCat(where, ": test \"", test_.name, "\": ", what));
  }

  std::string At(const std::string& path) const {
    return (std::filesystem::path(folder_) / path).string();
  }

  absl::StatusOr<Sample> MakeEvent(SampleEvents& samples) const {
    const config::TestEvent& event = test_.event;
    if (!event.json.empty()) return samples.Of(event.method, event.json);
    auto made = event.file.empty() ? samples.Make(event.method, "")
                                   : samples.Make(At(event.file), event.method);
    if (!made.ok()) return made.status();
    return made->front();
  }

  absl::StatusOr<RestClientConfigPtr> ReadSession() const {
    if (test_.session.file.empty()) return test_.session.config;
    const absl::StatusOr<std::string> json = ReadInput(At(test_.session.file));
    if (!json.ok()) return json.status();
    ParsedRestClientConfig parsed = ParseRestClientConfig(*json);
    if (parsed.warnings.empty()) return std::move(parsed.config);
    return absl::InvalidArgumentError(parsed.warnings.front());
  }

  // False, and a failure: there is no such route.
  bool IsKnown(const WantedRoute& route) {
    if (known_.contains(route.name)) return true;
    const std::vector<std::string_view> names(known_.begin(), known_.end());
    Fail(route.where,
         absl::StrCat("there is no route ", route.name, "; ", config::Suggest(route.name, names)));
    return false;
  }

  void CompareSent() {
    Names got;
    for (const auto& [name, target] : sent_) got.insert(name);
    Compare(test_.routes_where, *test_.routes, got);
  }

  void CompareRehearsed() {
    Names got;
    for (const RoutePtr& route : decision_.rehearsed) got.insert(ConfiguredName(*route));
    Compare(test_.dry_run_where, *test_.dry_run, got);
  }

  void Compare(const std::string& where, const std::vector<WantedRoute>& wanted, const Names& got) {
    Names expected;
    bool known = true;
    for (const WantedRoute& route : wanted) {
      known &= IsKnown(route);
      expected.insert(route.name);
    }
    if (!known || expected == got) return;
    std::string why;
    for (const std::string& name : expected) {
      if (!got.contains(name)) absl::StrAppend(&why, "; ", name, ": ", WhyNot(name));
    }
    Fail(where, absl::StrCat("expected ", Listed(expected), "; got ", Listed(got), why));
  }

  std::string WhyNot(const std::string& name) const {
    if (sent_.contains(name)) return "it is sent";
    if (name == event_.app_key + std::string(kOwnRoute)) {
      return WhyNoBackend(decision_.backend, event_);
    }
    for (const RoutePtr& route : routes_.table().others) {
      if (ConfiguredName(*route) != name) continue;
      if (!route->match.Fits(event_)) return WhyNotTaken(*route, event_);
      return "it only rehearses, by dry_run";
    }
    return absl::StrCat("the event is of app ", event_.app_key);
  }

  void CompareFields(const WantedRoute& route, const config::WantedFields& fields) {
    if (!IsKnown(route)) return;
    const auto sent = sent_.find(route.name);
    if (sent == sent_.end()) {
      return Fail(route.where, absl::StrCat("not sent, so it has no fields: ", WhyNot(route.name)));
    }
    CompareObject(ObjectFor(sent->second, event_), fields);
  }

  void CompareObject(const std::string& object, const config::WantedFields& fields) {
    for (const config::WantedField& field : fields) {
      const std::string wrong = Mismatch(object, field.path, field.json);
      if (!wrong.empty()) Fail(field.where, absl::StrCat("the field ", wrong));
    }
  }

  const TestCase& test_;
  const PaperRoutes& routes_;
  const Names& known_;
  const std::string& folder_;
  std::vector<std::string>& failures_;
  Event event_;
  Rehearsal decision_;
  std::map<std::string, Target> sent_;  // by configured name
};

}  // namespace

std::vector<std::string> RunTests(const config::Config& config, const PaperRoutes& routes,
                                  const std::string& file, absl::Time now) {
  std::vector<std::string> failures;
  SampleEvents samples(now, config.node.name);
  const Names known = KnownRoutes(config);
  const std::string folder = std::filesystem::path(file).parent_path().string();
  for (const TestCase& test : config.tests) {
    TestRun(test, routes, known, folder, &failures).Run(samples);
  }
  return failures;
}

}  // namespace tallybus::check
