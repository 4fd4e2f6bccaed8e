// The descriptor, and the link that appends what it was given.
#include "transports/file/file_transport.h"

#include <absl/status/statusor.h>
#include <absl/strings/str_cat.h>
#include <sys/stat.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "transports/file/rotating_file.h"
#include "transports/parts/event_object.h"
#include "transports/parts/linked_transport.h"
#include "transports/parts/options.h"

namespace tallybus::file {
namespace {

constexpr char kRotateSize[] = "rotate_size";
constexpr char kKeep[] = "keep";
constexpr char kSync[] = "sync";
constexpr int64_t kDefaultRotateSize = int64_t{64} << 20;
constexpr int64_t kMostRotateSize = int64_t{1} << 40;

absl::StatusOr<std::string> PathOf(const Endpoint& endpoint) {
  constexpr std::string_view kScheme = "file://";
  const std::string& url = endpoint.url;
  const bool absolute = url.starts_with("file:///");
  if (!absolute || url.ends_with('/') || url.find_first_of("?#%") != url.npos) {
    return absl::InvalidArgumentError("url: must be file:///path/of/a/file, without ?, # and %");
  }
  return url.substr(kScheme.size());
}

absl::StatusOr<FileSettings> ReadSettings(const Endpoint& endpoint) {
  auto path = PathOf(endpoint);
  if (!path.ok()) return path.status();
  const auto size =
      parts::NumberOption(endpoint, kRotateSize, kDefaultRotateSize, 0, kMostRotateSize);
  if (!size.ok()) return size.status();
  const auto keep = parts::NumberOption(endpoint, kKeep, 8, 1, 1000);
  if (!keep.ok()) return keep.status();
  const auto sync = parts::FlagOption(endpoint, kSync, false);
  if (!sync.ok()) return sync.status();
  return FileSettings{*std::move(path), *size, static_cast<int>(*keep), *sync};
}

absl::Status Check(const Endpoint& endpoint) {
  const auto settings = ReadSettings(endpoint);
  if (!settings.ok()) return settings.status();
  const std::string folder = settings->path.substr(0, settings->path.rfind('/') + 1);
  struct stat found = {};
  if (stat(folder.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat("url: there is no folder ", folder));
  }
  if (stat(settings->path.c_str(), &found) == 0 && !S_ISREG(found.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat("url: ", settings->path, " is no regular file"));
  }
  return absl::OkStatus();
}

absl::StatusOr<AttemptText> Tell(const Delivery& delivery, const Clock&) {
  const auto settings = ReadSettings(delivery.endpoint);
  if (!settings.ok()) return settings.status();
  AttemptText text;
  text.head = absl::StrCat("append to ", settings->path, "\n");
  for (const Parcel& parcel : delivery.parcels) parts::AppendEventLine(parcel, &text.body);
  return text;
}

DeliveryResult ResultOf(const absl::Status& status) {
  if (status.ok()) {
    DeliveryResult delivered;
    delivered.verdict = Verdict::kDelivered;
    return delivered;
  }
  const bool opened = !absl::IsUnavailable(status);
  return parts::NoAnswer(status, opened ? parts::kConnectionReset : parts::kConnectionRefused,
                         /*never_sent=*/!opened);
}

class FileLink final : public parts::Link {
 public:
  FileLink(FileSettings settings, parts::OpenAttempts& attempts)
      : file_(std::move(settings)), attempts_(attempts) {}

  void Take(const Delivery& delivery) override {
    for (const Parcel& parcel : delivery.parcels) parts::AppendEventLine(parcel, &lines_);
    taken_.push_back({delivery.ticket, {}});
  }

  void Send() override {
    const DeliveryResult result = ResultOf(file_.Append(lines_));
    for (Completion& each : taken_) each.result = result;
    attempts_.CompleteAll(taken_);
    taken_.clear();
    lines_.clear();
  }

 private:
  RotatingFile file_;
  parts::OpenAttempts& attempts_;
  std::string lines_;
  std::vector<Completion> taken_;
};

}  // namespace

TransportDescriptor FileDescriptor() {
  TransportDescriptor descriptor;
  descriptor.scheme = "file";
  descriptor.options = {
      {kRotateSize, "size that the file is put aside at (64MiB); 0: never", OptionType::kSize},
      {kKeep, "how many files that were put aside are kept (8)", OptionType::kInteger},
      {kSync, "whether an event is delivered only when it is on the disk (false)",
       OptionType::kBoolean},
  };
  descriptor.check = Check;
  descriptor.create =
      [](const TransportContext& context) -> absl::StatusOr<std::unique_ptr<Transport>> {
    return std::make_unique<parts::LinkedTransport>(
        context, "file",
        [](const parts::LinkContext& link) -> absl::StatusOr<std::unique_ptr<parts::Link>> {
          auto settings = ReadSettings(link.endpoint);
          if (!settings.ok()) return settings.status();
          return std::make_unique<FileLink>(*std::move(settings), link.attempts);
        });
  };
  descriptor.tell = Tell;
  return descriptor;
}

}  // namespace tallybus::file
