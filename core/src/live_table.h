// What has begun and not ended: the streams and sessions of each publisher, and what is said in its
// place when it is lost.
#ifndef TALLYBUS_LIVE_TABLE_H_
#define TALLYBUS_LIVE_TABLE_H_

#include <absl/container/btree_set.h>
#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
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

#include "live_entry.h"
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
    const LiveEntry& entry;
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
  struct Source {
    // By what SetLiveKey says.
    absl::flat_hash_set<LiveEntryPtr, LiveEntryHash, LiveEntryEqual> entries;
    std::map<std::string, std::string> sessions;  // open ones' apps, by id
    std::string node_id;      // as its HELLO said; where it says none, as its first event did
    bool superseded = false;  // has entries in superseded_
  };
  struct Superseded {
    std::string source, key;
  };
  using Sources = absl::node_hash_map<std::string, Source>;
  using Held = Sources::value_type;  // a source by its name
  struct Row {
    const LiveEntry* entry;
    const Held* held;
  };
  struct RowOrder {
    using is_transparent = void;
    bool operator()(const Row& a, const Row& b) const {
      return std::pair(a.entry->key(), a.held) < std::pair(b.entry->key(), b.held);
    }
    bool operator()(const Row& row, std::string_view key) const { return row.entry->key() < key; }
    bool operator()(std::string_view key, const Row& row) const { return key < row.entry->key(); }
  };

  Held& HeldBy(const std::string& name);
  // In the place of what its source has under its key.
  void Keep(Held& held, LiveEntryPtr entry);
  // Whether there was one.
  bool Drop(Held& held, std::string_view key);
  void Erase(Held& held, const std::string& key, Changes* changes);
  // Takes the session off the list, once neither its engine nor an event says that it lives.
  void Strike(const Held& held, const std::string& session_id);
  void ForgetSuperseded(Held& held);
  static Listed AsListed(const LiveEntry& entry, const Held& held);
  static Listed AsListed(const std::string& session_id, const Held& held);

  const FieldSetPtr sdp_ = std::make_shared<const FieldSet>(FieldSet{"sdp"});
  Sources by_name_;
  Held* last_ = nullptr;  // whose event was noted last; nullptr: not known
  std::string key_;       // of that event
  // All streams by their keys and all sessions by their ids, so that pages of them cost what they
  // hold.
  absl::btree_set<Row, RowOrder> streams_;
  std::set<std::pair<std::string, const Held*>> sessions_;
  absl::flat_hash_map<std::string, Superseded> superseded_;  // by lane; for seconds, mostly empty
  size_t size_ = 0;
};

}  // namespace tallybus

#endif  // TALLYBUS_LIVE_TABLE_H_
