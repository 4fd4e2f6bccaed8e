// Blocks of the size of a page of the kernel's cache.
#include "tests/support/unsynced_file.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string>

namespace tallybus::testing {
namespace {

constexpr size_t kMaxWrite = 65536;  // SQLite takes less than 128 KiB at once

int ReadDisk(sqlite3_file* disk, char* to, int64_t count, int64_t at) {
  const int result = disk->pMethods->xRead(disk, to, static_cast<int>(count), at);
  return result == SQLITE_IOERR_SHORT_READ ? SQLITE_OK : result;  // it filled up with zeros
}

int WriteDisk(sqlite3_file* disk, const char* from, int64_t count, int64_t at) {
  return disk->pMethods->xWrite(disk, from, static_cast<int>(count), at);
}

}  // namespace

int UnsyncedFile::Load(sqlite3_file* disk, int64_t index, Block* block) const {
  block->bytes.fill(0);
  const int64_t on_disk = std::clamp<int64_t>(valid_ - index * kBlock, 0, kBlock);
  return on_disk == 0 ? SQLITE_OK : ReadDisk(disk, block->bytes.data(), on_disk, index * kBlock);
}

int UnsyncedFile::Read(sqlite3_file* disk, char* to, int64_t count, int64_t at) const {
  const int64_t end = std::max(at, std::min(at + count, size_));
  std::memset(to + (end - at), 0, static_cast<size_t>(count - (end - at)));
  auto first = blocks_.lower_bound(at / kBlock);
  if ((first == blocks_.end() || first->first * kBlock >= end) && end <= valid_) {
    const int result = ReadDisk(disk, to, end - at, at);
    if (result != SQLITE_OK) return result;
    return end == at + count ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
  }
  for (int64_t from = at; from < end;) {
    const int64_t index = from / kBlock;
    const int64_t piece = std::min(end, (index + 1) * kBlock) - from;
    auto found = blocks_.find(index);
    Block loaded;
    if (found == blocks_.end()) {
      if (const int result = Load(disk, index, &loaded); result != SQLITE_OK) return result;
    }
    const Block& block = found == blocks_.end() ? loaded : found->second;
    std::memcpy(to + (from - at), block.bytes.data() + from % kBlock, static_cast<size_t>(piece));
    from += piece;
  }
  return end == at + count ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

int UnsyncedFile::Write(sqlite3_file* disk, const char* from, int64_t count, int64_t at) {
  for (int64_t to = at; to < at + count;) {
    const int64_t index = to / kBlock;
    const int64_t piece = std::min(at + count, (index + 1) * kBlock) - to;
    auto [block, is_new] = blocks_.try_emplace(index);
    if (is_new) {
      if (const int result = Load(disk, index, &block->second); result != SQLITE_OK) return result;
    }
    block->second.dirty = true;
    std::memcpy(block->second.bytes.data() + to % kBlock, from + (to - at),
                static_cast<size_t>(piece));
    to += piece;
  }
  size_ = std::max(size_, at + count);
  return SQLITE_OK;
}

void UnsyncedFile::Truncate(int64_t size) {
  if (size < size_) {
    blocks_.erase(blocks_.lower_bound((size + kBlock - 1) / kBlock), blocks_.end());
    auto last = blocks_.find(size / kBlock);
    if (last != blocks_.end()) {
      std::fill(last->second.bytes.begin() + size % kBlock, last->second.bytes.end(), 0);
    }
  }
  valid_ = std::min(valid_, size);
  size_ = size;
}

int UnsyncedFile::Tear(sqlite3_file* disk, int64_t count, int64_t at,
                       std::mt19937_64& random) const {
  const int64_t first = at / kSector;
  const int64_t sectors = (at + count - 1) / kSector - first + 1;
  const uint64_t kind = random() % 4;
  const int64_t prefix = kind == 1 ? sectors
                         : kind == 2
                             ? static_cast<int64_t>(random() % static_cast<uint64_t>(sectors))
                             : 0;
  for (int64_t i = 0; i < sectors; ++i) {
    if (kind == 3 ? random() % 2 == 0 : i >= prefix) continue;
    const int64_t from = (first + i) * kSector;
    const Block& block = blocks_.at(from / kBlock);
    const int result =
        WriteDisk(disk, block.bytes.data() + from % kBlock, std::min(kSector, size_ - from), from);
    if (result != SQLITE_OK) return result;
  }
  return SQLITE_OK;
}

int UnsyncedFile::Sync(sqlite3_file* disk) {
  sqlite3_int64 on_disk = 0;
  int result = disk->pMethods->xFileSize(disk, &on_disk);
  if (result == SQLITE_OK && on_disk > valid_) result = disk->pMethods->xTruncate(disk, valid_);
  std::string run;  // of blocks that follow each other
  for (auto block = blocks_.begin(); block != blocks_.end() && result == SQLITE_OK; ++block) {
    if (!block->second.dirty) continue;
    run.append(block->second.bytes.data(), kBlock);
    auto next = std::next(block);
    const int64_t end = (block->first + 1) * kBlock;
    const bool goes_on = next != blocks_.end() && next->second.dirty && next->first * kBlock == end;
    if (goes_on && run.size() < kMaxWrite) continue;
    const int64_t at = end - static_cast<int64_t>(run.size());
    result = WriteDisk(disk, run.data(), std::min(end, size_) - at, at);
    run.clear();
  }
  if (result != SQLITE_OK) return result;
  valid_ = size_;
  std::erase_if(blocks_, [](const auto& block) { return block.second.dirty; });
  return SQLITE_OK;
}

void UnsyncedFile::LoseUnsynced() {
  for (auto& [index, block] : blocks_) block.dirty = false;
}

}  // namespace tallybus::testing
