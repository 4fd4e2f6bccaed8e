// A kind is a hash: 64 bits for the words that must be the same.
#include "delivery/coalescing.h"

#include <functional>
#include <string_view>

namespace tallybus {

size_t KindOf(const SpoolRow& row) {
  const Event& event = *row.event;
  if (event.terminal || event.status.empty() || event.from_router || row.replays > 0) return 0;
  size_t kind = 0;
  for (std::string_view word : {std::string_view(event.method), std::string_view(event.status),
                                std::string_view(event.media_session_id),
                                std::string_view(event.session_id), std::string_view(event.name)}) {
    kind = kind * 31 + std::hash<std::string_view>()(word);
  }
  return kind | 1;
}

void Replaced::Hold(const Waiting& older, SpoolSeq newer, bool committed) {
  older_.emplace(newer, older);
  if (!committed) outdated_.insert(older.seq);
}

std::optional<Waiting> Replaced::TakeOlder(SpoolSeq newer) {
  auto found = older_.find(newer);
  if (found == older_.end()) return std::nullopt;
  const Waiting older = found->second;
  older_.erase(found);
  return older;
}

}  // namespace tallybus
