#include "net/http_parser.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "net/hop_fields.h"
#include "net/uri.h"
#include "net/wire.h"

namespace fiso::net {
namespace {

constexpr size_t kFieldOverhead = 4;  // ": " and the line end
constexpr size_t kHeadMemoryToKeep = 16 << 10;
constexpr size_t kReserveAtMost = 256 << 10;  // memory a Content-Length alone may claim
constexpr size_t kChunkOverhead = 8;          // framing bytes per body byte that one-byte chunks amount to, and some more

constexpr size_t kLongestMethod = 64;
// Those that llhttp is told of; the others are a POST to it, which it treats as any method.
constexpr std::string_view kMethods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT"};

bool known_version(const llhttp_t& parser) { return parser.http_major == 1 && parser.http_minor <= 1; }

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~%!$&'()*+,;=:[]").find(c) != std::string_view::npos;
}

}  // namespace

bool is_host_text(std::string_view text) { return std::ranges::all_of(text, is_host_char); }

struct ParserCallbacks {
  static MessageParser& self(llhttp_t* p) { return *static_cast<MessageParser*>(p->data); }

  static int on_url(llhttp_t* p, const char* at, size_t n) { return self(p).spend(n) | self(p).on_target({at, n}); }
  static int on_protocol(llhttp_t* p, const char* at, size_t n) {
    self(p).value_.append(at, n);
    return 0;
  }
  static int on_protocol_complete(llhttp_t* p) { return self(p).protocol_complete(); }
  static int on_name(llhttp_t* p, const char* at, size_t n) {
    self(p).name_.append(at, n);
    return self(p).spend(n);
  }
  static int on_value(llhttp_t* p, const char* at, size_t n) {
    self(p).value_.append(at, n);
    return self(p).spend(n);
  }
  static int on_value_complete(llhttp_t* p) { return self(p).field_complete(); }
  static int on_extension(llhttp_t* p, const char*, size_t n) { return self(p).spend(n); }
  static int on_headers_complete(llhttp_t* p) { return self(p).head_complete(); }
  static int on_body(llhttp_t* p, const char* at, size_t n) { return self(p).body_part({at, n}); }
  static int on_message_complete(llhttp_t* p) {
    self(p).state_ = MessageParser::State::kComplete;
    return HPE_PAUSED;
  }

  static const llhttp_settings_t* settings() {
    static const llhttp_settings_t table = [] {
      llhttp_settings_t s;
      llhttp_settings_init(&s);
      s.on_url = on_url;
      s.on_protocol = on_protocol;
      s.on_protocol_complete = on_protocol_complete;
      s.on_header_field = on_name;
      s.on_header_value = on_value;
      s.on_header_value_complete = on_value_complete;
      s.on_chunk_extension_name = on_extension;
      s.on_chunk_extension_value = on_extension;
      s.on_headers_complete = on_headers_complete;
      s.on_body = on_body;
      s.on_message_complete = on_message_complete;
      return s;
    }();
    return &table;
  }
};

MessageParser::MessageParser(llhttp_type_t type, const MessageLimits& limits, HeaderList& headers, std::string& body)
    : limits_(limits), type_(type), headers_(headers), body_(body) {
  reset();
}

// An ordinary head's memory is kept for the next message, that of a large one is given back.
void MessageParser::reset() {
  for (std::string* text : {&name_, &value_})
    if (text->capacity() > kHeadMemoryToKeep) std::string().swap(*text);
  for (HeaderList* list : {&headers_, &trailers_})
    if (list->bytes() > kHeadMemoryToKeep) *list = HeaderList();

  llhttp_init(&parser_, type_, ParserCallbacks::settings());
  parser_.data = this;
  state_ = State::kIdle;
  keep_alive_ = chunked_ = false;
  content_lengths_ = transfer_encodings_ = 0;
  name_.clear();
  value_.clear();
  trailers_.clear();
  header_bytes_ = fed_ = fields_ = start_line_bytes_ = body_bytes_ = 0;
  start_line_ended_ = head_read_ = false;
  piece_ = {};
}

int MessageParser::fail(int status, std::string_view text) {
  if (state_ != State::kFailed) {
    state_ = State::kFailed;
    error_status_ = status;
    error_text_ = text;
  }
  return -1;
}

size_t MessageParser::feed(std::string_view bytes) {
  if (bytes.empty() || state_ == State::kComplete || state_ == State::kFailed) return 0;
  if (state_ == State::kIdle) {
    if (!may_start_with(bytes.front())) {
      fail(400, "malformed start line");
      return 0;
    }
    state_ = State::kHeaders;
  }
  if (!start_line_ended_) scan_start_line(bytes);
  size_t taken = take_start(bytes);
  fed_ += taken;
  if (state_ == State::kFailed || taken == bytes.size()) return taken;
  bytes.remove_prefix(taken);
  llhttp_errno_t code = llhttp_execute(&parser_, bytes.data(), bytes.size());
  size_t used = bytes.size();
  if (code != HPE_OK) used = static_cast<size_t>(llhttp_get_error_pos(&parser_) - bytes.data());
  fed_ += used;
  if (code != HPE_OK && code != HPE_PAUSED) note_llhttp_error();
  check_overhead();
  return taken + used;
}

// llhttp lets a start line end in a bare LF and have spaces to spare; its exact length does not.
void MessageParser::scan_start_line(std::string_view bytes) {
  size_t end = bytes.find('\n');
  start_line_ended_ = end != std::string_view::npos;
  if (!start_line_ended_) end = bytes.size();
  if (end > 0) before_line_end_ = bytes[end - 1];
  start_line_bytes_ += start_line_ended_ ? end + 1 : end;
}

// llhttp also reads RTSP and ICE.
int MessageParser::protocol_complete() {
  bool http = value_ == "HTTP";
  value_.clear();
  return http ? 0 : fail(400, "malformed start line");
}

// An error of a callback has been noted by fail() already.
void MessageParser::note_llhttp_error() {
  switch (llhttp_get_errno(&parser_)) {
    case HPE_INVALID_METHOD: fail(400, "invalid method"); break;
    case HPE_INVALID_URL: fail(400, "invalid request target"); break;
    case HPE_INVALID_VERSION:
      known_version(parser_) ? fail(400, "malformed start line") : fail(505, "HTTP version not supported");
      break;
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_UNEXPECTED_CONTENT_LENGTH: fail(400, "invalid Content-Length"); break;
    case HPE_INVALID_TRANSFER_ENCODING: fail(400, "invalid Transfer-Encoding"); break;
    case HPE_INVALID_CHUNK_SIZE: fail(400, "invalid chunk"); break;
    case HPE_INVALID_HEADER_TOKEN: fail(400, "invalid header field"); break;
    default: fail(400, "malformed message"); break;
  }
}

// Bytes that no callback sees (white space before a value, zeros before a chunk size) are bounded here.
void MessageParser::check_overhead() {
  if (state_ == State::kHeaders && fed_ > limits_.header_bytes) fail(431, "header fields too large");
  if (state_ == State::kBody && fed_ > 2 * limits_.header_bytes + (kChunkOverhead + 1) * body_bytes_) fail(400, "invalid chunk");
}

int MessageParser::spend(size_t bytes) {
  header_bytes_ += bytes;
  if (header_bytes_ <= limits_.header_bytes) return 0;
  return fail(431, "header fields too large");
}

int MessageParser::field_complete() {
  if (++fields_ > limits_.header_fields) return fail(431, "too many header fields");
  if (spend(kFieldOverhead) != 0) return -1;
  std::string_view value = value_;
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  if (state_ == State::kHeaders) {
    if (iequals(name_, "content-length")) {
      ++content_lengths_;
      if (value.empty()) return fail(400, "invalid Content-Length");
    } else if (iequals(name_, "transfer-encoding")) {
      ++transfer_encodings_;
      chunked_ = iequals(value, "chunked");
    } else if (on_field(name_, value) != 0) {
      return -1;
    }
    headers_.add(name_, value);
  } else if (streamed_ && is_trailer_field(name_)) {
    trailers_.add(name_, value);
  }
  name_.clear();
  value_.clear();
  return 0;
}

int MessageParser::head_complete() {
  if (before_line_end_ != '\r' || !start_line_fits(start_line_bytes_)) return fail(400, "malformed start line");
  if (!known_version(parser_)) return fail(505, "HTTP version not supported");
  if (content_lengths_ > 1) return fail(400, "invalid Content-Length");
  if (transfer_encodings_ > 0) {
    if (transfer_encodings_ > 1 || !chunked_) return fail(400, "invalid Transfer-Encoding");
    if (content_lengths_ > 0) return fail(400, "Content-Length together with Transfer-Encoding");
    if (parser_.http_minor == 0) return fail(400, "Transfer-Encoding in HTTP/1.0");
  }
  keep_alive_ = llhttp_should_keep_alive(&parser_) != 0;
  parser_.upgrade = 0;  // an offer to change the protocol is not taken up: the message is an ordinary one
  int body = on_head();
  if (body < 0) return -1;
  head_read_ = true;
  declared_length_ = parser_.content_length;
  if (body == 0 && parser_.content_length > limits_.body_bytes && !streamed_) return fail(413, "body too large");
  state_ = State::kBody;
  if (keep_body_ && !streamed_ && content_lengths_ > 0 && body == 0)
    body_.reserve(std::min<size_t>(parser_.content_length, kReserveAtMost));
  return body;
}

void MessageParser::drop_piece() {
  piece_ = {};
  body_.clear();
}

// Only where one feed holds several chunks is anything copied.
void MessageParser::add_to_piece(std::string_view part) {
  if (piece_.empty() && body_.empty()) {
    piece_ = part;
    return;
  }
  if (body_.empty()) body_.assign(piece_);
  body_.append(part);
}

int MessageParser::body_part(std::string_view part) {
  if (streamed_) {
    body_bytes_ += part.size();
    add_to_piece(part);
    return 0;
  }
  if (part.size() > limits_.body_bytes - body_bytes_) return fail(413, "body too large");
  body_bytes_ += part.size();
  if (keep_body_) body_.append(part);
  return 0;
}

RequestParser::RequestParser(const MessageLimits& limits, HttpRequest& request)
    : MessageParser(HTTP_REQUEST, limits, request.headers, request.body), request_(request) {}

void RequestParser::next() {
  reset();
  request_.clear();
  if (request_.target.capacity() > kHeadMemoryToKeep) std::string().swap(request_.target);
  hosts_ = 0;
  method_read_ = expects_continue_ = false;
}

// llhttp knows a list of methods, and any token may be one (RFC 9110, section 9.1). In the usual case it sees the bytes as they
// are.
size_t RequestParser::take_start(std::string_view bytes) {
  if (method_read_) return 0;
  size_t end = std::min(bytes.find(' '), bytes.size());
  std::string_view part = bytes.substr(0, end);
  bool fits = request_.method.size() + part.size() <= kLongestMethod;
  if (!fits || (!part.empty() && !is_field_name(part))) {
    fail(400, "invalid method");
    return 0;
  }
  bool comes_whole = request_.method.empty() && end < bytes.size();
  request_.method.append(part);
  if (end == bytes.size()) return end;
  method_read_ = true;
  if (request_.method == "PRI") {  // of HTTP/2's preface alone (RFC 9113, section 3.4)
    fail(400, "invalid method");
    return 0;
  }
  bool is_known = std::ranges::find(kMethods, request_.method) != std::end(kMethods);
  if (comes_whole && is_known) return 0;
  std::string_view told = is_known ? request_.method : "POST";
  llhttp_execute(&parser_, told.data(), told.size());
  llhttp_execute(&parser_, " ", 1);
  return end + 1;
}

int RequestParser::on_target(std::string_view part) {
  request_.target.append(part);
  return 0;
}

int RequestParser::on_field(std::string_view name, std::string_view value) {
  if (iequals(name, "host")) {
    if (++hosts_ > 1 || !is_host_text(value)) return fail(400, "invalid Host");
  } else if (iequals(name, "expect")) {
    if (!iequals(value, "100-continue")) return fail(417, "unknown expectation");
    expects_continue_ = true;
  }
  return 0;
}

int RequestParser::check_target() {
  const std::string& target = request_.target;
  bool in_ascii = std::ranges::all_of(target, [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
  if (!in_ascii) return fail(400, "invalid request target");
  if (target.starts_with('/') || (target == "*" && parser_.method == HTTP_OPTIONS)) return 0;
  return take_absolute_form();
}

// RFC 9112 section 3.2.2: what a client sends that takes us for a proxy. The URL's host counts, whatever Host says.
int RequestParser::take_absolute_form() {
  Result<Uri> uri = parse_uri(request_.target);
  if (!uri.has_value()) return fail(400, "the request target must be a path or a URL");
  request_.headers.set("Host", uri->authority());
  request_.target = std::move(uri->target);
  return 0;
}

bool RequestParser::start_line_fits(size_t bytes) const {
  constexpr size_t kAroundMethodAndTarget = std::string_view("  HTTP/1.1\r\n").size();
  return bytes == request_.method.size() + request_.target.size() + kAroundMethodAndTarget;
}

int RequestParser::on_head() {
  if (parser_.method == HTTP_CONNECT) return fail(400, "CONNECT is not supported");
  if (check_target() != 0) return -1;
  if (hosts_ == 0 && parser_.http_minor > 0) return fail(400, "missing Host");
  if (parser_.http_minor == 0) expects_continue_ = false;
  return 0;
}

ResponseParser::ResponseParser(const MessageLimits& limits, HttpResponse& response)
    : MessageParser(HTTP_RESPONSE, limits, response.headers, response.body), response_(response) {}

void ResponseParser::next(Body body) {
  reset();
  response_.clear();
  body_rule_ = body;
  upgrade_allowed_ = false;
  keep_body_ = body != Body::kDropped;
}

int ResponseParser::on_head() {
  response_.status = parser_.status_code;
  if (response_.status < 100 || response_.status > 599) return fail(400, "invalid status");
  bool interim = response_.status < 200;
  if (interim && ((response_.status == 101 && !upgrade_allowed_) || content_lengths_ + transfer_encodings_ > 0))
    return fail(400, "unexpected interim response");
  return body_rule_ == Body::kNone || interim ? 1 : 0;
}

bool ResponseParser::finish() {
  if (state_ == State::kBody) llhttp_finish(&parser_);
  return state_ == State::kComplete;
}

}  // namespace fiso::net
