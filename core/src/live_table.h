// What has begun and not ended: the streams and sessions of each publisher, and what is said in its
// place when it is lost.
#ifndef TALLYBUS_LIVE_TABLE_H_
#define TALLYBUS_LIVE_TABLE_H_

#include <absl/container/flat_hash_map.h>
#include <absl/container/node_hash_map.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tallybus/clock.h"
#include "tallybus/event.h"
#include "tallybus/spool.h"

namespace tallybus {

// [router] What changes is appended to `changes`, for the transaction of the events that go with
// it.
class LiveTable {
 public:
  using Changes = std::vector<LiveRecord>;

  // What an earlier process left; it counts as heard of now.
  void Take(LiveRecord record, MonoTime now);

  // An event of this source begins something, goes on with it, or ends it. Only the first object
  // of each status is kept: a bitrate is not worth a write.
  // True where a stream begins.
  bool Note(const std::string& source, const Event& event, MonoTime now, Changes* changes);
  // What to call the source in events that it does not say itself.
  void Name(const std::string& source, const std::string& node_id) {
    by_name_[source].node_id = node_id;
  }
  // A session was opened or closed; the session table keeps it.
  void NoteSession(const std::string& source, const SessionChange& change);

  // The source's node began anew: what an earlier source of it holds is to end before this one
  // takes its lane. One of them that says anything more is no earlier one, it lives.
  void Supersede(const std::string& source);
  // The end of the stream or session that an earlier source holds in this lane; it is forgotten
  // there. Before Note and NoteSession.
  std::optional<Event> EndSuperseded(const std::string& source, const std::string& lane,
                                     std::string_view info, absl::Time now, Changes* changes);

  // The ends of all that the source left live, streams first. With `lost` they are remembered in
  // case that it comes back, else forgotten.
  std::vector<Event> End(const std::string& source, std::string_view info, bool lost,
                         absl::Time now, Changes* changes);
  // It was not lost after all: the status of each stream and session whose end was told.
  std::vector<Event> Return(const std::string& source, absl::Time now, Changes* changes);
  void Forget(const std::string& source, Changes* changes);
  void ForgetSession(const std::string& session_id);
  // The ids of the sessions that it opened and did not close.
  std::vector<std::string> SessionsOf(const std::string& source) const;
  // Whether ends were told in its place, and it did not come back.
  bool HasLost(const std::string& source) const;
  // The ends of streams of open-bus nodes that were not heard of for as long as `limit` says of
  // their app; those of nodes that `watched` names are left to their heartbeats.
  using Limit = std::function<std::optional<absl::Duration>(std::string_view app)>;
  std::vector<Event> EndStale(const Limit& limit,
                              const std::function<bool(const std::string& source)>& watched,
                              MonoTime now, absl::Time wall, Changes* changes);

  // A stream that lives, by names that stay good while it does.
  struct StreamName {
    std::string source;
    std::string key;
  };
  static StreamName NameOf(const std::string& source, const Event& event);
  // Its last status as an event of now; nullopt: it has ended, or was lost with its engine.
  std::optional<Event> Find(const StreamName& stream, absl::Time now) const;
  // Who holds the stream that the event is about; empty: nobody.
  std::string SourceOfStream(const Event& event) const;
  // One stream that lives; of one whose engine was lost, its end was told.
  struct Stream {
    const std::string& source;
    const std::string& key;
    const std::string& app_key;
    const std::string& session_id;
    const std::string& name;
    const std::string& json;
  };
  void ForEachStream(const std::function<void(const Stream&)>& visit) const;

  // A stream or session on the list; its texts are good during the call.
  struct Listed {
    std::string_view key;  // behind its kind
    StreamName stream;
    std::string_view node_id = {}, app_key = {}, session_id = {}, name = {}, status = {};
    bool lives = true;  // false: its end was told for an engine that was lost
  };
  // All of a kind in the order of their keys, from behind `after` on, until `visit` says false.
  void Walk(bool streams, std::string_view after,
            const std::function<bool(const Listed&)>& visit) const;

  bool HasSuperseded() const { return !superseded_.empty(); }

  size_t size() const { return size_; }

 private:
  struct Entry {
    std::string status;
    std::string app_key;
    std::string session_id;
    std::string name;
    std::string json;
    MonoTime heard;
    bool lost = false;
  };
  struct Source {
    absl::flat_hash_map<std::string, Entry> entries;  // by what SetLiveKey says
    std::map<std::string, std::string> sessions;      // open ones' apps, by id
    std::string node_id;      // as its HELLO said; where it says none, as its first event did
    bool superseded = false;  // has entries in superseded_
  };
  struct Superseded {
    std::string source, key;
  };
  // Puts it on the list, or takes it off where nothing more is known of it.
  void Enlist(const std::string& source, const std::string& key);
  void Strike(const std::string& source, const std::string& key);
  void ForgetSuperseded(Source& source, const std::string& name);
  void Erase(Source& source, const std::string& name, const std::string& key, Changes* changes);

  const FieldSetPtr sdp_ = std::make_shared<const FieldSet>(FieldSet{"sdp"});
  using Sources = absl::node_hash_map<std::string, Source>;
  Source& SourceOf(const std::string& name);

  Sources by_name_;
  Sources::value_type* last_ = nullptr;  // whose event was noted last; nullptr: not known
  std::string key_;                      // of that event
  // The keys of all streams and sessions, so that pages of them cost what they hold.
  std::set<std::pair<std::string, const Sources::value_type*>> listed_;
  absl::flat_hash_map<std::string, Superseded> superseded_;  // by lane; for seconds, mostly empty
  size_t size_ = 0;
};

}  // namespace tallybus

#endif  // TALLYBUS_LIVE_TABLE_H_
