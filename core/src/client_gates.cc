// A stream that waits is a short list: the first has a gate, others may.
#include "client_gates.h"

#include <algorithm>
#include <iterator>

namespace tallybus {
namespace {

constexpr const char* kEndWords[kGateEnds] = {"overwritten", "unchanged", "no_body",  "not_json",
                                              "failed",      "timed_out", "endpoint", "unanswered",
                                              "batch",       "crowded",   "memory",   "stopped"};

absl::Duration SinceStart(MonoTime time) { return time - MonoTime(); }

bool WaitsFor(const ClientCopy& copy, SpoolSeq row) {
  return copy.gate != nullptr && copy.gate->row == row;
}

}  // namespace

ClientGates::ClientGates(Metrics& metrics)
    : replaced_(metrics.GetCounter("tallybus_overwrite_fields_total",
                                   "Listed fields of answers under restPolicy OVERWRITE",
                                   {{"result", "replaced"}})),
      wrong_type_(
          metrics.GetCounter("tallybus_overwrite_fields_total", "", {{"result", "wrong_type"}})),
      unknown_(metrics.GetCounter("tallybus_overwrite_fields_total", "", {{"result", "unknown"}})),
      waiting_(metrics.GetGauge("tallybus_client_copies_waiting",
                                "Clients' copies that wait for a backend's answer, and those "
                                "behind them")) {
  for (size_t i = 0; i < kGateEnds; ++i) {
    ends_[i] = &metrics.GetCounter(
        "tallybus_overwrite_copies_total",
        "Clients' copies under restPolicy OVERWRITE, by what let them go", {{"end", kEndWords[i]}});
  }
}

void ClientGates::CountFields(const Overwritten& overwritten) {
  replaced_.Add(overwritten.replaced);
  wrong_type_.Add(overwritten.wrong_type);
  unknown_.Add(overwritten.unknown);
}

// What it costs to let it wait, its places in the tables included.
size_t ClientGates::BytesOf(const ClientCopy& copy) {
  constexpr size_t kPlaces = 256;
  return sizeof(ClientCopy) + kPlaces + copy.event->MemoryBytes() + copy.json.size();
}

const ClientCopy* ClientGates::Find(SpoolSeq row) const {
  auto found = by_row_.find(row);
  if (found == by_row_.end()) return nullptr;
  const std::vector<ClientCopy>& copies = found->second->copies;
  return &*std::find_if(copies.begin(), copies.end(),
                        [row](const ClientCopy& copy) { return WaitsFor(copy, row); });
}

ClientGates::Copies ClientGates::Take(ClientCopy copy) {
  Copies out;
  std::string key = ClientOrderKey(copy.about != nullptr ? *copy.about : *copy.event);
  copy.about = nullptr;
  auto found = streams_.find(key);
  if (found == streams_.end() && copy.gate == nullptr) {
    out.push_back(std::move(copy));
    return out;
  }
  if (found == streams_.end()) {
    auto stream = std::make_unique<Stream>();
    stream->key = key;
    found = streams_.emplace(std::move(key), std::move(stream)).first;
  }
  Stream& stream = *found->second;
  if (copy.gate != nullptr) {
    by_row_[copy.gate->row] = &stream;
    due_.emplace(SinceStart(copy.gate->until), copy.gate->row);
  }
  ++size_;
  bytes_ += BytesOf(copy);
  stream.copies.push_back(std::move(copy));
  LetGo(stream, &out);
  waiting_.Set(static_cast<int64_t>(size_));
  return out;
}

void ClientGates::OpenGate(ClientCopy& copy, GateEnd end) {
  due_.erase({SinceStart(copy.gate->until), copy.gate->row});
  by_row_.erase(copy.gate->row);
  copy.gate = nullptr;
  Count(end);
}

// False: nothing of it waits any more, and it is gone.
bool ClientGates::Flush(Stream& stream, Copies* out) {
  auto shut = std::find_if(stream.copies.begin(), stream.copies.end(),
                           [](const ClientCopy& copy) { return copy.gate != nullptr; });
  for (auto copy = stream.copies.begin(); copy != shut; ++copy) {
    --size_;
    bytes_ -= BytesOf(*copy);
  }
  out->insert(out->end(), std::make_move_iterator(stream.copies.begin()),
              std::make_move_iterator(shut));
  stream.copies.erase(stream.copies.begin(), shut);
  if (!stream.copies.empty()) return true;
  const std::string key = std::move(stream.key);
  streams_.erase(key);
  return false;
}

// What may go goes; and where too much waits, gates of this stream open.
void ClientGates::LetGo(Stream& stream, Copies* out) {
  while (Flush(stream, out)) {
    const bool crowded = stream.copies.size() > kMostBehind + 1;
    if (!crowded && bytes_ <= kMostBytes) return;
    OpenGate(stream.copies.front(), crowded ? GateEnd::kCrowded : GateEnd::kMemory);
  }
}

ClientGates::Copies ClientGates::Open(SpoolSeq row, GateEnd end, std::string json) {
  Copies out;
  auto found = by_row_.find(row);
  if (found == by_row_.end()) return out;
  Stream& stream = *found->second;
  for (ClientCopy& copy : stream.copies) {
    if (!WaitsFor(copy, row)) continue;
    OpenGate(copy, end);
    bytes_ += json.size();
    copy.json = std::move(json);
    break;
  }
  LetGo(stream, &out);
  waiting_.Set(static_cast<int64_t>(size_));
  return out;
}

ClientGates::Copies ClientGates::OpenWhere(const std::function<bool(const ClientCopy&)>& fits,
                                           GateEnd end) {
  std::vector<SpoolSeq> rows;
  for (const auto& [due, row] : due_) {
    if (fits(*Find(row))) rows.push_back(row);
  }
  Copies out;
  for (SpoolSeq row : rows) {
    Copies gone = Open(row, end);
    std::move(gone.begin(), gone.end(), std::back_inserter(out));
  }
  return out;
}

ClientGates::Copies ClientGates::TakeDue(MonoTime now) {
  Copies out;
  while (!due_.empty() && due_.begin()->first <= SinceStart(now)) {
    Copies gone = Open(due_.begin()->second, GateEnd::kTimedOut);
    std::move(gone.begin(), gone.end(), std::back_inserter(out));
  }
  return out;
}

std::optional<MonoTime> ClientGates::NextDue() const {
  if (due_.empty()) return std::nullopt;
  return MonoTime::AtOffset(due_.begin()->first);
}

}  // namespace tallybus
