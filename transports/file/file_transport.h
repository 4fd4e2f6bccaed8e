// Scheme "file": a line of NDJSON for each event, in a file that is put aside when it is full.
#ifndef TALLYBUS_FILE_FILE_TRANSPORT_H_
#define TALLYBUS_FILE_FILE_TRANSPORT_H_

#include "tallybus/transport_registry.h"

namespace tallybus::file {

TransportDescriptor FileDescriptor();

}  // namespace tallybus::file

#endif  // TALLYBUS_FILE_FILE_TRANSPORT_H_
