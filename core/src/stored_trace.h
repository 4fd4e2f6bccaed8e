// What the spool knows of events that the flight recorder does not.
#ifndef TALLYBUS_STORED_TRACE_H_
#define TALLYBUS_STORED_TRACE_H_

#include <cstddef>

#include "tallybus/spool.h"
#include "tallybus/trace.h"

namespace tallybus {

// [any thread] Both are pure.

// Adds the row, and its event where the trace has none of that id. Does nothing where the trace
// knows the row, and for a damaged one.
void AddStored(const StoredRow& stored, Trace* trace);
// Puts the events in order of acceptance and keeps the newest `most`; the others count as left out.
void KeepNewest(size_t most, Trace* trace);

}  // namespace tallybus

#endif  // TALLYBUS_STORED_TRACE_H_
