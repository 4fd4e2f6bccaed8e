// Reuse: the one that ended last is taken first, its memory is warm.
#include "transports/rest/endpoint_pool.h"

#include <absl/strings/ascii.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "transports/rest/http1_connection.h"
#include "transports/rest/transfer.h"

namespace tallybus::rest {
namespace {

// Of a new HTTP/2 stream, where the peer has not said otherwise. It may answer a larger body unread
// (413 for one), and then libcurl 7.88 waits for the window to open until the time is up.
constexpr size_t kHttp2Window = 65535;

// libcurl translates them.
bool IsBeyondAscii(std::string_view host) {
  return !std::all_of(host.begin(), host.end(), absl::ascii_isascii);
}

}  // namespace

EndpointPool::EndpointPool(EndpointSettings settings, const Clock& clock, Metrics& metrics,
                           const std::string& route, SocketWatch& watch, void* multi)
    : settings_(std::move(settings)),
      clock_(clock),
      counters_(metrics, route),
      watch_(watch),
      multi_(multi),
      offers_http2_(settings_.http2 && settings_.url.IsTls() && settings_.format == Format::kWcs) {}

bool EndpointPool::IsByLibcurl(size_t body_bytes) const {
  return (offers_http2_ && !is_http1_ && body_bytes <= kHttp2Window) ||
         IsBeyondAscii(settings_.url.host);
}

bool EndpointPool::NoteHttp1() {
  is_http1_ = true;
  return !IsByLibcurl(0);
}

void EndpointPool::ForgetHttp1() {
  is_http1_ = is_http1_ && std::any_of(attempts_.begin(), attempts_.end(),
                                       [](const auto& attempt) { return attempt->is_open(); });
}

std::unique_ptr<Attempt> EndpointPool::Make(bool by_libcurl) {
  if (by_libcurl) return std::make_unique<Transfer>(*this, settings_, counters_, watch_, multi_);
  return std::make_unique<Http1Connection>(*this, settings_, counters_, watch_, multi_);
}

Attempt& EndpointPool::Take(size_t body_bytes) {
  ++busy_;
  const bool by_libcurl = IsByLibcurl(body_bytes);
  const auto found = std::find_if(idle_.rbegin(), idle_.rend(), [=](const Attempt* attempt) {
    return attempt->IsByLibcurl() == by_libcurl;
  });
  if (found == idle_.rend()) return *attempts_.emplace_back(Make(by_libcurl));
  Attempt& attempt = **found;
  idle_.erase(std::next(found).base());
  return attempt;
}

void EndpointPool::NoteEnd(bool delivered) {
  successes_ = delivered ? std::min(successes_ + 1, kSuccessesBeforeAhead) : 0;
}

void EndpointPool::GiveBack(Attempt& attempt) {
  --busy_;
  idle_.push_back(&attempt);
}

}  // namespace tallybus::rest
