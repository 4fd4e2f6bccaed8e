// SQLite calls it through C tables; each call takes the one lock, for a test has several threads.
#include "tests/support/fault_vfs.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "tests/support/unsynced_file.h"

namespace tallybus::testing {

struct FaultVfs::Disk {
  std::mutex mutex;
  std::condition_variable let_go;
  std::string name;
  Unsynced unsynced = Unsynced::kLost;
  std::mt19937_64 random;
  sqlite3_vfs vfs{};
  sqlite3_vfs* real = nullptr;
  std::map<std::string, UnsyncedFile> files;  // they outlive their handles, as in a kernel
  bool crashed = false;
  uint64_t crash_after = 0;  // 0: not asked for
  bool fail_syncs = false;
  bool fail_reads = false;
  bool hold_syncs = false;
  int64_t capacity = -1;
  std::string beside;
  absl::Duration sync_takes;
  uint64_t syncs = 0;

  int64_t Used() const {
    int64_t used = 0;
    for (const auto& [path, file] : files) used += file.size();
    return used;
  }
  bool HasRoomFor(int64_t more) const {
    if (capacity < 0 || more <= 0 || crashed) return true;
    struct stat other;
    const bool is_there = !beside.empty() && stat(beside.c_str(), &other) == 0;
    return Used() + (is_there ? other.st_size : 0) + more <= capacity;
  }
  void CountOperation() {
    if (crash_after > 0 && --crash_after == 0) crashed = true;
  }
};

// What SQLite sees as a sqlite3_file; the real one lies behind it.
struct FaultVfs::Handle {
  sqlite3_file base;
  Disk* disk;
  UnsyncedFile* file;  // nullptr: of no interest
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

struct FaultVfs::Calls {
  static Handle& Of(sqlite3_file* file) { return *reinterpret_cast<Handle*>(file); }

  static int Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
    auto& disk = *static_cast<Disk*>(vfs->pAppData);
    Handle& handle = Of(file);
    handle = {};
    const int result = disk.real->xOpen(disk.real, name, handle.real(), flags, out);
    if (result != SQLITE_OK) return result;
    handle.base.pMethods = &kMethods;
    handle.disk = &disk;
    if (name == nullptr || (flags & SQLITE_OPEN_DELETEONCLOSE) != 0) return SQLITE_OK;
    sqlite3_int64 size = 0;
    handle.real()->pMethods->xFileSize(handle.real(), &size);
    std::lock_guard lock(disk.mutex);
    handle.file = &disk.files.try_emplace(name, size).first->second;
    return SQLITE_OK;
  }

  static int Delete(sqlite3_vfs* vfs, const char* name, int sync_folder) {
    auto& disk = *static_cast<Disk*>(vfs->pAppData);
    std::lock_guard lock(disk.mutex);
    if (disk.crashed) return SQLITE_OK;
    disk.files.erase(name);
    return disk.real->xDelete(disk.real, name, sync_folder);
  }

  static int Close(sqlite3_file* file) {
    Handle& handle = Of(file);
    return handle.real()->pMethods->xClose(handle.real());
  }

  static int Read(sqlite3_file* file, void* to, int count, sqlite3_int64 at) {
    Handle& handle = Of(file);
    if (handle.file == nullptr) {
      return handle.real()->pMethods->xRead(handle.real(), to, count, at);
    }
    std::lock_guard lock(handle.disk->mutex);
    if (handle.disk->fail_reads) return SQLITE_IOERR_READ;
    return handle.file->Read(handle.real(), static_cast<char*>(to), count, at);
  }

  static int Write(sqlite3_file* file, const void* from, int count, sqlite3_int64 at) {
    Handle& handle = Of(file);
    Disk& disk = *handle.disk;
    if (handle.file == nullptr) {
      return handle.real()->pMethods->xWrite(handle.real(), from, count, at);
    }
    std::lock_guard lock(disk.mutex);
    if (!disk.HasRoomFor(at + count - handle.file->size())) return SQLITE_FULL;
    int result = handle.file->Write(handle.real(), static_cast<const char*>(from), count, at);
    if (result != SQLITE_OK || disk.crashed) return result;
    if (disk.unsynced == Unsynced::kWritten) result = handle.file->Sync(handle.real());
    if (disk.unsynced == Unsynced::kTorn) {
      result = handle.file->Tear(handle.real(), count, at, disk.random);
    }
    disk.CountOperation();
    return result;
  }

  static int Truncate(sqlite3_file* file, sqlite3_int64 size) {
    Handle& handle = Of(file);
    Disk& disk = *handle.disk;
    if (handle.file == nullptr) return handle.real()->pMethods->xTruncate(handle.real(), size);
    std::lock_guard lock(disk.mutex);
    if (!disk.HasRoomFor(size - handle.file->size())) return SQLITE_FULL;
    handle.file->Truncate(size);
    if (disk.crashed) return SQLITE_OK;
    const int result =
        disk.unsynced == Unsynced::kWritten ? handle.file->Sync(handle.real()) : SQLITE_OK;
    disk.CountOperation();
    return result;
  }

  static int Sync(sqlite3_file* file, int flags) {
    Handle& handle = Of(file);
    Disk& disk = *handle.disk;
    if (handle.file == nullptr) return handle.real()->pMethods->xSync(handle.real(), flags);
    std::unique_lock lock(disk.mutex);
    const auto until =
        std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(disk.sync_takes);
    ++disk.syncs;
    disk.let_go.wait(lock, [&] { return !disk.hold_syncs; });
    if (disk.crashed) return SQLITE_OK;
    int result = SQLITE_OK;
    if (disk.fail_syncs) {
      handle.file->LoseUnsynced();
      return SQLITE_IOERR_FSYNC;
    }
    if (disk.unsynced == Unsynced::kWritten) {
      result = handle.real()->pMethods->xSync(handle.real(), flags);
    } else {
      disk.CountOperation();  // a crash in a sync: nobody has been told that it was done
      if (!disk.crashed) result = handle.file->Sync(handle.real());
    }
    const bool slow = disk.sync_takes > absl::ZeroDuration();
    lock.unlock();
    if (slow) std::this_thread::sleep_until(until);
    return result;
  }

  static int FileSize(sqlite3_file* file, sqlite3_int64* size) {
    Handle& handle = Of(file);
    if (handle.file == nullptr) return handle.real()->pMethods->xFileSize(handle.real(), size);
    std::lock_guard lock(handle.disk->mutex);
    *size = handle.file->size();
    return SQLITE_OK;
  }

  static int Lock(sqlite3_file* file, int level) {
    return Of(file).real()->pMethods->xLock(Of(file).real(), level);
  }
  static int Unlock(sqlite3_file* file, int level) {
    return Of(file).real()->pMethods->xUnlock(Of(file).real(), level);
  }
  static int CheckReservedLock(sqlite3_file* file, int* is_reserved) {
    return Of(file).real()->pMethods->xCheckReservedLock(Of(file).real(), is_reserved);
  }
  // The real file would be given room behind our back.
  static int FileControl(sqlite3_file* file, int what, void* with) {
    if (what == SQLITE_FCNTL_SIZE_HINT || what == SQLITE_FCNTL_CHUNK_SIZE) return SQLITE_NOTFOUND;
    return Of(file).real()->pMethods->xFileControl(Of(file).real(), what, with);
  }
  static int SectorSize(sqlite3_file* file) {
    return Of(file).real()->pMethods->xSectorSize(Of(file).real());
  }
  static int Characteristics(sqlite3_file* file) {
    return Of(file).real()->pMethods->xDeviceCharacteristics(Of(file).real());
  }

  static const sqlite3_io_methods kMethods;
};

const sqlite3_io_methods FaultVfs::Calls::kMethods = {1,
                                                      Close,
                                                      Read,
                                                      Write,
                                                      Truncate,
                                                      Sync,
                                                      FileSize,
                                                      Lock,
                                                      Unlock,
                                                      CheckReservedLock,
                                                      FileControl,
                                                      SectorSize,
                                                      Characteristics,
                                                      nullptr,
                                                      nullptr,
                                                      nullptr,
                                                      nullptr,
                                                      nullptr,
                                                      nullptr};

FaultVfs::FaultVfs(const std::string& name, Unsynced unsynced, uint64_t seed)
    : disk_(std::make_unique<Disk>()) {
  disk_->name = name;
  disk_->unsynced = unsynced;
  disk_->random.seed(seed);
  disk_->real = sqlite3_vfs_find(nullptr);
  disk_->vfs = *disk_->real;  // its other calls look at no member of a VFS
  disk_->vfs.zName = disk_->name.c_str();
  disk_->vfs.pNext = nullptr;
  disk_->vfs.pAppData = disk_.get();
  disk_->vfs.szOsFile = static_cast<int>(sizeof(Handle)) + disk_->real->szOsFile;
  disk_->vfs.xOpen = Calls::Open;
  disk_->vfs.xDelete = Calls::Delete;
  sqlite3_vfs_register(&disk_->vfs, 0);
}

FaultVfs::~FaultVfs() { sqlite3_vfs_unregister(&disk_->vfs); }

void FaultVfs::Crash() {
  std::lock_guard lock(disk_->mutex);
  disk_->crashed = true;
}

void FaultVfs::CrashAfter(uint64_t operations) {
  std::lock_guard lock(disk_->mutex);
  disk_->crash_after = operations;
}

bool FaultVfs::crashed() const {
  std::lock_guard lock(disk_->mutex);
  return disk_->crashed;
}

void FaultVfs::Reopen() {
  std::lock_guard lock(disk_->mutex);
  disk_->files.clear();
  disk_->crashed = false;
  disk_->crash_after = 0;
}

void FaultVfs::FailSyncs(bool fail) {
  std::lock_guard lock(disk_->mutex);
  disk_->fail_syncs = fail;
}

void FaultVfs::FailReads(bool fail) {
  std::lock_guard lock(disk_->mutex);
  disk_->fail_reads = fail;
}

void FaultVfs::SetCapacity(int64_t bytes, const std::string& beside) {
  std::lock_guard lock(disk_->mutex);
  disk_->capacity = bytes;
  disk_->beside = beside;
}

void FaultVfs::Become(const FaultSettings& settings) {
  SetCapacity(settings.capacity, settings.beside);
  SlowSyncs(settings.sync_takes);
  FailSyncs(settings.fail_syncs);
}

int64_t FaultVfs::used() const {
  std::lock_guard lock(disk_->mutex);
  return disk_->Used();
}

void FaultVfs::SlowSyncs(absl::Duration each) {
  std::lock_guard lock(disk_->mutex);
  disk_->sync_takes = each;
}

void FaultVfs::HoldSyncs(bool hold) {
  {
    std::lock_guard lock(disk_->mutex);
    disk_->hold_syncs = hold;
  }
  disk_->let_go.notify_all();
}

uint64_t FaultVfs::syncs() const {
  std::lock_guard lock(disk_->mutex);
  return disk_->syncs;
}

bool FaultVfs::FlipBit(const std::string& path, uint64_t bit) {
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return false;
  char byte = 0;
  const auto at = static_cast<off_t>(bit / 8);
  bool done = pread(fd, &byte, 1, at) == 1;
  byte = static_cast<char>(byte ^ (1 << (bit % 8)));
  done = done && pwrite(fd, &byte, 1, at) == 1;
  close(fd);
  return done;
}

absl::StatusOr<FaultSettings> ParseFaultSettings(const std::string& words) {
  FaultSettings settings;
  for (absl::string_view word : absl::StrSplit(words, ',', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(word, absl::MaxSplits(':', 1));
    const auto& [name, value] = parts;
    bool known = true;
    if (name == "drop") {
      settings.unsynced = Unsynced::kLost;
    } else if (name == "tear") {
      settings.unsynced = Unsynced::kTorn;
      known = absl::SimpleAtoi(value, &settings.seed);
    } else if (name == "slow_sync") {
      known = absl::ParseDuration(value, &settings.sync_takes);
    } else if (name == "space") {
      known = absl::SimpleAtoi(value, &settings.capacity);
    } else if (name == "beside") {
      settings.beside = value;
    } else {
      known = settings.fail_syncs = word == "fail_sync";
    }
    if (!known) {
      return absl::InvalidArgumentError(absl::StrCat("a disk's faults: ", word, " is unknown"));
    }
  }
  return settings;
}

absl::StatusOr<std::unique_ptr<FaultVfs>> RegisterFaultVfsFromEnvironment() {
  const char* text = std::getenv("TALLYBUS_FAULT_VFS");
  if (text == nullptr || *text == '\0') return nullptr;
  absl::StatusOr<FaultSettings> settings = ParseFaultSettings(text);
  if (!settings.ok()) return settings.status();
  auto vfs = std::make_unique<FaultVfs>("fault", settings->unsynced, settings->seed);
  vfs->Become(*settings);
  return vfs;
}

}  // namespace tallybus::testing
