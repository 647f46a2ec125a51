// Incremental parsers of HTTP/1.x requests and responses: llhttp in strict mode, plus what it lets pass.
//
// Fed with bytes as they come, a parser fills one message and stops at its end, so that the bytes of a next one stay with
// the caller. Everything is bounded: see MessageLimits. What two readers might take for different messages is refused:
// bare CR or LF, NUL, folded fields, white space before a colon or in front of a message, Content-Length that is signed,
// repeated, empty, or together with Transfer-Encoding, Transfer-Encoding other than `chunked` alone. Fields of a trailer are
// checked, and dropped unless the body is streamed. A request target that is a whole URL becomes its path and query, and its host
// replaces that of Host.
#pragma once

#include <llhttp.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/http_message.h"

namespace fiso::net {

struct MessageLimits {
  size_t header_bytes = 64 << 10;  // start line and fields; also trailer and chunk extensions
  size_t header_fields = 256;
  size_t body_bytes = 10 << 20;
};

// Could be the value of Host: a host name, an address or an IPv6 literal, with or without a port (RFC 3986 section 3.2.2).
bool is_host_text(std::string_view text);

class MessageParser {
 public:
  enum class State {
    kIdle,      // nothing of the message has come
    kHeaders,   // in the start line or the fields
    kBody,      // the fields are complete
    kComplete,  // the message is
    kFailed,    // and whoever sent it cannot be understood any further
  };

  MessageParser(const MessageParser&) = delete;

  // Takes bytes up to the end of the message; returns how many. Takes none once complete or failed.
  size_t feed(std::string_view bytes);

  State state() const { return state_; }
  // Of a complete message: may the connection carry another one?
  bool keep_alive() const { return keep_alive_; }
  // The start line and the fields are complete and good; the body may still turn out bad.
  bool head_read() const { return head_read_; }
  // Of start line and fields, so far.
  size_t head_bytes() const { return state_ == State::kHeaders ? fed_ : header_bytes_; }
  // Body bytes that Content-Length still promises; 0 if it does not say.
  uint64_t body_left() const { return parser_.content_length; }

  // Of a message whose head is read: what Content-Length says.
  std::optional<uint64_t> length() const { return content_lengths_ > 0 ? std::optional(declared_length_) : std::nullopt; }
  bool chunked() const { return transfer_encodings_ > 0; }

  // From now on bodies are taken in pieces: they have no limit, no memory is claimed for them, and drop_piece() is called
  // before a feed() that follows one.
  void stream_bodies() { streamed_ = true; }
  // What has come of the body since: a view into the bytes fed, or into the message's body where chunks were put together.
  std::string_view piece() const { return body_.empty() ? piece_ : std::string_view(body_); }
  void drop_piece();
  // Of a complete message whose body was streamed: the fields behind it that may stand there.
  const HeaderList& trailers() const { return trailers_; }

  // Of a failed message: the status for the one who sent it, and a short reason that quotes nothing.
  int error_status() const { return error_status_; }
  std::string_view error_text() const { return error_text_; }

 protected:
  MessageParser(llhttp_type_t type, const MessageLimits& limits, HeaderList& headers, std::string& body);
  ~MessageParser() = default;

  void reset();
  // 0, or -1 after fail().
  int fail(int status, std::string_view text);

  llhttp_t parser_;
  State state_ = State::kIdle;
  bool keep_alive_ = false;
  bool keep_body_ = true;                                  // or only count its bytes
  unsigned content_lengths_ = 0, transfer_encodings_ = 0;  // fields of that name
  bool chunked_ = false;                                   // the one Transfer-Encoding says exactly that
  bool streamed_ = false;                                  // the body is taken in pieces

 private:
  friend struct ParserCallbacks;
  virtual bool may_start_with(char first) const = 0;
  // How many of these bytes, fed next, are not for llhttp.
  virtual size_t take_start(std::string_view) { return 0; }
  virtual int on_target(std::string_view part) = 0;
  virtual int on_field(std::string_view name, std::string_view value) = 0;
  // llhttp's answers: 0, -1, or 1 for "this message has no body".
  virtual int on_head() = 0;
  // The start line's length must be exactly this.
  virtual bool start_line_fits(size_t bytes) const = 0;
  void scan_start_line(std::string_view bytes);
  int protocol_complete();
  int spend(size_t bytes);
  int field_complete();
  int head_complete();
  int body_part(std::string_view part);
  void add_to_piece(std::string_view part);
  void note_llhttp_error();
  void check_overhead();

  const MessageLimits limits_;
  llhttp_type_t type_;
  HeaderList& headers_;
  std::string& body_;
  std::string name_, value_;  // of the field being read
  HeaderList trailers_;
  std::string_view piece_;  // of a streamed body, while it is a single one
  uint64_t declared_length_ = 0;
  size_t header_bytes_ = 0;  // of start line, fields, trailer and chunk extensions
  size_t fed_ = 0;           // all bytes of the message so far
  size_t body_bytes_ = 0;    // of them, those of the body proper
  bool head_read_ = false;
  size_t start_line_bytes_ = 0;
  char before_line_end_ = 0;  // what the start line's LF follows
  bool start_line_ended_ = false;
  size_t fields_ = 0;
  int error_status_ = 0;
  std::string_view error_text_;
};

class RequestParser final : public MessageParser {
 public:
  // Fills `request`, which must outlive the parser. It is cleared by next().
  RequestParser(const MessageLimits& limits, HttpRequest& request);

  // Gets ready for another message.
  void next();

  bool http_1_0() const { return parser_.http_minor == 0; }
  // Of a message whose fields are complete: the client waits for `100 Continue` before it sends the body.
  bool expects_continue() const { return expects_continue_; }

 private:
  bool may_start_with(char first) const override { return first >= 'A' && first <= 'Z'; }
  size_t take_start(std::string_view bytes) override;
  int on_target(std::string_view part) override;
  int on_field(std::string_view name, std::string_view value) override;
  int on_head() override;
  bool start_line_fits(size_t bytes) const override;
  int check_target();
  int take_absolute_form();

  HttpRequest& request_;
  unsigned hosts_ = 0;
  bool method_read_ = false;
  bool expects_continue_ = false;
};

class ResponseParser final : public MessageParser {
 public:
  enum class Body {
    kByHeaders,
    kDropped,  // as the headers say, and within the limits, but not kept
    kNone,     // the answer to a HEAD
  };

  ResponseParser(const MessageLimits& limits, HttpResponse& response);

  void next(Body body);
  // Of this message only: 101 is an answer, complete with its fields; what follows is no HTTP any more.
  void allow_upgrade() { upgrade_allowed_ = true; }

  // The other side has closed. True if that ends the message properly; it is complete then.
  bool finish();

 private:
  bool may_start_with(char first) const override { return first == 'H'; }
  int on_target(std::string_view) override { return 0; }
  int on_field(std::string_view, std::string_view) override { return 0; }
  int on_head() override;
  bool start_line_fits(size_t) const override { return true; }

  HttpResponse& response_;
  Body body_rule_ = Body::kByHeaders;
  bool upgrade_allowed_ = false;
};

}  // namespace fiso::net
