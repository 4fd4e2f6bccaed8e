// One file as a kernel sees it: what is on the disk, and the writes that no sync has followed.
#ifndef TALLYBUS_TESTS_SUPPORT_UNSYNCED_FILE_H_
#define TALLYBUS_TESTS_SUPPORT_UNSYNCED_FILE_H_

#include <sqlite3.h>

#include <array>
#include <cstdint>
#include <map>
#include <random>

namespace tallybus::testing {

// One thread at a time. `disk` is the real file, open. Results are those of SQLite.
class UnsyncedFile {
 public:
  explicit UnsyncedFile(int64_t size) : size_(size), valid_(size) {}

  int64_t size() const { return size_; }
  int Read(sqlite3_file* disk, char* to, int64_t count, int64_t at) const;
  int Write(sqlite3_file* disk, const char* from, int64_t count, int64_t at);
  void Truncate(int64_t size);
  // Brings some of the sectors of a write to the disk ahead of the sync: none, all, the first ones
  // or any. Whatever ends the process then leaves a torn write.
  int Tear(sqlite3_file* disk, int64_t count, int64_t at, std::mt19937_64& random) const;
  int Sync(sqlite3_file* disk);
  // As Linux does it: what the disk did not take can still be read, and no later sync tries again.
  void LoseUnsynced();

 private:
  static constexpr int64_t kBlock = 4096;
  static constexpr int64_t kSector = 512;
  struct Block {
    std::array<char, kBlock> bytes;
    bool dirty = true;
  };
  int Load(sqlite3_file* disk, int64_t index, Block* block) const;

  int64_t size_;
  int64_t valid_;  // what the disk has beyond it was cut off
  std::map<int64_t, Block> blocks_;
};

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_SUPPORT_UNSYNCED_FILE_H_
