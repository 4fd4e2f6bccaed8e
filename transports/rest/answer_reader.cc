// http_parser's callbacks, each a step of the answer.
#include "transports/rest/answer_reader.h"

#include <http_parser.h>

#include <algorithm>

#include "transports/rest/verdict.h"

namespace tallybus::rest {
namespace {

constexpr size_t kMaxPieceBytes = 512;  // of a phrase, name or value; the rest means nothing to us

void AppendUpTo(size_t most, std::string_view piece, std::string* out) {
  out->append(piece.substr(0, most - std::min(most, out->size())));
}

}  // namespace

struct AnswerReader::Callbacks {
  static AnswerReader& Self(http_parser* parser) {
    return *static_cast<AnswerReader*>(parser->data);
  }
  static int OnBegin(http_parser* parser) {
    AnswerReader& self = Self(parser);
    self.line_ = Line::kStatus;
    self.in_body_ = false;
    self.phrase_.clear();
    return 0;
  }
  static int OnStatus(http_parser* parser, const char* data, size_t size) {
    AppendUpTo(kMaxPieceBytes, {data, size}, &Self(parser).phrase_);
    return 0;
  }
  static int OnName(http_parser* parser, const char* data, size_t size) {
    AnswerReader& self = Self(parser);
    if (self.line_ != Line::kName) self.EndLine();
    AppendUpTo(kMaxPieceBytes, {data, size}, &self.name_);
    return 0;
  }
  static int OnValue(http_parser* parser, const char* data, size_t size) {
    AnswerReader& self = Self(parser);
    self.line_ = Line::kValue;
    AppendUpTo(kMaxPieceBytes, {data, size}, &self.value_);
    return 0;
  }
  // 1 where no body follows, whatever the fields say (RFC 9112, 6.3).
  static int OnHeadersEnd(http_parser* parser) {
    Self(parser).EndLine();
    // An encoding that is none ends by no rule that we know.
    if (parser->uses_transfer_encoding && (parser->flags & F_CHUNKED) == 0) return -1;
    Self(parser).in_body_ = true;
    const unsigned code = parser->status_code;
    return code < 200 || code == 204 || code == 304 ? 1 : 0;
  }
  static int OnBody(http_parser* parser, const char* data, size_t size) {
    AnswerReader& self = Self(parser);
    if (self.answer_.TakeBody({data, size})) return 0;
    self.state_ = State::kCut;
    return 1;
  }
  static int OnEnd(http_parser* parser) {
    AnswerReader& self = Self(parser);
    if (parser->status_code < 200) return 0;
    self.EndLine();  // the last trailer, where there is one
    self.state_ = State::kWhole;
    self.keeps_connection_ = http_should_keep_alive(parser) != 0;
    http_parser_pause(parser, 1);
    return 0;
  }
  static const http_parser_settings& Settings() {
    static const http_parser_settings settings = [] {
      http_parser_settings s;
      http_parser_settings_init(&s);
      s.on_message_begin = &OnBegin;
      s.on_status = &OnStatus;
      s.on_header_field = &OnName;
      s.on_header_value = &OnValue;
      s.on_headers_complete = &OnHeadersEnd;
      s.on_body = &OnBody;
      s.on_message_complete = &OnEnd;
      return s;
    }();
    return settings;
  }
};

AnswerReader::AnswerReader(Answer& answer)
    : answer_(answer), parser_(std::make_unique<http_parser>()) {
  Begin();
}

AnswerReader::~AnswerReader() = default;

void AnswerReader::Begin() {
  http_parser_init(parser_.get(), HTTP_RESPONSE);
  parser_->data = this;
  parser_->allow_chunked_length = 1;  // a length beside chunks does not count (RFC 9112, 6.3)
  parser_->lenient_http_headers = 1;  // bytes that no value should have
  state_ = State::kUnderWay;
  has_begun_ = keeps_connection_ = in_body_ = false;
  line_ = Line::kStatus;
  phrase_.clear();
  name_.clear();
  value_.clear();
}

AnswerReader::State AnswerReader::Take(std::string_view bytes) {
  has_begun_ = true;
  return Parse(bytes.data(), bytes.size());
}

AnswerReader::State AnswerReader::TakeEnd() {
  if (has_begun_) Parse(nullptr, 0);
  if (state_ == State::kUnderWay) state_ = State::kBad;
  keeps_connection_ = false;
  return state_;
}

AnswerReader::State AnswerReader::Parse(const char* bytes, size_t size) {
  const size_t parsed = http_parser_execute(parser_.get(), &Callbacks::Settings(), bytes, size);
  if (state_ == State::kWhole && parsed < size) keeps_connection_ = false;  // it says too much
  // Nobody asked for another protocol.
  const bool failed = parser_->http_errno != HPE_OK || parser_->upgrade != 0;
  if (state_ == State::kUnderWay && failed) state_ = HasStatusAlone() ? State::kWhole : State::kBad;
  return state_;
}

// A final answer has begun, and one of its fields is none: two lengths, a name with a bracket. What
// its status says the peer has done; its body does not count, and nor does the connection.
bool AnswerReader::HasStatusAlone() const {
  const auto error = static_cast<http_errno>(parser_->http_errno);
  return line_ != Line::kStatus && !in_body_ && parser_->status_code >= 200 && error != HPE_OK &&
         error != HPE_HEADER_OVERFLOW && error != HPE_INVALID_EOF_STATE;
}

void AnswerReader::EndLine() {
  if (line_ == Line::kStatus) answer_.TakePhrase(CleanPhrase(phrase_));
  if (line_ == Line::kValue) answer_.TakeField(name_, value_);
  name_.clear();
  value_.clear();
  line_ = Line::kName;
}

int AnswerReader::code() const { return static_cast<int>(parser_->status_code); }

}  // namespace tallybus::rest
