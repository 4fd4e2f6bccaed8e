// The header of transports, alone, as C++.
#include <tallybus/c/transport.h>

const tallybus_transport_entry* tallybus_transport_entry_v1() {
  static const tallybus_transport_entry entry = {sizeof entry,
                                                 TALLYBUS_TRANSPORT_ABI_MAJOR,
                                                 TALLYBUS_TRANSPORT_ABI_MINOR,
                                                 "cpp",
                                                 "C++",
                                                 "1",
                                                 nullptr,
                                                 0,
                                                 nullptr,
                                                 nullptr};
  return &entry;
}
