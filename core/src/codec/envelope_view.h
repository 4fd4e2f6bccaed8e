// An Envelope's fields where they stand, without a message of their own.
#ifndef TALLYBUS_CODEC_ENVELOPE_VIEW_H_
#define TALLYBUS_CODEC_ENVELOPE_VIEW_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "codec/json_writer.h"
#include "tallybus/v1/event.pb.h"

namespace tallybus {

// Every field of StreamStatus: kind, name in protobuf, name in WCS; in the order of the WCS sample,
// then of the newer servers' fields, which is that of their numbers.
#define TALLYBUS_STREAM_STATUS_FIELDS(X)     \
  X(String, name, "name")                    \
  X(Bool, published, "published")            \
  X(Bool, has_video, "hasVideo")             \
  X(Bool, has_audio, "hasAudio")             \
  X(String, status, "status")                \
  X(String, sdp, "sdp")                      \
  X(Bool, record, "record")                  \
  X(Int, width, "width")                     \
  X(Int, height, "height")                   \
  X(Int, bitrate, "bitrate")                 \
  X(Int, quality, "quality")                 \
  X(String, media_provider, "mediaProvider") \
  X(String, info, "info")                    \
  X(Int, min_bitrate, "minBitrate")          \
  X(Int, max_bitrate, "maxBitrate")          \
  X(Int, gop, "gop")                         \
  X(Int, fps, "fps")                         \
  X(Int, audio_bitrate, "audioBitrate")      \
  X(String, audio_codec, "audioCodec")       \
  X(String, video_codec, "videoCodec")       \
  X(String, codec_impl, "codecImpl")         \
  X(String, transport, "transport")          \
  X(String, media_type, "mediaType")         \
  X(String, record_name, "recordName")       \
  X(Bool, history, "history")                \
  X(Bool, cvo_extension, "cvoExtension")     \
  X(Int, create_date, "createDate")          \
  X(Object, audio_state, "audioState")       \
  X(Object, video_state, "videoState")       \
  X(Object, custom, "custom")

struct StatusField {
  enum class Kind : uint8_t { kBool, kInt, kString, kObject };  // the texts last
  Kind kind;
  JsonKey wcs;
};

// Number n of StreamStatus is entry n - 1.
inline constexpr StatusField kStatusFields[] = {
#define TALLYBUS_STATUS_FIELD(kind, field, wcs) {StatusField::Kind::k##kind, wcs},
    TALLYBUS_STREAM_STATUS_FIELDS(TALLYBUS_STATUS_FIELD)
#undef TALLYBUS_STATUS_FIELD
};
inline constexpr size_t kStatusFieldCount = std::size(kStatusFields);

struct StatusView {
  // A bool, an integer, or a text and its size.
  struct Value {
    int64_t number;
    const char* text;
    std::string_view AsText() const { return {text, static_cast<size_t>(number)}; }
  };
  uint32_t present = 0;                         // bit n - 1: field number n
  std::array<Value, kStatusFieldCount> values;  // of the others it is not set

  bool Has(size_t field) const { return (present >> (field - 1) & 1) != 0; }
  std::string_view Text(size_t field) const {
    return Has(field) ? values[field - 1].AsText() : std::string_view();
  }
};
static_assert(kStatusFieldCount <= 32);

struct EnvelopeView {
  uint64_t epoch = 0;
  uint64_t sequence = 0;
  int64_t time_unix_us = 0;
  std::string_view method, node_id, app_key, session_id, media_session_id, extra;
  uint32_t flags = 0;
  v1::Envelope::PayloadCase payload = v1::Envelope::PAYLOAD_NOT_SET;
  std::string_view json;                  // of kJson
  StatusView status;                      // of kStreamStatus
  const v1::ErrorEvent* error = nullptr;  // of kErrorEvent
};

// The view of a parsed message; it refers into it.
EnvelopeView ViewOf(const v1::Envelope& envelope);

// The view of an Envelope's bytes as our own writers make them: each field once and in order, none
// that is not known, no ErrorEvent. False: ask protobuf, which knows better; *view is of no use
// then. Text is not checked to be UTF-8. It refers into the bytes.
bool ViewOfPlain(std::string_view bytes, EnvelopeView* view);

// The Envelope in the bytes of a Record that holds one, and nothing else.
std::optional<std::string_view> EnvelopeInPlain(std::string_view record);

}  // namespace tallybus

#endif  // TALLYBUS_CODEC_ENVELOPE_VIEW_H_
