// Which resolved addresses an endpoint may reach, whatever its URL says.
#ifndef TALLYBUS_REST_ADDRESS_RULES_H_
#define TALLYBUS_REST_ADDRESS_RULES_H_

#include <absl/status/statusor.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tallybus::rest {

// An address of 16 bytes; one of IPv4 is kept in its mapped form (::ffff:a.b.c.d), so that both
// spellings of it meet the same rules.
using IpAddress = std::array<uint8_t, 16>;

// "10.0.0.0/8", "fe80::/10"; a bare address is a block of one.
class AddressBlock {
 public:
  // INVALID_ARGUMENT where it is no block, or has bits set beyond its prefix.
  static absl::StatusOr<AddressBlock> Parse(std::string_view text);
  // A block of IPv6 never holds an address of IPv4, not even ::/0.
  bool Contains(const IpAddress& address) const;

 private:
  IpAddress address_{};
  int prefix_ = 0;  // of 128 bits
};

// A value; pure. Text of a URL is never looked at: decimal hosts, mapped addresses and names that
// change their address between two look-ups would all get past it.
class AddressRules {
 public:
  // `network` is "private" (also where empty) or "public"; `allow_cidrs` is a comma list of blocks
  // that may be reached although the network refuses them. INVALID_ARGUMENT names what is wrong.
  static absl::StatusOr<AddressRules> Parse(std::string_view network, std::string_view allow_cidrs);

  bool Allows(const IpAddress& address) const;
  // False for every family but IPv4 and IPv6, and for a cut address.
  bool Allows(const sockaddr* address, socklen_t size) const;
  // A numeric address, with or without a zone. False where it is none.
  bool Allows(std::string_view text) const;

 private:
  std::vector<AddressBlock> refused_;
  std::vector<AddressBlock> allowed_;
};

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_ADDRESS_RULES_H_
