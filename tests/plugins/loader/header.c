/* The header of transports, alone, as C. */
#include <tallybus/c/transport.h>

const tallybus_transport_entry* tallybus_transport_entry_v1(void) {
  static const tallybus_transport_entry entry = {
      sizeof entry, TALLYBUS_TRANSPORT_ABI_MAJOR, 0, "c", "C", "1", NULL, 0, NULL, NULL};
  return &entry;
}
