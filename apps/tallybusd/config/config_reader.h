// A strict reader of configuration values: each is taken as one type or refused at its place.
#ifndef TALLYBUS_APPS_TALLYBUSD_CONFIG_CONFIG_READER_H_
#define TALLYBUS_APPS_TALLYBUSD_CONFIG_CONFIG_READER_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "spelling.h"
#include "variables.h"
#include "yaml_tree.h"

namespace tallybus::config {

// A value, its path from the top, and what its variables mean. Every error is one line that begins
// with Where(), and holds no value: values may be secrets.
class Value {
 public:
  // `getenv` is borrowed and outlives the value.
  Value(YamlNodePtr node, std::string path, Mark key_mark, const GetEnv& getenv)
      : node_(std::move(node)),
        path_(std::move(path)),
        key_mark_(std::move(key_mark)),
        getenv_(&getenv) {}

  const std::string& path() const { return path_; }
  std::string Where() const { return WhereAt(mark()); }  // "tallybus.yaml:3:10: apps.x.url"

  // The place of its key.
  std::string KeyWhere() const { return WhereAt(key_mark_); }

  bool IsList() const { return node_->kind == YamlNode::Kind::kList; }
  bool IsMapping() const { return node_->kind == YamlNode::Kind::kMapping; }
  bool IsNothing() const { return node_->kind == YamlNode::Kind::kNull; }

  absl::Status Error(std::string_view message) const;     // INVALID_ARGUMENT, at the value
  absl::Status Error(const absl::Status& cause) const;    // the same code, at the value
  absl::Status KeyError(std::string_view message) const;  // INVALID_ARGUMENT, at its key
  // UNIMPLEMENTED, at the value or at its key: "not in this version yet".
  absl::Status LaterValue(std::string_view detail = "") const;
  absl::Status LaterKey() const;

  // What is written, variables replaced: UTF-8 without control characters.
  absl::StatusOr<std::string> Text() const;
  absl::StatusOr<int64_t> Integer(int64_t least, int64_t most) const;
  absl::StatusOr<absl::Duration> Duration(absl::Duration least, absl::Duration most) const;
  absl::StatusOr<int64_t> Size(int64_t least, int64_t most) const;  // bytes

  // All of it as JSON: a text without quotes that is a number, true or false is one; `~` and
  // nothing are null. Variables replaced; a text may hold line feeds.
  absl::StatusOr<std::string> Json() const;

  absl::StatusOr<std::vector<Value>> Items() const;
  // Every item as text. `wrong` returns what is wrong with one, or nothing.
  absl::StatusOr<std::vector<std::string>> Texts(
      std::string_view (*wrong)(const std::string& text)) const;
  // By key, in the order of the file. A key without a value is an empty mapping: everything below
  // it may be commented out.
  absl::StatusOr<std::vector<std::pair<std::string, Value>>> Members() const;

 private:
  // A null has no place of its own in the text.
  const Mark& mark() const {
    return node_->kind == YamlNode::Kind::kNull ? key_mark_ : node_->mark;
  }
  absl::StatusOr<std::string> JsonList() const;
  absl::StatusOr<std::string> JsonObject() const;
  std::string WhereAt(const Mark& mark) const;
  absl::Status Wrong(std::string_view wanted) const;

  YamlNodePtr node_;
  std::string path_;
  Mark key_mark_;
  const GetEnv* getenv_;
};

// Moves a value that was read to its place.
template <typename From, typename To>
absl::Status Store(absl::StatusOr<From> from, To& to) {
  if (!from.ok()) return from.status();
  to = static_cast<To>(*std::move(from));
  return absl::OkStatus();
}

// One word that a value may be; without a meaning it belongs to a later version.
template <typename T>
struct Choice {
  std::string_view word;
  std::optional<T> meaning;
};

template <typename T>
absl::StatusOr<T> ReadChoice(const Value& value, std::span<const Choice<T>> choices) {
  absl::StatusOr<std::string> text = value.Text();
  if (!text.ok()) return text.status();
  std::vector<std::string_view> words;
  for (const Choice<T>& choice : choices) {
    if (*text == choice.word && choice.meaning) return *choice.meaning;
    if (*text == choice.word) return value.LaterValue();
    if (choice.meaning) words.push_back(choice.word);
  }
  return value.Error("unknown word; " + Suggest(*text, words));
}

// One key that a mapping may hold. Without `read` it belongs to a later version, or elsewhere,
// which `elsewhere` says.
template <typename T>
struct Key {
  std::string_view name;
  absl::Status (*read)(const Value& value, T& out);
  std::string_view elsewhere = {};
};

// Reads a member into `out` if `keys` has its key; nullopt: it has not. Adds the keys of this
// version to `known`.
template <typename T>
std::optional<absl::Status> ReadMember(std::string_view name, const Value& value,
                                       std::span<const Key<T>> keys, T& out,
                                       std::vector<std::string_view>& known) {
  for (const Key<T>& key : keys) {
    if (key.name == name && key.read != nullptr) return key.read(value, out);
    if (key.name == name && !key.elsewhere.empty()) return value.KeyError(key.elsewhere);
    if (key.name == name) return value.LaterKey();
    if (key.read != nullptr) known.push_back(key.name);
  }
  return std::nullopt;
}

// Reads every member by its key into `out`; the keys in `shared` go into its base. The first error
// in the order of the file is returned.
template <typename T, typename Base = T>
absl::Status ReadKeys(const Value& mapping, std::span<const Key<T>> keys, T& out,
                      std::span<const Key<Base>> shared = {}) {
  auto members = mapping.Members();
  if (!members.ok()) return members.status();
  for (const auto& [name, value] : *members) {
    std::vector<std::string_view> known;
    std::optional<absl::Status> status = ReadMember<T>(name, value, keys, out, known);
    if (!status) status = ReadMember<Base>(name, value, shared, out, known);
    if (!status) return value.KeyError("unknown key; " + Suggest(name, known));
    if (!status->ok()) return *status;
  }
  return absl::OkStatus();
}

}  // namespace tallybus::config

#endif  // TALLYBUS_APPS_TALLYBUSD_CONFIG_CONFIG_READER_H_
