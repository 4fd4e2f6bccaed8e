// The methods that one endpoint does not take, and what that has cost their events.
#ifndef TALLYBUS_DELIVERY_METHOD_HOLDS_H_
#define TALLYBUS_DELIVERY_METHOD_HOLDS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "delivery/hold.h"

namespace tallybus {

// [owner] `own` is the endpoint's own time (EndpointGate::OwnTime without a method): a hold costs a
// method only what the whole endpoint does not stand still for anyway.
class MethodHolds {
 public:
  // Methods are an open set, so their number must have an end.
  static constexpr size_t kMax = 64;

  struct Entry {
    Hold hold;
    absl::Duration began;                        // `own` then
    absl::Duration lost = absl::ZeroDuration();  // in holds that are over
  };
  using Entries = std::map<std::string, Entry, std::less<>>;

  // nullptr where the method is not held.
  const Hold* Find(std::string_view method) const;
  // Begins a hold where there is none. False: too many are held already.
  bool Begin(std::string_view method, const EndpointSign& sign, absl::Duration own, MonoTime now,
             Jitter& jitter);
  // These do nothing where the method is not held.
  void ProbeStarted(std::string_view method);
  void ProbeLater(std::string_view method, MonoTime now, Jitter& jitter);
  void Release(std::string_view method, absl::Duration own);
  void ReleaseAll(absl::Duration own);
  // What is on its way will not be heard.
  void AbandonProbes(MonoTime now, Jitter& jitter);

  // The part of `own` that went by while the method was held.
  absl::Duration Lost(std::string_view method, absl::Duration own) const;
  // When the first probe becomes due after now.
  std::optional<MonoTime> NextDue(MonoTime now) const;
  // Those that are held, and up to kMax that were.
  const Entries& entries() const { return entries_; }
  size_t held() const { return held_; }
  // Grows whenever a hold begins or ends.
  uint64_t changes() const { return changes_; }

 private:
  Entry* FindHeld(std::string_view method);
  void End(Entry& entry, absl::Duration own);
  bool MakeRoom();

  Entries entries_;
  size_t held_ = 0;
  uint64_t changes_ = 0;
};

}  // namespace tallybus

#endif  // TALLYBUS_DELIVERY_METHOD_HOLDS_H_
