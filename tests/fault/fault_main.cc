// tallybusd on a disk that fails on command, and with named points at which it dies:
//   TALLYBUS_FAULT_VFS     the disk, as RegisterFaultVfsFromEnvironment takes it
//   TALLYBUS_FAULT_SWITCH  a file whose words replace the disk's faults whenever they change
//   TALLYBUS_CRASH_AT      "<point>" or "<point>:<n>": the machine is gone at its n-th passage
#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>
#include <absl/strings/string_view.h>
#include <absl/strings/strip.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "tallybus/fault_point.h"
#include "tests/support/fault_vfs.h"

int TallybusdMain(int argc, char** argv);  // main() of apps/tallybusd/main.cc

namespace tallybus {
namespace {

using testing::FaultVfs;

constexpr int kBadWords = 2;
constexpr int kCrashed = 86;

// What the points need. They are called without an argument of ours, so it is the one of the
// process; set before the first other thread.
struct Machine {
  std::unique_ptr<FaultVfs> disk;
  std::string crash_at;
  uint64_t passage = 1;
  std::atomic<uint64_t> passed{0};
};

Machine& TheMachine() {
  static auto* machine = new Machine;  // it outlives every thread
  return *machine;
}

bool ReadCrashPoint(Machine* machine) {
  const char* text = std::getenv("TALLYBUS_CRASH_AT");
  if (text == nullptr) return true;
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits(':', 1));
  machine->crash_at = parts.first;
  if (machine->crash_at.empty()) return false;
  return machine->crash_at == text ||
         (absl::SimpleAtoi(parts.second, &machine->passage) && machine->passage > 0);
}

// SQLite uses it wherever none is named, which is everywhere in the daemon.
bool UseDisk(Machine* machine) {
  auto disk = testing::RegisterFaultVfsFromEnvironment();
  if (!disk.ok()) {
    std::fprintf(stderr, "%s\n", std::string(disk.status().message()).c_str());
    return false;
  }
  machine->disk = *std::move(disk);
  return machine->disk == nullptr ||
         sqlite3_vfs_register(sqlite3_vfs_find("fault"), 1) == SQLITE_OK;
}

[[noreturn]] void FollowSwitch(const std::string& path, FaultVfs& disk) {
  std::string last;
  for (;;) {
    std::ifstream file(path);
    std::string words{std::istreambuf_iterator<char>(file), {}};
    if (file.is_open() && words != last) {
      auto settings = testing::ParseFaultSettings(words);
      if (!settings.ok()) _exit(kBadWords);
      disk.Become(*settings);
      std::fprintf(stderr, "the disk: \"%s\"\n", words.c_str());
      last = std::move(words);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

// Signals are the daemon's.
void StartSwitch(Machine* machine) {
  const char* path = std::getenv("TALLYBUS_FAULT_SWITCH");
  if (path == nullptr || machine->disk == nullptr) return;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  std::thread([path, machine] { FollowSwitch(path, *machine->disk); }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace

void PassFaultPoint(const char* name) {
  Machine& machine = TheMachine();
  if (machine.crash_at != name || ++machine.passed != machine.passage) return;
  if (machine.disk != nullptr) machine.disk->Crash();  // other threads still write
  std::fprintf(stderr, "crashed at %s\n", name);
  _exit(kCrashed);
}

}  // namespace tallybus

int main(int argc, char** argv) {
  tallybus::Machine& machine = tallybus::TheMachine();
  if (!tallybus::UseDisk(&machine) || !tallybus::ReadCrashPoint(&machine)) {
    std::fprintf(stderr, "tallybusd_faults: TALLYBUS_FAULT_VFS or TALLYBUS_CRASH_AT is wrong\n");
    return tallybus::kBadWords;
  }
  tallybus::StartSwitch(&machine);
  return TallybusdMain(argc, argv);
}
