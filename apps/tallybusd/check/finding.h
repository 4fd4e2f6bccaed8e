// What --check finds about the environment of a configuration.
#ifndef TALLYBUS_APPS_TALLYBUSD_CHECK_FINDING_H_
#define TALLYBUS_APPS_TALLYBUSD_CHECK_FINDING_H_

#include <string>
#include <utility>
#include <vector>

namespace tallybus::check {

enum class Weight {
  kError,    // the daemon would not start, or an event would not arrive
  kWarning,  // it would, and something else may go wrong
  kNote,     // good to know
};

// One line, without secrets: the key or route that it is about, what is wrong, the mend.
struct Finding {
  Weight weight;
  std::string text;
};

struct Findings {
  std::vector<Finding> all;
  std::vector<std::string> tested;  // "the spool", "4 listeners", for the last line

  void Add(Weight weight, std::string text) { all.push_back({weight, std::move(text)}); }
  void Error(std::string text) { Add(Weight::kError, std::move(text)); }
};

}  // namespace tallybus::check

#endif  // TALLYBUS_APPS_TALLYBUSD_CHECK_FINDING_H_
