// The floor of any sender that syncs its events to an SQLite file: each transaction inserts ROWS
// rows and deletes those of the one before it. Prints how many rows a second went in and out, and
// their CPU microseconds, resident and anonymous KiB at the end: sqlite_floor FILE N BYTES ROWS
#include <sqlite3.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

sqlite3* db = nullptr;

void Check(int result) {
  if (result == SQLITE_OK || result == SQLITE_DONE) return;
  std::fprintf(stderr, "sqlite_floor: %s\n", sqlite3_errmsg(db));
  std::exit(1);
}

void Run(const char* sql) { Check(sqlite3_exec(db, sql, nullptr, nullptr, nullptr)); }

sqlite3_stmt* Prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  Check(sqlite3_prepare_v2(db, sql, -1, &statement, nullptr));
  return statement;
}

void Step(sqlite3_stmt* statement) {
  Check(sqlite3_step(statement));
  Check(sqlite3_reset(statement));
}

double CpuSeconds() {
  rusage used = {};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

void PrintMemory() {
  std::FILE* status = std::fopen("/proc/self/status", "r");
  if (status == nullptr) std::exit(1);
  char line[256];
  long resident = 0;
  long anonymous = 0;
  while (std::fgets(line, sizeof line, status) != nullptr) {
    std::sscanf(line, "VmRSS: %ld", &resident);
    std::sscanf(line, "RssAnon: %ld", &anonymous);
  }
  std::fclose(status);
  std::printf("%ld %ld\n", resident, anonymous);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: sqlite_floor FILE N BYTES ROWS\n");
    return 2;
  }
  const long count = std::atol(argv[2]);
  const long transaction = std::atol(argv[4]);
  const std::string body(static_cast<size_t>(std::atol(argv[3])), 'x');
  Check(sqlite3_open(argv[1], &db));
  Run("PRAGMA page_size = 16384; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
      "PRAGMA synchronous = FULL; CREATE TABLE event (id INTEGER PRIMARY KEY, body BLOB NOT NULL)");
  sqlite3_stmt* insert = Prepare("INSERT INTO event VALUES (?, ?)");
  sqlite3_stmt* erase = Prepare("DELETE FROM event WHERE id BETWEEN ? AND ?");
  Check(sqlite3_bind_blob(insert, 2, body.data(), static_cast<int>(body.size()), SQLITE_STATIC));

  const double cpu = CpuSeconds();
  const auto began = std::chrono::steady_clock::now();
  for (long first = 0; first < count; first += transaction) {
    Run("BEGIN IMMEDIATE");
    for (long id = first; id < first + transaction; ++id) {
      Check(sqlite3_bind_int64(insert, 1, id));
      Step(insert);
    }
    Check(sqlite3_bind_int64(erase, 1, first - transaction));
    Check(sqlite3_bind_int64(erase, 2, first - 1));
    Step(erase);
    Run("COMMIT");
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const double rows = static_cast<double>((count + transaction - 1) / transaction * transaction);
  std::printf("%.0f %.2f ", rows / took.count(), (CpuSeconds() - cpu) * 1e6 / rows);
  PrintMemory();
  sqlite3_finalize(insert);
  sqlite3_finalize(erase);
  Check(sqlite3_close(db));
  return 0;
}
