// The eventfd never blocks: its counter would have to reach 2^64 - 1 for a write to fail.
#include "parking.h"

#include <sys/eventfd.h>
#include <unistd.h>

namespace tallybus::engine {

Parking::Parking() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Parking::~Parking() {
  if (ok()) close(fd_);
}

void Parking::Wake() { eventfd_write(fd_, 1); }

void Parking::Leave() {
  parked_.store(false, std::memory_order_seq_cst);
  eventfd_t ignored;
  eventfd_read(fd_, &ignored);
}

}  // namespace tallybus::engine
