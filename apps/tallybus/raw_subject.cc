// Peers of any protocol: a raw listener in its moods, or the file that a transport writes.
#include "apps/tallybus/raw_subject.h"

#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace tallybus::cli {
namespace {

using conformance::Arrival;
using conformance::PeerMood;

std::vector<Arrival> ArrivalsOf(const std::vector<std::string>& requests) {
  std::vector<Arrival> arrivals;
  for (const std::string& request : requests) {
    arrivals.emplace_back().bytes = request.empty() ? "\n" : request;
  }
  return arrivals;
}

class ListeningPeer final : public conformance::Peer {
 public:
  ListeningPeer(std::unique_ptr<RawPeer> peer, Endpoint endpoint)
      : peer_(std::move(peer)), endpoint_(std::move(endpoint)) {
    endpoint_.url = absl::StrReplaceAll(endpoint_.url, {{"{peer}", peer_->address()}});
  }
  Endpoint endpoint() override { return endpoint_; }
  std::vector<Arrival> Arrivals() override { return ArrivalsOf(peer_->Requests()); }

 private:
  std::unique_ptr<RawPeer> peer_;
  Endpoint endpoint_;
};

// What comes behind the file's end of now.
class FilePeer final : public conformance::Peer {
 public:
  FilePeer(std::string file, std::string ends, Endpoint endpoint)
      : file_(std::move(file)), ends_(std::move(ends)), endpoint_(std::move(endpoint)) {
    std::error_code none;
    const auto size = std::filesystem::file_size(file_, none);
    begin_ = none ? 0 : static_cast<size_t>(size);
  }
  Endpoint endpoint() override { return endpoint_; }
  std::vector<Arrival> Arrivals() override {
    std::ifstream file(file_, std::ios::binary);
    file.seekg(static_cast<std::streamoff>(begin_));
    const std::string text(std::istreambuf_iterator<char>(file), {});
    std::vector<std::string> requests = absl::StrSplit(text, ends_);
    if (!requests.empty() && requests.back().empty()) requests.pop_back();
    return ArrivalsOf(requests);
  }

 private:
  const std::string file_;
  const std::string ends_;
  const Endpoint endpoint_;
  size_t begin_ = 0;
};

}  // namespace

std::unique_ptr<conformance::Peer> RawSubject::MakePeer(PeerMood mood) {
  Endpoint endpoint = setting_.endpoint;
  endpoint.url = trial_.endpoint;
  const RawWire& wire = trial_.wire;
  if (!trial_.arrived.empty()) {
    return std::make_unique<FilePeer>(trial_.arrived, wire.request_ends, endpoint);
  }
  const std::string answer = mood == PeerMood::kAccepts      ? wire.accept
                             : mood == PeerMood::kRejects    ? wire.reject
                             : mood == PeerMood::kOverloaded ? wire.overload
                                                             : "";
  auto peer = RawPeer::Start(mood != PeerMood::kRefuses, wire.request_ends, answer);
  return peer.ok() ? std::make_unique<ListeningPeer>(*std::move(peer), endpoint) : nullptr;
}

std::string RawSubject::NotApplicable(PeerMood mood) const {
  if (!trial_.arrived.empty() && mood != PeerMood::kAccepts) {
    return "a file does not refuse, hang or answer";
  }
  if (mood == PeerMood::kRejects && trial_.wire.reject.empty()) return "--reply-reject is empty";
  if (mood == PeerMood::kOverloaded && trial_.wire.overload.empty()) {
    return "--reply-overload is empty";
  }
  return "";
}

std::string RawSubject::Sendable(std::string body) const {
  return absl::StrReplaceAll(body, {{trial_.wire.request_ends, ""}});
}

}  // namespace tallybus::cli
