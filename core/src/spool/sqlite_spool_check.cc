// A look at a spool before a daemon is started with it.
#include "spool/spool_file.h"
#include "spool/spool_tables.h"
#include "tallybus/sqlite_spool.h"

namespace tallybus {

// A row that a start mends by itself is no fault.
absl::Status CheckSqliteSpool(const std::string& directory) {
  absl::StatusOr<SpoolFile> file = SpoolFile::OpenToRead(directory);
  if (absl::IsNotFound(file.status())) return absl::OkStatus();
  if (!file.ok()) return file.status();
  absl::StatusOr<SpoolTables> tables = SpoolTables::Open(*file);
  if (!tables.ok()) return tables.status();
  return file->Mend(tables->CheckPages());
}

}  // namespace tallybus
