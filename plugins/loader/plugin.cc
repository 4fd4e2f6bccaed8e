// dlopen, and the checks of what the one symbol returns.
#include "plugins/loader/plugin.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <dlfcn.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "plugins/engine/versioned.h"
#include "plugins/loader/elf_file.h"
#include "plugins/loader/plugin_call.h"
#include "plugins/loader/plugin_thread.h"
#include "plugins/loader/printable.h"

namespace tallybus::loader {
namespace {

// What version 1.0 has.
constexpr size_t kSmallestEntry =
    offsetof(tallybus_transport_entry, create) + sizeof(tallybus_transport_entry::create);
constexpr size_t kMostOptions = 256;
constexpr size_t kLongestScheme = 32;
constexpr size_t kLongestOption = 64;
constexpr size_t kLongestName = 64;
constexpr size_t kLongestMeaning = 256;

absl::Status Wrong(const std::string& path, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
}

// A text of the plugin's, as far as it may go; none where it is longer, missing or not printable.
std::optional<std::string> Text(const char* text, size_t longest) {
  if (text == nullptr) return std::nullopt;
  const size_t size = strnlen(text, longest + 1);
  if (size == 0 || size > longest) return std::nullopt;
  std::string copy(text, size);
  return copy == Printable(copy, longest) ? std::optional(std::move(copy)) : std::nullopt;
}

// [a-z][a-z0-9 and `more`]*
bool IsIdentifier(const std::string& text, std::string_view more) {
  return absl::ascii_islower(static_cast<unsigned char>(text[0])) &&
         std::all_of(text.begin(), text.end(), [more](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return absl::ascii_islower(byte) || absl::ascii_isdigit(byte) ||
                  more.find(c) != std::string_view::npos;
         });
}

absl::StatusOr<OptionSpec> ReadOption(const std::string& path, size_t index,
                                      const tallybus_option_spec* written) {
  const std::string which = absl::StrCat("its option ", index);
  tallybus_option_spec storage;
  const tallybus_option_spec* spec = engine::ReadVersioned(written, &storage);
  if (spec == nullptr)
    return Wrong(path, which + " is missing, or has a struct_size of no version");
  const auto name = Text(spec->name, kLongestOption);
  if (!name || !IsIdentifier(*name, "_.")) {
    return Wrong(path, which + " has a name that is none: [a-z][a-z0-9_.]{0,63}");
  }
  const auto meaning = Text(spec->meaning, kLongestMeaning);
  if (!meaning) return Wrong(path, "its option " + *name + " has no meaning in one line");
  int type = 0;  // read as a number: it may be none of the enum
  static_assert(sizeof type == sizeof spec->type);
  std::memcpy(&type, &spec->type, sizeof type);
  if (type < TALLYBUS_OPTION_TEXT || type > TALLYBUS_OPTION_SECRET) {
    return Wrong(path, absl::StrCat("its option ", *name, " has a type that is none: ", type));
  }
  return OptionSpec{*name, *meaning, static_cast<OptionType>(type),
                    (spec->flags & TALLYBUS_OPTION_REQUIRED) != 0};
}

absl::Status ReadOptions(const tallybus_transport_entry& entry, Plugin* plugin) {
  if (entry.option_count > kMostOptions || (entry.option_count > 0 && entry.options == nullptr)) {
    return Wrong(plugin->path, "its options are missing, or too many");
  }
  for (size_t i = 0; i < entry.option_count; ++i) {
    absl::StatusOr<OptionSpec> spec = ReadOption(plugin->path, i, entry.options[i]);
    if (!spec.ok()) return spec.status();
    for (const OptionSpec& other : plugin->options) {
      if (other.name == spec->name) {
        return Wrong(plugin->path, "it has two options of the name " + spec->name);
      }
    }
    plugin->options.push_back(*std::move(spec));
  }
  return absl::OkStatus();
}

absl::Status CannotLoad(const std::string& path) {
  const char* error = dlerror();
  std::string text = Printable(error == nullptr ? "cannot be loaded" : error, 512);
  if (!text.starts_with(path)) text = path + ": " + text;
  return absl::InvalidArgumentError(text);
}

absl::Status FindEntry(const std::string& path, const tallybus_transport_entry** entry) {
  void* const object = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) return CannotLoad(path);
  const auto function =
      reinterpret_cast<tallybus_transport_entry_fn>(dlsym(object, TALLYBUS_TRANSPORT_ENTRY));
  if (function == nullptr) {
    return Wrong(path, "it is no plugin: it does not export " TALLYBUS_TRANSPORT_ENTRY);
  }
  *entry = function();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PluginPtr> OpenPlugin(const std::string& path, absl::Duration call_limit) {
  struct stat file = {};
  if (stat(path.c_str(), &file) != 0) {
    return Wrong(path, errno == ENOENT ? "there is no such file" : "it cannot be reached");
  }
  if (!S_ISREG(file.st_mode)) return Wrong(path, "it is no file");  // dlopen waits for a pipe
  // The process would end where dlopen reads what is not there.
  if (IsCutShort(path)) return Wrong(path, "it is cut short: copy it again");
  if (absl::Status back = CheckCameBack(path); !back.ok()) {
    return Wrong(path, std::string(back.message()));
  }
  const auto entry = std::make_shared<const tallybus_transport_entry*>(nullptr);
  PluginThread thread("tallybus-plugin");  // its constructors and its entry may not come back
  const absl::Status found = CallInTime(thread, {path, path + ": it", "loading", call_limit},
                                        [path, entry] { return FindEntry(path, entry.get()); });
  return found.ok() ? ReadEntry(path, *entry, call_limit) : found;
}

absl::StatusOr<PluginPtr> ReadEntry(const std::string& path,
                                    const tallybus_transport_entry* written,
                                    absl::Duration call_limit) {
  if (written == nullptr) return Wrong(path, "its " TALLYBUS_TRANSPORT_ENTRY " returns nothing");
  // Of another major, all behind it may be another.
  if (written->struct_size >= offsetof(tallybus_transport_entry, abi_minor) &&
      engine::IsPlausible(written->struct_size) &&
      written->abi_major != TALLYBUS_TRANSPORT_ABI_MAJOR) {
    return Wrong(path, absl::StrCat("it is built for version ", written->abi_major,
                                    " of the transport interface; this router has version ",
                                    TALLYBUS_TRANSPORT_ABI_MAJOR));
  }
  auto plugin = std::make_shared<Plugin>();
  const tallybus_transport_entry* entry = engine::ReadVersioned(written, &plugin->entry);
  if (entry == nullptr || written->struct_size < kSmallestEntry) {
    return Wrong(path, absl::StrCat("its entry has a struct_size of no version that this router "
                                    "knows: ",
                                    written->struct_size));
  }
  plugin->entry = *entry;
  plugin->path = path;
  plugin->call_limit = call_limit;
  const auto scheme = Text(entry->scheme, kLongestScheme);
  if (!scheme || !IsIdentifier(*scheme, "_-")) {
    return Wrong(path, "its scheme is none: [a-z][a-z0-9_-]{0,31}");
  }
  const auto name = Text(entry->name, kLongestName);
  const auto version = Text(entry->version, kLongestName);
  if (!name || !version) {
    return Wrong(path, "its name or version is missing, or more than 64 printable bytes");
  }
  plugin->scheme = *scheme;
  plugin->name = *name;
  plugin->version = *version;
  if (entry->create == nullptr) return Wrong(path, "its entry has no create");
  if (absl::Status options = ReadOptions(*entry, plugin.get()); !options.ok()) return options;
  return PluginPtr(std::move(plugin));
}

std::string ErrorText::TextOr(const std::string& none) {
  text_[sizeof text_ - 1] = '\0';
  const std::string text = Printable(text_, sizeof text_);
  return text.empty() ? none : text;
}

}  // namespace tallybus::loader
