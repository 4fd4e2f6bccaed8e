// Whatever a client sends as its token: it is refused, or one that its key has signed.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "transports/web/token.h"

namespace {

constexpr char kPublicKey[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
    "-----END PUBLIC KEY-----\n";

const tallybus::TokenVerifier& Verifier() {
  static const auto& verifier = *new tallybus::TokenVerifier(
      *tallybus::TokenVerifier::Make({{"a secret that no fuzzer will ever guess"}, {kPublicKey}}));
  return verifier;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view token(reinterpret_cast<const char*>(data), size);
  if (Verifier().Verify(token, absl::FromUnixSeconds(1'900'000'000)).ok()) std::abort();
  return 0;
}
