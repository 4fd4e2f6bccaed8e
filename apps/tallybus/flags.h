// Every flag of the command line. Which subcommand takes which is said in its Command.
#ifndef TALLYBUS_APPS_TALLYBUS_FLAGS_H_
#define TALLYBUS_APPS_TALLYBUS_FLAGS_H_

#include <absl/flags/declare.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tallybus::cli {

// A flag that may be given several times; as text, a line for each.
struct Repeated {
  std::vector<std::string> values = {};
};
bool AbslParseFlag(absl::string_view text, Repeated* flag, std::string* error);
std::string AbslUnparseFlag(const Repeated& flag);

// In bytes; people write it as in the configuration, "4KiB".
struct Size {
  uint64_t bytes = 0;
  operator uint64_t() const { return bytes; }
};
bool AbslParseFlag(absl::string_view text, Size* flag, std::string* error);
std::string AbslUnparseFlag(const Size& flag);

}  // namespace tallybus::cli

ABSL_DECLARE_FLAG(std::string, method);
ABSL_DECLARE_FLAG(std::string, to);
ABSL_DECLARE_FLAG(bool, protobuf);
ABSL_DECLARE_FLAG(uint64_t, count);
ABSL_DECLARE_FLAG(std::string, rate);
ABSL_DECLARE_FLAG(std::optional<absl::Duration>, timeout);
ABSL_DECLARE_FLAG(std::string, from);
ABSL_DECLARE_FLAG(std::string, session);
ABSL_DECLARE_FLAG(bool, json);
ABSL_DECLARE_FLAG(std::string, until);
ABSL_DECLARE_FLAG(std::string, address);
ABSL_DECLARE_FLAG(uint16_t, port);
ABSL_DECLARE_FLAG(std::string, answer);
ABSL_DECLARE_FLAG(std::string, admin);
ABSL_DECLARE_FLAG(std::string, spool);
ABSL_DECLARE_FLAG(std::string, state);
ABSL_DECLARE_FLAG(std::string, rows);
ABSL_DECLARE_FLAG(std::string, since);
ABSL_DECLARE_FLAG(std::string, app);
ABSL_DECLARE_FLAG(std::string, stream);
ABSL_DECLARE_FLAG(std::string, route);
ABSL_DECLARE_FLAG(std::string, id);
ABSL_DECLARE_FLAG(std::optional<uint64_t>, limit);
ABSL_DECLARE_FLAG(bool, all);
ABSL_DECLARE_FLAG(bool, dry_run);
ABSL_DECLARE_FLAG(std::string, config);
ABSL_DECLARE_FLAG(std::string, event);
ABSL_DECLARE_FLAG(std::string, session_config);
ABSL_DECLARE_FLAG(bool, reveal);
ABSL_DECLARE_FLAG(std::string, reason);
ABSL_DECLARE_FLAG(std::string, format);
ABSL_DECLARE_FLAG(std::string, secret);
ABSL_DECLARE_FLAG(std::string, wcs_hash_key);
ABSL_DECLARE_FLAG(std::string, username);
ABSL_DECLARE_FLAG(std::string, password);
ABSL_DECLARE_FLAG(std::string, bearer_token);
ABSL_DECLARE_FLAG(std::string, ca_file);
ABSL_DECLARE_FLAG(std::string, cert_file);
ABSL_DECLARE_FLAG(std::string, key_file);
ABSL_DECLARE_FLAG(std::optional<tallybus::cli::Size>, compress_over);
ABSL_DECLARE_FLAG(bool, duplicate);
ABSL_DECLARE_FLAG(std::optional<absl::Duration>, late);
ABSL_DECLARE_FLAG(bool, out_of_order);
ABSL_DECLARE_FLAG(bool, forged);
ABSL_DECLARE_FLAG(std::string, key);
ABSL_DECLARE_FLAG(std::string, timestamp);
ABSL_DECLARE_FLAG(std::string, signature);
ABSL_DECLARE_FLAG(std::optional<absl::Duration>, tolerance);
ABSL_DECLARE_FLAG(tallybus::cli::Repeated, option);
ABSL_DECLARE_FLAG(std::string, endpoint);
ABSL_DECLARE_FLAG(std::string, request_ends);
ABSL_DECLARE_FLAG(std::string, reply_accept);
ABSL_DECLARE_FLAG(std::string, reply_reject);
ABSL_DECLARE_FLAG(std::string, reply_overload);
ABSL_DECLARE_FLAG(std::string, carries);
ABSL_DECLARE_FLAG(std::string, arrived);

#endif  // TALLYBUS_APPS_TALLYBUS_FLAGS_H_
