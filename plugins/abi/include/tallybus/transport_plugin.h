// A transport plugin in C++17: the C interface tallybus/c/transport.h with owners and exceptions.
// All of it is in this header; the contract is that of the C one.
// clang-format off
//   class Pigeon final : public tallybus::plugin::Transport {
//    public:
//     static constexpr const char* kScheme = "pigeon";  // transport: pigeon
//     static constexpr const char* kName = "Pigeon";
//     static constexpr const char* kVersion = "1.0";
//     static std::vector<tallybus::plugin::Option> Options() { return {{"loft", "where it lives"}}; }
//     static std::string Check(tallybus::plugin::Endpoint endpoint);  // empty: it can work
//     using Transport::Transport;
//     void Deliver(std::vector<tallybus::plugin::Attempt> attempts) override;
//     void Stop(int64_t deadline_ns) override;
//   };
//   TALLYBUS_TRANSPORT_PLUGIN(Pigeon)
// clang-format on
#ifndef TALLYBUS_TRANSPORT_PLUGIN_H_
#define TALLYBUS_TRANSPORT_PLUGIN_H_

#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tallybus/c/transport.h"

namespace tallybus {
namespace plugin {

inline std::string_view View(const tallybus_bytes& bytes) { return {bytes.data, bytes.size}; }
inline tallybus_bytes Bytes(std::string_view text) { return {text.data(), text.size()}; }

// What may be written below `options`. Its texts are literals.
struct Option {
  const char* name;
  const char* meaning;
  tallybus_option_type type = TALLYBUS_OPTION_TEXT;
  bool required = false;
};

// Borrowed: of a delivery, until its result is given.
class Endpoint {
 public:
  explicit Endpoint(const tallybus_endpoint& c) : c_(&c) {}
  std::string_view url() const { return View(c_->url); }
  uint64_t id() const { return c_->id; }
  // As its type says: a duration in milliseconds, a size in bytes; nullopt where it is not written.
  std::optional<std::string_view> option(std::string_view name) const {
    for (size_t i = 0; i < c_->option_count; ++i) {
      if (View(c_->options[i].name) == name) return View(c_->options[i].value);
    }
    return std::nullopt;
  }
  const tallybus_endpoint& c() const { return *c_; }

 private:
  const tallybus_endpoint* c_;
};

// What came of an attempt.
struct Result {
  tallybus_verdict verdict = TALLYBUS_RETRY_LATER;
  std::string reason;  // a client may read it: the peer's phrase, or one of the fixed words
  std::string detail;  // for the log
  std::string answer;
  std::chrono::milliseconds retry_after{0};
  int32_t remote_code = 0;
  uint32_t flags = 0;  // TALLYBUS_RESULT_..

  Result(tallybus_verdict what, std::string why, uint32_t marks = 0)
      : verdict(what), reason(std::move(why)), flags(marks) {}
  static Result Delivered(std::string phrase = "OK") {
    return {TALLYBUS_DELIVERED, std::move(phrase)};
  }
  static Result Retry(std::string why) { return {TALLYBUS_RETRY_LATER, std::move(why)}; }
  static Result Rejected(std::string why) { return {TALLYBUS_REJECTED, std::move(why)}; }
  static Result NeverSent(std::string why) {
    return {TALLYBUS_RETRY_LATER, std::move(why), TALLYBUS_RESULT_NEVER_SENT};
  }
};

// One attempt, and the duty to end it once. Moved, never copied; one that is dropped without a
// result is given back as stopped, to be made again; that mark counts in a Stop alone.
class Attempt {
 public:
  Attempt(const tallybus_host* host, const tallybus_delivery* delivery)
      : host_(host), delivery_(delivery) {}
  Attempt(Attempt&& other) noexcept
      : host_(other.host_), delivery_(std::exchange(other.delivery_, nullptr)) {}
  Attempt& operator=(Attempt&& other) noexcept {
    if (this == &other) return *this;
    GiveBack();
    host_ = other.host_;
    delivery_ = std::exchange(other.delivery_, nullptr);
    return *this;
  }
  ~Attempt() { GiveBack(); }

  // Not after Complete, which ends what they refer to.
  const tallybus_delivery& delivery() const { return *delivery_; }
  const tallybus_parcel& parcel(size_t index = 0) const { return *delivery_->parcels[index]; }
  std::string_view body() const { return View(parcel().body); }
  Endpoint endpoint() const { return Endpoint(*delivery_->endpoint); }
  int64_t deadline_ns() const { return delivery_->deadline_ns; }

  // [any thread] The second call does nothing.
  void Complete(const Result& given) {
    if (delivery_ == nullptr) return;
    tallybus_result result = {};
    result.struct_size = sizeof result;
    result.verdict = given.verdict;
    result.flags = given.flags;
    result.retry_after_ms = static_cast<uint32_t>(given.retry_after.count());
    result.remote_code = given.remote_code;
    result.reason = Bytes(given.reason);
    result.detail = Bytes(given.detail);
    result.answer = Bytes(given.answer);
    const uint64_t ticket = std::exchange(delivery_, nullptr)->ticket;
    host_->complete(host_->self, ticket, &result);
  }

 private:
  void GiveBack() {
    if (delivery_ == nullptr) return;
    Complete({TALLYBUS_RETRY_LATER, "connection reset", TALLYBUS_RESULT_STOPPED});
  }
  const tallybus_host* host_;
  const tallybus_delivery* delivery_;
};

// The base of a plugin's class. What throws has failed: Start refuses to start, and attempts that
// Deliver still holds are given back.
class Transport {
 public:
  explicit Transport(const tallybus_host* host) : host_(host) {}
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  virtual ~Transport() = default;

  // [control] Empty, or one sentence that says why it cannot start.
  virtual std::string Start() { return ""; }
  // [router] Returns at once. Each attempt is completed by its deadline, on any thread.
  virtual void Deliver(std::vector<Attempt> attempts) = 0;
  // [control] See tallybus_transport.stop.
  virtual void Stop(int64_t deadline_ns) = 0;

  int64_t now_ns() const { return host_->now_ns(host_->self); }
  void Log(tallybus_log_level level, std::string_view line) const {
    host_->log(host_->self, level, Bytes(line));
  }
  const tallybus_host* host() const { return host_; }

 private:
  const tallybus_host* const host_;
};

// The tables of functions around a class T; nothing of it is called by hand.
template <typename T>
class Glue {
 public:
  static const tallybus_transport_entry* Entry() {
    static const Specs specs;
    static const tallybus_transport_entry entry = {sizeof entry,
                                                   TALLYBUS_TRANSPORT_ABI_MAJOR,
                                                   TALLYBUS_TRANSPORT_ABI_MINOR,
                                                   T::kScheme,
                                                   T::kName,
                                                   T::kVersion,
                                                   specs.pointers.data(),
                                                   specs.pointers.size(),
                                                   &Check,
                                                   &Create};
    return &entry;
  }

 private:
  struct Specs {
    Specs() {
      for (const Option& option : T::Options()) {
        all.push_back({sizeof(tallybus_option_spec), option.name, option.meaning, option.type,
                       option.required ? uint32_t{TALLYBUS_OPTION_REQUIRED} : 0});
      }
      for (const tallybus_option_spec& spec : all) pointers.push_back(&spec);
    }
    std::vector<tallybus_option_spec> all;
    std::vector<const tallybus_option_spec*> pointers;
  };
  struct Made {
    tallybus_transport table;
    std::unique_ptr<T> transport;
  };

  // The text of what is wrong, of a call that says it or throws it.
  template <typename Call>
  static tallybus_status Answer(tallybus_error* error, tallybus_status status, Call&& call) {
    std::string wrong;
    try {
      wrong = call();
      if (wrong.empty()) return TALLYBUS_OK;
    } catch (const std::exception& thrown) {
      wrong = thrown.what();
    } catch (...) {
      wrong = "it threw what is no std::exception";
    }
    if (wrong.empty()) wrong = "it threw an exception without a text";
    std::snprintf(error->text, error->size, "%s", wrong.c_str());
    return status;
  }

  static tallybus_status Check(const tallybus_endpoint* endpoint, tallybus_error* error) {
    return Answer(error, TALLYBUS_INVALID, [&] { return T::Check(Endpoint(*endpoint)); });
  }
  static tallybus_status Create(const tallybus_host* host, const tallybus_transport** transport,
                                tallybus_error* error) {
    return Answer(error, TALLYBUS_UNAVAILABLE, [&]() -> std::string {
      auto made = std::make_unique<Made>();
      made->transport = std::make_unique<T>(host);
      made->table = {
          sizeof(tallybus_transport), made.get(), &Start, &Deliver, &Stop, &Destroy, nullptr};
      *transport = &made.release()->table;
      return "";
    });
  }
  static T& Of(void* self) { return *static_cast<Made*>(self)->transport; }
  static tallybus_status Start(void* self, tallybus_error* error) {
    return Answer(error, TALLYBUS_UNAVAILABLE, [&] { return Of(self).Start(); });
  }
  static void Deliver(void* self, const tallybus_delivery* const* deliveries, size_t count) {
    std::vector<Attempt> attempts;
    for (size_t i = 0; i < count; ++i) attempts.emplace_back(Of(self).host(), deliveries[i]);
    Of(self).Deliver(std::move(attempts));
  }
  static void Stop(void* self, int64_t deadline_ns) { Of(self).Stop(deadline_ns); }
  static void Destroy(void* self) { delete static_cast<Made*>(self); }
};

}  // namespace plugin
}  // namespace tallybus

#define TALLYBUS_TRANSPORT_PLUGIN(Type)                                                      \
  extern "C" TALLYBUS_EXPORT const tallybus_transport_entry* tallybus_transport_entry_v1() { \
    return tallybus::plugin::Glue<Type>::Entry();                                            \
  }

#endif  // TALLYBUS_TRANSPORT_PLUGIN_H_
