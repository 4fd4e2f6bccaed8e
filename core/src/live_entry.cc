// The object of an event holds most of its texts: what stands in it is not kept a second time.
#include "live_entry.h"

#include <algorithm>
#include <string>

namespace tallybus {

std::unique_ptr<LiveEntry> LiveEntry::Make(const Texts& texts, MonoTime heard, bool lost) {
  std::string all;
  all.reserve(texts.key.size() + texts.json.size() + 128);
  all.append(texts.key).append(texts.json);
  const auto place = [&all](std::string_view text) {
    size_t at = all.find(text);
    if (at == std::string::npos) {  // written in other characters there, or not at all
      at = all.size();
      all.append(text);
    }
    return Place{static_cast<uint32_t>(at), static_cast<uint32_t>(text.size())};
  };
  const Place status = place(texts.status), app_key = place(texts.app_key);
  const Place session_id = place(texts.session_id), name = place(texts.name);
  std::unique_ptr<LiveEntry> entry(new (all.size()) LiveEntry(heard, lost));
  entry->key_size_ = static_cast<uint32_t>(texts.key.size());
  entry->json_size_ = static_cast<uint32_t>(texts.json.size());
  entry->status_ = status;
  entry->app_key_ = app_key;
  entry->session_id_ = session_id;
  entry->name_ = name;
  std::copy(all.begin(), all.end(), reinterpret_cast<char*>(entry.get() + 1));
  return entry;
}

}  // namespace tallybus
