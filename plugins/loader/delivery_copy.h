// A delivery as a plugin sees it: a copy, since a plugin may go on reading it after its deadline.
#ifndef TALLYBUS_PLUGINS_LOADER_DELIVERY_COPY_H_
#define TALLYBUS_PLUGINS_LOADER_DELIVERY_COPY_H_

#include <tallybus/c/transport.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tallybus/clock.h"
#include "tallybus/transport.h"

namespace tallybus::loader {

inline tallybus_bytes Bytes(std::string_view text) { return {text.data(), text.size()}; }

// On the host's now_ns.
int64_t Nanoseconds(MonoTime time);

// An endpoint with its options. Immutable.
class EndpointCopy {
 public:
  explicit EndpointCopy(const Endpoint& endpoint);
  EndpointCopy(const EndpointCopy&) = delete;
  EndpointCopy& operator=(const EndpointCopy&) = delete;
  const tallybus_endpoint* c() const { return &c_; }

 private:
  const Endpoint endpoint_;
  std::vector<tallybus_option> options_;
  tallybus_endpoint c_ = {};
};

class DeliveryCopy {
 public:
  DeliveryCopy(const Delivery& delivery, std::shared_ptr<const EndpointCopy> endpoint);
  DeliveryCopy(const DeliveryCopy&) = delete;
  DeliveryCopy& operator=(const DeliveryCopy&) = delete;

  const tallybus_delivery* c() const { return &c_; }
  bool want_answer() const { return (c_.flags & TALLYBUS_DELIVERY_WANTS_ANSWER) != 0; }
  size_t bytes() const { return text_.capacity() + sizeof *this; }  // that it costs, nearly

 private:
  tallybus_bytes Keep(std::string_view text);
  tallybus_parcel Copy(const Parcel& parcel);

  const std::shared_ptr<const EndpointCopy> endpoint_;
  std::string text_;  // of all parcels; it never grows beyond what was reserved
  std::vector<tallybus_parcel> parcels_;
  std::vector<const tallybus_parcel*> pointers_;
  tallybus_delivery c_ = {};
};

}  // namespace tallybus::loader

#endif  // TALLYBUS_PLUGINS_LOADER_DELIVERY_COPY_H_
