// Reads one final HTTP/1 answer out of a connection's bytes, as they come.
#ifndef TALLYBUS_REST_ANSWER_READER_H_
#define TALLYBUS_REST_ANSWER_READER_H_

#include <memory>
#include <string>
#include <string_view>

#include "transports/rest/answer.h"

struct http_parser;

namespace tallybus::rest {

// [owner] Feeds an Answer. Interim answers (below 200) are read and forgotten.
class AnswerReader {
 public:
  enum class State {
    kUnderWay,
    kWhole,
    kCut,  // the answer is longer than we read
    kBad,  // not HTTP/1 up to its status, or its end came too early
  };

  explicit AnswerReader(Answer& answer);  // that outlives it
  ~AnswerReader();

  void Begin();  // for the next answer
  State Take(std::string_view bytes);
  State TakeEnd();  // the peer has closed its side

  bool has_begun() const { return has_begun_; }  // a byte of it has come
  int code() const;                              // once whole or cut
  // Nothing stands against another request on this connection. Once whole.
  bool keeps_connection() const { return keeps_connection_; }

 private:
  // http_parser's callbacks, which take its parser for `this`.
  struct Callbacks;
  State Parse(const char* bytes, size_t size);
  bool HasStatusAlone() const;
  void EndLine();

  Answer& answer_;
  const std::unique_ptr<http_parser> parser_;
  State state_ = State::kUnderWay;
  bool has_begun_ = false;
  bool keeps_connection_ = false;
  bool in_body_ = false;
  // What came of the line under way: a line may come in pieces.
  enum class Line { kStatus, kName, kValue } line_ = Line::kStatus;
  std::string phrase_;
  std::string name_;
  std::string value_;
};

}  // namespace tallybus::rest

#endif  // TALLYBUS_REST_ANSWER_READER_H_
