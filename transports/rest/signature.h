// Standard Webhooks: the keys, and the signatures that they make and prove.
#ifndef TALLYBUS_REST_SIGNATURE_H_
#define TALLYBUS_REST_SIGNATURE_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct evp_pkey_st;

namespace tallybus::rest {

// What is signed: "<id>.<timestamp>.<body>", the timestamp in Unix seconds.
std::string SignedContent(std::string_view id, int64_t timestamp, std::string_view body);

// One key of the specification: whsec_ (HMAC-SHA256, "v1"), whsk_ (Ed25519, "v1a") or whpk_, which
// is the public half of a whsk_ and can only prove. A value; immutable. [any thread]
class WebhookKey {
 public:
  // INVALID_ARGUMENT says what is wrong and shows nothing of the text.
  static absl::StatusOr<WebhookKey> Parse(std::string_view text);

  // INVALID_ARGUMENT: a public key, or a whsec_ of less than 24 or more than 64 bytes. What others
  // have made may be proved all the same.
  absl::Status MaySign() const;
  std::string_view version() const { return pair_ == nullptr ? "v1" : "v1a"; }
  // "v1,<base64>" or "v1a,<base64>": one entry of the field webhook-signature. Empty where the key
  // is public.
  std::string Sign(std::string_view content) const;
  // Whether one of the entries in `field`, which spaces divide, is this key's. In constant time for
  // each of them.
  bool Proves(std::string_view content, std::string_view field) const;

 private:
  bool IsMine(std::string_view content, std::string_view signature) const;

  std::string secret_;                       // of whsec_
  std::shared_ptr<const evp_pkey_st> pair_;  // of whsk_ and whpk_
  bool is_public_ = false;
};

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_SIGNATURE_H_
