// What a plugin says came of an attempt, read with distrust.
#ifndef TALLYBUS_PLUGINS_LOADER_RESULT_H_
#define TALLYBUS_PLUGINS_LOADER_RESULT_H_

#include <absl/status/statusor.h>
#include <tallybus/c/transport.h>

#include "tallybus/transport.h"

namespace tallybus::loader {

struct ResultSetting {
  bool want_answer = false;
  bool stopping = false;  // TALLYBUS_RESULT_STOPPED is believed
};

// INVALID_ARGUMENT says what cannot be read: no result, a struct_size of no version, a verdict that
// is none, bytes without an address. A reason is cleaned and cut, an answer cut at 64 KiB.
absl::StatusOr<DeliveryResult> ReadResult(const tallybus_result* result,
                                          const ResultSetting& setting);

// Of an attempt that the plugin did not end.
DeliveryResult NotCompleted(absl::StatusCode code, const char* reason, const char* text);

}  // namespace tallybus::loader

#endif  // TALLYBUS_PLUGINS_LOADER_RESULT_H_
