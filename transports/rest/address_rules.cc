// The lists of blocks, and how an address is compared with them.
#include "transports/rest/address_rules.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace tallybus::rest {
namespace {

constexpr int kMappedPrefix = 96;  // ::ffff:0:0/96 holds IPv4

// Link-local addresses and the metadata services of clouds, which hand out credentials.
constexpr const char* kNeverReached[] = {"169.254.0.0/16", "fe80::/10", "fd00:ec2::254"};

// What is not the public internet: the special-purpose registries of IANA.
constexpr const char* kNotPublic[] = {"0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",
                                      "127.0.0.0/8",   "172.16.0.0/12",   "192.0.0.0/24",
                                      "192.0.2.0/24",  "192.88.99.0/24",  "192.168.0.0/16",
                                      "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
                                      "224.0.0.0/4",   "240.0.0.0/4",     "::",
                                      "::1",           "fc00::/7",        "ff00::/8",
                                      "2001:db8::/32", "3fff::/20",       "100::/64",
                                      "2002::/16",     "64:ff9b::/96",    "64:ff9b:1::/48",
                                      "5f00::/16"};

IpAddress Mapped(const void* four_bytes) {
  IpAddress address{};
  address[10] = address[11] = 0xff;
  std::memcpy(address.data() + 12, four_bytes, 4);
  return address;
}

bool IsMapped(const IpAddress& address) {
  return std::all_of(address.begin(), address.begin() + 10, [](uint8_t b) { return b == 0; }) &&
         address[10] == 0xff && address[11] == 0xff;
}

std::optional<IpAddress> ParseAddress(std::string_view text, bool* is_v4) {
  const std::string terminated(text);
  in_addr v4;
  *is_v4 = inet_pton(AF_INET, terminated.c_str(), &v4) == 1;
  if (*is_v4) return Mapped(&v4);
  IpAddress v6;
  if (inet_pton(AF_INET6, terminated.c_str(), v6.data()) == 1) return v6;
  return std::nullopt;
}

bool SharePrefix(const IpAddress& a, const IpAddress& b, int bits) {
  const int whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
  if (bits % 8 == 0) return true;
  const int mask = 0xff << (8 - bits % 8) & 0xff;
  return (a[whole] & mask) == (b[whole] & mask);
}

bool HasBitsBeyond(const IpAddress& address, int prefix) {
  for (int bit = prefix; bit < 128; ++bit) {
    if (address[bit / 8] & (0x80 >> bit % 8)) return true;
  }
  return false;
}

bool AnyContains(const std::vector<AddressBlock>& blocks, const IpAddress& address) {
  return std::any_of(blocks.begin(), blocks.end(),
                     [&](const AddressBlock& block) { return block.Contains(address); });
}

template <typename Texts>
absl::Status AppendBlocks(const Texts& texts, std::vector<AddressBlock>* blocks) {
  for (const auto& text : texts) {
    auto block = AddressBlock::Parse(std::string_view(text.data(), text.size()));
    if (!block.ok()) return block.status();
    blocks->push_back(*block);
  }
  return absl::OkStatus();
}

template <size_t n>
absl::Status AppendBlocks(const char* const (&texts)[n], std::vector<AddressBlock>* blocks) {
  return AppendBlocks(std::vector<std::string_view>(texts, texts + n), blocks);
}

}  // namespace

absl::StatusOr<AddressBlock> AddressBlock::Parse(std::string_view text) {
  const absl::string_view shown(text.data(), text.size());
  const size_t slash = text.find('/');
  bool is_v4 = false;
  const auto address = ParseAddress(text.substr(0, slash), &is_v4);
  if (!address) {
    return absl::InvalidArgumentError(absl::StrCat("\"", shown, "\" is not an address block"));
  }
  int prefix = is_v4 ? 32 : 128;
  const int widest = prefix;
  if (slash != text.npos && (!absl::SimpleAtoi(shown.substr(slash + 1), &prefix) || prefix < 0 ||
                             prefix > widest || shown[slash + 1] == '+')) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", shown, "\": the prefix must be from 0 to ", widest));
  }
  AddressBlock block;
  block.address_ = *address;
  block.prefix_ = is_v4 ? kMappedPrefix + prefix : prefix;
  if (HasBitsBeyond(block.address_, block.prefix_)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", shown, "\" has bits set beyond its prefix"));
  }
  return block;
}

bool AddressBlock::Contains(const IpAddress& address) const {
  const bool is_v4_block = prefix_ >= kMappedPrefix && IsMapped(address_);
  return is_v4_block == IsMapped(address) && SharePrefix(address_, address, prefix_);
}

absl::StatusOr<AddressRules> AddressRules::Parse(std::string_view network,
                                                 std::string_view allow_cidrs) {
  AddressRules rules;
  if (auto status = AppendBlocks(kNeverReached, &rules.refused_); !status.ok()) return status;
  if (network == "public") {
    if (auto status = AppendBlocks(kNotPublic, &rules.refused_); !status.ok()) return status;
  } else if (!network.empty() && network != "private") {
    return absl::InvalidArgumentError(
        absl::StrCat("network: \"", absl::string_view(network.data(), network.size()),
                     "\" must be private or public"));
  }
  std::vector<std::string> blocks;
  for (absl::string_view block :
       absl::StrSplit(absl::string_view(allow_cidrs.data(), allow_cidrs.size()), ',',
                      absl::SkipWhitespace())) {
    blocks.emplace_back(absl::StripAsciiWhitespace(block));
  }
  if (auto status = AppendBlocks(blocks, &rules.allowed_); !status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("allow_cidrs: ", status.message()));
  }
  return rules;
}

bool AddressRules::Allows(const IpAddress& address) const {
  return !AnyContains(refused_, address) || AnyContains(allowed_, address);
}

bool AddressRules::Allows(const sockaddr* address, socklen_t size) const {
  if (address->sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
    sockaddr_in v4;
    std::memcpy(&v4, address, sizeof(v4));
    return Allows(Mapped(&v4.sin_addr));
  }
  if (address->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    sockaddr_in6 v6;
    std::memcpy(&v6, address, sizeof(v6));
    IpAddress bytes;
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return Allows(bytes);
  }
  return false;
}

bool AddressRules::Allows(std::string_view text) const {
  bool is_v4 = false;
  const auto address = ParseAddress(text.substr(0, text.find('%')), &is_v4);
  return address && Allows(*address);
}

}  // namespace tallybus::rest
