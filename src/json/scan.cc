#include "json/scan.h"

#include <simdjson.h>

#include <array>
#include <string>

#include "base/ascii.h"
#include "base/check.h"
#include "json/plain_run.h"
#include "json/text.h"
#include "json/utf8.h"

namespace fiso::json {
namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex_digit(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// 'x', and what cannot be printed as an escape.
std::string show(char c) {
  static constexpr char kHex[] = "0123456789abcdef";
  auto byte = static_cast<unsigned char>(c);
  switch (c) {
    case '\'': return "'\\''";
    case '\\': return "'\\\\'";
    case '\n': return "'\\n'";
    case '\r': return "'\\r'";
    case '\t': return "'\\t'";
    default: break;
  }
  if (byte >= 0x20 && byte < 0x7f) return {'\'', c, '\''};
  return {'\'', '\\', 'x', kHex[byte >> 4], kHex[byte & 0xf], '\''};
}

// Which brackets are open around the current value: one bit each, set for an object.
class Nesting {
 public:
  size_t depth() const { return depth_; }
  void push(bool object) {
    uint64_t bit = uint64_t{1} << (depth_ % 64);
    uint64_t& word = objects_[depth_ / 64];
    word = object ? word | bit : word & ~bit;
    ++depth_;
  }
  void pop() { --depth_; }
  bool in_object() const { return (objects_[(depth_ - 1) / 64] >> ((depth_ - 1) % 64) & 1) != 0; }

 private:
  std::array<uint64_t, kHighestMaxDepth / 64> objects_{};
  size_t depth_ = 0;
};

// Goes over a text once. Every step takes what it names from the current place, or records an error and gives false.
class Scanner {
 public:
  Scanner(std::string_view text, unsigned max_depth)
      : begin_(text.data()), at_(begin_), end_(begin_ + text.size()), max_depth_(max_depth) {
    FISO_CHECK(max_depth <= kHighestMaxDepth, "JSON depth limit");
  }

  // The whole text; the members of an outermost object go into `members` if it is given.
  bool read_text(std::string_view& value, std::vector<Member>* members);
  Error error() const;

 private:
  bool read_members(std::vector<Member>& members);
  // `outside` is the number of brackets that are open already.
  bool skip_value(size_t outside);
  bool skip_to_next_value(Nesting& nesting, bool& ended);
  bool skip_key();
  bool skip_string();
  bool skip_escape();
  bool skip_number();
  bool skip_digits(const char* where);
  bool skip_literal(std::string_view word);
  bool check_utf8();

  bool at_char(char c) const { return at_ != end_ && *at_ == c; }
  void skip_space() {
    while (at_ != end_ && static_cast<unsigned char>(*at_) <= ' ' && is_space(*at_)) ++at_;
  }
  // The character at the current place cannot stand there.
  bool unexpected(std::string_view where);
  bool fail(std::string message);

  const char* begin_;
  const char* at_;
  const char* end_;
  unsigned max_depth_;
  uint64_t high_bits_ = 0;  // not 0 if the strings seen so far may hold more than ASCII
  std::string message_;     // of the error at at_
};

bool Scanner::read_text(std::string_view& value, std::vector<Member>* members) {
  skip_space();
  const char* value_begin = at_;
  bool good = members != nullptr && at_char('{') ? read_members(*members) : skip_value(0);
  if (!good) return false;
  value = {value_begin, static_cast<size_t>(at_ - value_begin)};
  skip_space();
  if (at_ != end_) return unexpected("after top-level value");
  return high_bits_ == 0 || check_utf8();
}

bool Scanner::read_members(std::vector<Member>& members) {
  if (max_depth_ == 0) return fail("nested too deeply");
  ++at_;
  skip_space();
  if (at_char('}')) return ++at_, true;
  for (;;) {
    skip_space();
    const char* key = at_;
    if (!at_char('"')) return unexpected("looking for beginning of object key string");
    if (!skip_string()) return false;
    const char* key_end = at_;
    skip_space();
    if (!at_char(':')) return unexpected("after object key");
    ++at_;
    skip_space();
    const char* value = at_;
    if (!skip_value(1)) return false;
    members.push_back({{key, key_end}, {value, at_}});
    skip_space();
    if (at_char('}')) return ++at_, true;
    if (!at_char(',')) return unexpected("after object key:value pair");
    ++at_;
  }
}

// An object's key and colon; stops at the value.
bool Scanner::skip_key() {
  skip_space();
  if (!at_char('"')) return unexpected("looking for beginning of object key string");
  if (!skip_string()) return false;
  skip_space();
  if (!at_char(':')) return unexpected("after object key");
  ++at_;
  skip_space();
  return true;
}

bool Scanner::skip_value(size_t outside) {
  Nesting nesting;
  for (bool ended = false; !ended;) {
    if (at_ == end_) return unexpected("looking for beginning of value");
    char c = *at_;
    if (c == '"') {
      if (!skip_string()) return false;
    } else if (c == '{' || c == '[') {
      if (outside + nesting.depth() >= max_depth_) return fail("nested too deeply");
      nesting.push(c == '{');
      ++at_;
      skip_space();
      if (!at_char(c == '{' ? '}' : ']')) {
        if (c == '{' && !skip_key()) return false;
        continue;
      }
      ++at_;
      nesting.pop();
    } else if (c == '-' || is_digit(c)) {
      if (!skip_number()) return false;
    } else if (c == 't' || c == 'f' || c == 'n') {
      if (!skip_literal(c == 't' ? "true" : c == 'f' ? "false" : "null")) return false;
    } else {
      return unexpected("looking for beginning of value");
    }
    if (!skip_to_next_value(nesting, ended)) return false;
  }
  return true;
}

// After a value: closes what closes here. `ended` when nothing is open any more.
bool Scanner::skip_to_next_value(Nesting& nesting, bool& ended) {
  while (nesting.depth() > 0) {
    skip_space();
    bool object = nesting.in_object();
    if (at_char(',')) {
      ++at_;
      if (object) return skip_key();
      skip_space();
      return true;
    }
    if (!at_char(object ? '}' : ']')) return unexpected(object ? "after object key:value pair" : "after array element");
    ++at_;
    nesting.pop();
  }
  ended = true;
  return true;
}

bool Scanner::skip_string() {
  ++at_;
  for (;;) {
    PlainRun run = find_special(at_, end_);
    high_bits_ |= run.high_bits;
    at_ = run.end;
    if (at_char('"')) return ++at_, true;
    if (!at_char('\\')) return unexpected("in string literal");
    if (!skip_escape()) return false;
  }
}

bool Scanner::skip_escape() {
  ++at_;
  if (at_ == end_) return unexpected("in string escape code");
  switch (*at_++) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't': return true;
    case 'u': break;
    default: return --at_, unexpected("in string escape code");
  }
  for (int i = 0; i < 4; ++i, ++at_)
    if (at_ == end_ || !is_hex_digit(*at_)) return unexpected("in \\u hexadecimal character escape");
  return true;
}

bool Scanner::skip_digits(const char* where) {
  if (at_ == end_ || !is_digit(*at_)) return unexpected(where);
  while (at_ != end_ && is_digit(*at_)) ++at_;
  return true;
}

bool Scanner::skip_number() {
  if (*at_ == '-') ++at_;
  if (at_char('0')) {
    ++at_;  // no digit may follow; what does is not part of the number
  } else if (!skip_digits("in numeric literal")) {
    return false;
  }
  if (at_char('.')) {
    ++at_;
    if (!skip_digits("after decimal point in numeric literal")) return false;
  }
  if (at_char('e') || at_char('E')) {
    ++at_;
    if (at_char('+') || at_char('-')) ++at_;
    if (!skip_digits("in exponent of numeric literal")) return false;
  }
  return true;
}

bool Scanner::skip_literal(std::string_view word) {
  for (char expected : word) {
    if (!at_char(expected)) {
      std::string where = "in literal ";
      where.append(word).append(" (expecting ").append(show(expected)).append(")");
      return unexpected(where);
    }
    ++at_;
  }
  return true;
}

bool Scanner::check_utf8() {
  std::string_view rest(begin_, static_cast<size_t>(end_ - begin_));
  if (simdjson::validate_utf8(rest)) return true;
  for (at_ = begin_; at_ != end_;) {
    size_t length = utf8_sequence(rest);
    if (length == 0) break;
    at_ += length;
    rest.remove_prefix(length);
  }
  return fail("invalid UTF-8");
}

[[gnu::cold, gnu::noinline]] bool Scanner::unexpected(std::string_view where) {
  if (at_ == end_) return fail("unexpected end of JSON input");
  return fail(std::string("invalid character ").append(show(*at_)).append(" ").append(where));
}

bool Scanner::fail(std::string message) {
  message_ = std::move(message);
  return false;
}

Error Scanner::error() const {
  return Error(ErrorCode::kInvalidInput, message_).with_context("JSON at byte " + std::to_string(at_ - begin_));
}

std::string_view without_quotes(std::string_view key) { return key.substr(1, key.size() - 2); }

// Whether a key, as it stands in the text, is that name.
template <class Equal>
bool key_is(std::string_view key, std::string_view name, Equal equal) {
  std::string_view raw = without_quotes(key);
  if (raw.find('\\') == std::string_view::npos) [[likely]]
    return equal(raw, name);
  auto text = unquote(key);
  return text.has_value() && equal(std::string_view(*text), name);
}

template <class Equal>
std::optional<std::string_view> find_last(std::span<const Member> members, std::string_view name, Equal equal) {
  for (size_t i = members.size(); i-- > 0;)
    if (key_is(members[i].key, name, equal)) return members[i].value;
  return std::nullopt;
}

}  // namespace

Kind kind_of(std::string_view valid_json) {
  std::string_view text = trim(valid_json);
  FISO_CHECK(!text.empty(), "the kind of an empty text");
  switch (text.front()) {
    case '{': return Kind::kObject;
    case '[': return Kind::kArray;
    case '"': return Kind::kString;
    case 'n': return Kind::kNull;
    case 't':
    case 'f': return Kind::kBool;
    default: return Kind::kNumber;
  }
}

std::vector<std::string_view> elements(std::string_view valid_array) {
  std::vector<std::string_view> found;
  std::string_view inside = trim(valid_array.substr(1, valid_array.size() - 2));
  size_t depth = 0, begin = 0;
  bool in_string = false;
  for (size_t i = 0; i < inside.size(); ++i) {
    char c = inside[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      --depth;
    } else if (c == ',' && depth == 0) {
      found.push_back(trim(inside.substr(begin, i - begin)));
      begin = i + 1;
    }
  }
  if (!inside.empty()) found.push_back(trim(inside.substr(begin)));
  return found;
}

Result<> validate(std::string_view text, unsigned max_depth) {
  Scanner scanner(text, max_depth);
  std::string_view value;
  if (!scanner.read_text(value, nullptr)) return scanner.error();
  return {};
}

Result<Document> Document::parse(std::string_view text, unsigned max_depth) {
  Document document;
  FISO_TRY_OK(document.read(text, max_depth));
  return document;
}

Result<> Document::read(std::string_view text, unsigned max_depth) {
  kind_ = Kind::kNull;
  value_ = {};
  members_.clear();
  Scanner scanner(text, max_depth);
  if (!scanner.read_text(value_, &members_)) {
    value_ = {};
    members_.clear();
    return scanner.error();
  }
  kind_ = kind_of(value_);
  return {};
}

std::optional<std::string_view> Document::find(std::string_view name) const {
  return find_last(members_, name, [](std::string_view a, std::string_view b) { return a == b; });
}

std::optional<std::string_view> Document::find_ignoring_case(std::string_view name) const {
  return find_last(members_, name, iequals);
}

}  // namespace fiso::json
