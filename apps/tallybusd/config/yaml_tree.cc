// A YAML document as a plain tree in which every value knows where it was written.
#include "yaml_tree.h"

#include <absl/status/status.h>
#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "plain_text.h"

namespace tallybus::config {
namespace {

// Far beyond any configuration; they bound what a bomb of aliases can cost.
constexpr size_t kMostValues = 200'000;
constexpr int kMostLevels = 32;
constexpr size_t kLongestKeyShown = 64;

// Leaves yaml-cpp's parser from inside its callbacks; caught in ParseYaml.
struct Refusal {
  YAML::Mark mark;
  std::string message;
};

// Builds the tree from the parser's events.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::shared_ptr<const std::string> source, bool has_lines)
      : source_(std::move(source)), has_lines_(has_lines) {}

  YamlNodePtr root() const { return root_; }
  Mark MarkAt(const YAML::Mark& mark) const {
    if (!has_lines_ || mark.is_null()) return {source_, 0, 0};
    return {source_, mark.line + 1, mark.column + 1};
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) throw Refusal{mark, "a second YAML document: only one is read"};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    RefuseAsKey(mark);
    Finish(NewNode(YamlNode::Kind::kNull, mark), mark, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    RefuseAsKey(mark);
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw Refusal{mark, "an alias inside of what it stands for"};
    Place(found->second, mark);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    RefuseTag(mark, tag);
    if (AtKey()) return TakeKey(mark, value, /*plain=*/tag == "?");
    auto node = NewNode(YamlNode::Kind::kText, mark);
    node->text = value;
    node->plain = tag == "?";
    Finish(std::move(node), mark, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(YamlNode::Kind::kList, mark, tag, anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(YamlNode::Kind::kMapping, mark, tag, anchor);
  }
  void OnMapEnd() override { Close(); }

 private:
  // A list or mapping that is not yet closed.
  struct Frame {
    std::shared_ptr<YamlNode> node;
    YAML::Mark mark;
    YAML::anchor_t anchor;
    std::set<std::string> keys;
    std::optional<std::string> key;  // of the value that comes next
    YAML::Mark key_mark;
  };

  std::shared_ptr<YamlNode> NewNode(YamlNode::Kind kind, const YAML::Mark& mark) const {
    auto node = std::make_shared<YamlNode>();
    node->kind = kind;
    node->mark = MarkAt(mark);
    return node;
  }

  bool AtKey() const {
    return !open_.empty() && open_.back().node->kind == YamlNode::Kind::kMapping &&
           !open_.back().key;
  }

  void RefuseAsKey(const YAML::Mark& mark) const {
    if (AtKey()) throw Refusal{mark, "a key must be text; quote it if it is meant to be"};
  }

  static void RefuseTag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") throw Refusal{mark, "tags have no meaning here"};
  }

  void TakeKey(const YAML::Mark& mark, const std::string& key, bool plain) {
    if (plain && key == "<<") throw Refusal{mark, "merge keys (<<) are not read"};
    Frame& frame = open_.back();
    if (!frame.keys.insert(key).second) {
      throw Refusal{mark, JoinPath(Path(), key) + ": comes twice in this mapping"};
    }
    frame.key = key;
    frame.key_mark = mark;
  }

  std::string Path() const {
    std::string path;
    for (const Frame& frame : open_) {
      if (frame.key) path = JoinPath(path, *frame.key);
    }
    return path;
  }

  void Open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    RefuseTag(mark, tag);
    // What the parser makes of a bracket that is never closed, too.
    if (AtKey()) throw Refusal{mark, "a bracket left open, or a key that is no text"};
    if (open_.size() + 1 >= kMostLevels) throw Refusal{mark, "too many levels"};
    open_.push_back({NewNode(kind, mark), mark, anchor, {}, std::nullopt, {}});
  }

  void Close() {
    Frame frame = std::move(open_.back());
    open_.pop_back();
    Finish(std::move(frame.node), frame.mark, frame.anchor);
  }

  void Finish(YamlNodePtr node, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) anchors_[anchor] = node;
    Place(std::move(node), mark);
  }

  // Puts a finished value into the list or mapping around it.
  void Place(YamlNodePtr node, const YAML::Mark& mark) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = open_.back();
    YamlNode& parent = *frame.node;
    parent.size += node->size;
    parent.depth = std::max(parent.depth, node->depth + 1);
    if (parent.size > kMostValues) throw Refusal{mark, "too many values"};
    if (parent.depth > kMostLevels) throw Refusal{mark, "too many levels"};
    if (parent.kind == YamlNode::Kind::kList) {
      parent.items.push_back(std::move(node));
      return;
    }
    parent.members.push_back({*std::move(frame.key), MarkAt(frame.key_mark), std::move(node)});
    frame.key.reset();
  }

  std::shared_ptr<const std::string> source_;
  bool has_lines_;
  int documents_ = 0;
  std::vector<Frame> open_;
  std::map<YAML::anchor_t, YamlNodePtr> anchors_;  // of finished values
  YamlNodePtr root_ = std::make_shared<YamlNode>();
};

absl::Status Refused(const Mark& mark, const std::string& message) {
  return absl::InvalidArgumentError(absl::StrCat(mark.ToString(), ": ", message));
}

// yaml-cpp takes some control characters for the end of the input, and bytes that are not UTF-8 for
// other ones; neither may pass in silence.
absl::Status CheckText(const TreeBuilder& builder, const std::string& text) {
  const size_t at = FindNotPlain(text, /*allow_layout=*/true);
  if (at == std::string::npos) return absl::OkStatus();
  YAML::Mark mark;
  mark.line = static_cast<int>(std::count(text.begin(), text.begin() + at, '\n'));
  const size_t line_start = at == 0 ? std::string::npos : text.rfind('\n', at - 1);
  mark.column = static_cast<int>(line_start == std::string::npos ? at : at - line_start - 1);
  return Refused(builder.MarkAt(mark), "not UTF-8 text, or a control character");
}

// ${X} in a flow mapping or list is no plain scalar: its braces are YAML's own.
std::string HintFor(const std::string& text, const YAML::Mark& mark) {
  std::istringstream lines(text);
  std::string line;
  for (int i = 0; i <= mark.line && std::getline(lines, line); ++i) {
  }
  return line.find("${") == std::string::npos ? ""
                                              : "; inside of {} and [] write \"${X}\" in quotes";
}

}  // namespace

std::string Mark::ToString() const {
  if (line == 0) return *source;
  return absl::StrCat(*source, ":", line, ":", column);
}

absl::StatusOr<YamlNodePtr> ParseYaml(const std::string& text, const std::string& source,
                                      bool has_lines) {
  TreeBuilder builder(std::make_shared<const std::string>(source), has_lines);
  if (absl::Status status = CheckText(builder, text); !status.ok()) return status;
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.root();
  } catch (const Refusal& refusal) {
    return Refused(builder.MarkAt(refusal.mark), refusal.message);
  } catch (const YAML::Exception& error) {
    return Refused(builder.MarkAt(error.mark),
                   absl::StrCat("YAML: ", error.msg, HintFor(text, error.mark)));
  } catch (const std::exception& error) {
    return Refused(builder.MarkAt(YAML::Mark::null_mark()), absl::StrCat("YAML: ", error.what()));
  }
}

std::string JoinPath(const std::string& path, std::string_view key) {
  const bool plain = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return c == '_' || c == '-' || absl::ascii_isalnum(static_cast<unsigned char>(c));
  });
  std::string shown(key.substr(0, kLongestKeyShown));
  if (!plain) shown = absl::StrCat("\"", absl::Utf8SafeCEscape(shown), "\"");
  if (key.size() > kLongestKeyShown) shown += "...";
  return path.empty() ? shown : absl::StrCat(path, ".", shown);
}

}  // namespace tallybus::config
