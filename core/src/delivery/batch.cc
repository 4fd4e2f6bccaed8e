// Rows are never moved: a part is a range of them.
#include "delivery/batch.h"

#include <utility>

namespace tallybus {

void Batch::Add(Row row) {
  bytes_ += row.what.bytes;
  if (row.body == nullptr) ++missing_;
  rows_.push_back(std::move(row));
}

void Batch::SetBody(size_t index, SpoolRowPtr body) {
  --missing_;
  rows_[index].body = std::move(body);
}

std::span<Batch::Row> Batch::Part() {
  const size_t end = ends_.empty() ? rows_.size() : ends_.back();
  return std::span(rows_).subspan(begin_, end - begin_);
}

void Batch::Split() { ends_.push_back(begin_ + (Part().size() + 1) / 2); }

bool Batch::NextPart() {
  begin_ += Part().size();
  if (!ends_.empty()) ends_.pop_back();
  return begin_ < rows_.size();
}

}  // namespace tallybus
