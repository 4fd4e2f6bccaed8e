// One of the list `tests`: an event, and what must become of it.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_TEST_CASE_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_TEST_CASE_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tallybus/policy.h"

namespace tallybus::config {

// The event itself, or the path of a file that holds it.
struct TestEvent {
  std::string method;  // of the object, or of a sample of its own where there is none
  std::string json;    // empty: in `file`
  std::string file;    // relative to the configuration's folder; empty: none
  std::string where;   // as Sending::url_where
};

// Of a session; nothing: it brought none.
struct TestSession {
  RestClientConfigPtr config;  // nullptr: in `file`
  std::string file;            // as TestEvent::file
  std::string where;
};

// "status" or "info.codec", and its value as JSON; nullopt: it must not be there.
struct WantedField {
  std::string path;
  std::optional<std::string> json;
  std::string where;
};
using WantedFields = std::vector<WantedField>;

struct WantedRoute {
  std::string name;
  std::string where;
};

// In each list of routes: all of them, in any order; nullopt: not looked at.
struct TestCase {
  std::string name;
  std::string where;
  TestEvent event;
  TestSession session;
  std::optional<std::vector<WantedRoute>> routes;
  std::string routes_where;
  std::optional<std::vector<WantedRoute>> dry_run;  // those that only rehearse it
  std::string dry_run_where;
  std::vector<std::pair<WantedRoute, WantedFields>> fields;  // that a route sends
  WantedFields client;                                       // that its clients get
};

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_TEST_CASE_H_
