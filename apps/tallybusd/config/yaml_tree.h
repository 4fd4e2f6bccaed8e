// A YAML document as a plain tree in which every value knows where it was written.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_YAML_TREE_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_YAML_TREE_H_

#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tallybus::config {

// A place in a file, or a command-line option.
struct Mark {
  std::shared_ptr<const std::string> source;  // the file's name, or "--set <key>"
  int line = 0;                               // from 1; 0: the source has no lines
  int column = 0;                             // from 1, in characters

  std::string ToString() const;  // "tallybus.yaml:3:10"
};

struct YamlNode;
using YamlNodePtr = std::shared_ptr<const YamlNode>;  // immutable; aliases share it

struct YamlMember {
  std::string key;
  Mark mark;  // of the key
  YamlNodePtr value;
};

struct YamlNode {
  enum class Kind { kNull, kText, kList, kMapping };
  Kind kind = Kind::kNull;
  Mark mark;
  std::string text;                 // kText: as written, variables not yet replaced
  bool plain = false;               // kText: without quotes
  std::vector<YamlNodePtr> items;   // kList
  std::vector<YamlMember> members;  // kMapping, in the order of the document; keys are unique
  size_t size = 1;                  // values in it, each alias counted in full
  int depth = 1;                    // levels in it
};

// Reads one document; an empty text is a null. INVALID_ARGUMENT in one line,
// "<source>:<line>:<column>: what is wrong", for: a syntax error, text that is not UTF-8 or holds
// control characters, a key that comes twice in a mapping or is no text, a tag, a merge key, a
// second document, and more values or levels than any configuration has (aliases counted in full).
absl::StatusOr<YamlNodePtr> ParseYaml(const std::string& text, const std::string& source,
                                      bool has_lines = true);

// The dotted path of a member; a key that holds anything but letters, digits, _ and - is quoted:
// apps."live.example".url.
std::string JoinPath(const std::string& path, std::string_view key);

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_YAML_TREE_H_
