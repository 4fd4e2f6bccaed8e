// Texts stay texts, so that sqlite3 shows them; a checksum over all finds a flipped bit.
#include "spool/row_columns.h"

#include <array>
#include <cstring>
#include <limits>
#include <memory>
#include <string_view>

namespace tallybus {
namespace {

enum Flag : uint32_t {
  kPublished = 1,
  kTerminal = 2,
  kFromRouter = 4,
  kFail = 8,
  kGuaranteed = 16,
};

uint32_t FlagsOf(const SpoolRow& row) {
  return (row.event->published ? kPublished : 0u) | (row.event->terminal ? kTerminal : 0u) |
         (row.event->from_router ? kFromRouter : 0u) |
         (row.on_error == OnError::kFail ? kFail : 0u) |
         (row.delivery == DeliveryMode::kGuaranteed ? kGuaranteed : 0u);
}

// Eight bytes at a time; any flipped bit changes the product.
class Checksum {
 public:
  void Add(uint64_t word) { sum_ = (sum_ ^ word) * 0x9e3779b97f4a7c15u ^ (sum_ >> 29); }
  void Add(std::string_view text) {
    Add(text.size());
    uint64_t word = 0;
    for (; text.size() >= sizeof word; text.remove_prefix(sizeof word)) {
      std::memcpy(&word, text.data(), sizeof word);
      Add(word);
    }
    word = 0;
    std::memcpy(&word, text.data(), text.size());
    Add(word);
  }
  int64_t Value() const { return static_cast<int64_t>(sum_); }
  // So many bits of it, and never 0.
  int64_t Short(int bits) const {
    uint64_t mixed = sum_;
    for (int i = 0; i < 2; ++i) mixed = (mixed ^ (mixed >> 32)) * 0x9e3779b97f4a7c15u;
    return static_cast<int64_t>(mixed >> (64 - bits)) | 1;
  }

 private:
  uint64_t sum_ = 0xcbf29ce484222325u;
};

using Texts = std::array<std::string_view, 8>;

Texts TextsOf(const Event& event) {
  return {event.method,           event.node_id, event.app_key, event.session_id,
          event.media_session_id, event.name,    event.status,  event.json};
}

constexpr int64_t kMayHaveArrived = 1;
constexpr int64_t kReordered = 2;
constexpr int64_t kTried = 4;
constexpr int64_t kFlags = 255;

constexpr int64_t kTerminalKind = 1;
constexpr int64_t kReplayedKind = 2;

constexpr int kRowCheckBits = 28;
constexpr int kProgressCheckBits = 27;
constexpr int kProgressCheckAt = 8 + kRowCheckBits;
constexpr int kLaneCheckBits = 54;

int64_t FlagsOf(const Progress& progress) {
  return (progress.may_have_arrived ? kMayHaveArrived : 0) | (progress.reordered ? kReordered : 0);
}

int64_t RowCheck(const WaitingRow& row) {
  Checksum sum;
  for (uint64_t number :
       {row.seq, row.lane, uint64_t{row.bytes}, static_cast<uint64_t>(KindColumn(row)),
        static_cast<uint64_t>(ColumnTime(row.accepted))}) {
    sum.Add(number);
  }
  return sum.Short(kRowCheckBits) << 8;
}

// Only of what was tried the columns beside the flags are read at a start.
int64_t ProgressCheck(const Progress& progress, int64_t flags) {
  Checksum sum;
  sum.Add(progress.seq);
  sum.Add(static_cast<uint64_t>(flags));
  if ((flags & kTried) != 0) {
    for (int64_t number :
         {int64_t{progress.attempts}, int64_t{progress.tries},
          absl::ToInt64Microseconds(progress.own_time), ColumnTime(progress.due)}) {
      sum.Add(static_cast<uint64_t>(number));
    }
  }
  return sum.Short(kProgressCheckBits) << kProgressCheckAt;
}

int64_t LaneCheck(const LaneRecord& lane) {
  Checksum sum;
  sum.Add(lane.id);
  sum.Add(lane.route);
  sum.Add(lane.key);
  sum.Add(lane.last_sequence);
  sum.Add(uint64_t{lane.ended});
  return sum.Short(kLaneCheckBits) << 8;
}

int64_t ChecksumOf(const SpoolRow& row) {
  Checksum sum;
  for (uint64_t number :
       {row.seq, row.lane, row.lane_sequence, static_cast<uint64_t>(ColumnTime(row.accepted)),
        uint64_t{FlagsOf(row)}, uint64_t{row.coalesced}, uint64_t{row.replays}, row.event->id.epoch,
        row.event->id.sequence, static_cast<uint64_t>(ColumnTime(row.event->time))}) {
    sum.Add(number);
  }
  for (std::string_view text : TextsOf(*row.event)) sum.Add(text);
  return sum.Value();
}

}  // namespace

int64_t KindColumn(const WaitingRow& row) {
  return (row.terminal ? kTerminalKind : 0) | (row.replayed ? kReplayedKind : 0);
}

void TakeKind(int64_t column, WaitingRow* row) {
  row->terminal = (column & kTerminalKind) != 0;
  row->replayed = (column & kReplayedKind) != 0;
}

int64_t MarksOf(const WaitingRow& row) {
  const int64_t flags = FlagsOf(row.progress);
  return flags | RowCheck(row) | ProgressCheck(row.progress, flags);
}

int64_t MarksOf(const Progress& progress) {
  const int64_t flags = FlagsOf(progress) | kTried;
  return flags | ProgressCheck(progress, flags);
}

bool WasTried(int64_t marks) { return (marks & kTried) != 0; }

bool TakeMarks(int64_t marks, WaitingRow* row) {
  row->progress.may_have_arrived = (marks & kMayHaveArrived) != 0;
  row->progress.reordered = (marks & kReordered) != 0;
  const int64_t flags = marks & kFlags;
  const int64_t row_check = marks & kRowCheck;
  const int64_t progress_check = marks & ~kRowCheck & ~int64_t{kFlags};
  return (row_check == 0 || row_check == RowCheck(*row)) &&
         (progress_check == 0 || progress_check == ProgressCheck(row->progress, flags));
}

WaitingRow WaitingOf(const SpoolRow& row) {
  WaitingRow waiting;
  waiting.seq = waiting.progress.seq = row.seq;
  waiting.lane = row.lane;
  waiting.bytes = static_cast<uint32_t>(row.Bytes());
  waiting.terminal = row.event->terminal;
  waiting.accepted = row.accepted;
  waiting.replayed = waiting.progress.may_have_arrived = row.replays > 0;
  return waiting;
}

int64_t EndedColumn(const LaneRecord& lane) { return (lane.ended ? 1 : 0) | LaneCheck(lane); }

bool TakeEnded(int64_t column, LaneRecord* lane) {
  lane->ended = (column & kFlags) != 0;
  return column >> 8 == 0 || column == EndedColumn(*lane);
}

int64_t ColumnTime(absl::Time time) {
  if (time == absl::InfinitePast()) return std::numeric_limits<int64_t>::min();
  if (time == absl::InfiniteFuture()) return std::numeric_limits<int64_t>::max();
  return absl::ToUnixMicros(time);
}

absl::Time TimeOfColumn(int64_t us) {
  if (us == std::numeric_limits<int64_t>::min()) return absl::InfinitePast();
  if (us == std::numeric_limits<int64_t>::max()) return absl::InfiniteFuture();
  return absl::FromUnixMicros(us);
}

void BindRow(const SpoolRow& row, SqliteStatement* statement) {
  const Event& event = *row.event;
  statement->Bind(row.seq)
      .Bind(row.lane)
      .Bind(row.lane_sequence)
      .Bind(ColumnTime(row.accepted))
      .Bind(FlagsOf(row))
      .Bind(row.coalesced)
      .Bind(row.replays)
      .Bind(event.id.epoch)
      .Bind(event.id.sequence)
      .Bind(ColumnTime(event.time));
  for (std::string_view text : TextsOf(event)) statement->Bind(text);
  statement->Bind(ChecksumOf(row));
}

absl::Status ReadRow(SqliteStatement* statement, SpoolRow* row) {
  auto event = std::make_shared<Event>();
  row->seq = statement->Uint();
  row->lane = statement->Uint();
  row->lane_sequence = statement->Uint();
  row->accepted = TimeOfColumn(statement->Int());
  const auto flags = static_cast<uint32_t>(statement->Uint());
  row->coalesced = static_cast<uint32_t>(statement->Uint());
  row->replays = static_cast<uint32_t>(statement->Uint());
  event->id.epoch = statement->Uint();
  event->id.sequence = statement->Uint();
  event->time = TimeOfColumn(statement->Int());
  for (std::string* text : {&event->method, &event->node_id, &event->app_key, &event->session_id,
                            &event->media_session_id, &event->name, &event->status, &event->json}) {
    *text = statement->Text();
  }
  event->published = (flags & kPublished) != 0;
  event->terminal = (flags & kTerminal) != 0;
  event->from_router = (flags & kFromRouter) != 0;
  row->on_error = (flags & kFail) != 0 ? OnError::kFail : OnError::kLog;
  row->delivery = (flags & kGuaranteed) != 0 ? DeliveryMode::kGuaranteed : DeliveryMode::kNotify;
  row->event = std::move(event);
  if (statement->Int() == ChecksumOf(*row)) return absl::OkStatus();
  return absl::DataLossError("spool: an event's checksum does not fit its bytes");
}

}  // namespace tallybus
