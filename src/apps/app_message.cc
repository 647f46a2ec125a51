#include "apps/app_message.h"

#include <charconv>
#include <utility>
#include <vector>

#include "base/ascii.h"
#include "components/base64.h"
#include "components/header_rules.h"
#include "json/scan.h"
#include "json/text.h"
#include "net/hop_fields.h"

namespace fiso::apps {
namespace {

constexpr std::string_view kJsonType = "application/json";
constexpr std::string_view kTextType = "text/plain; charset=utf-8";

Error bad_response(std::string why) { return Error(ErrorCode::kGuestLimit, std::move(why)); }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

Result<std::string> percent_decoded(std::string_view path) {
  std::string text;
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      text += path[i];
      continue;
    }
    int high = i + 2 < path.size() ? hex_digit(path[i + 1]) : -1, low = i + 2 < path.size() ? hex_digit(path[i + 2]) : -1;
    if (high < 0 || low < 0) return Error(ErrorCode::kInvalidInput, "the path is not percent-encoded text");
    text += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return text;
}

void add_member(std::string& out, std::string_view name, std::string_view text) {
  out += out.size() > 1 ? ",\"" : "\"";
  out.append(name).append("\":");
  json::append_quoted(out, text);
}

bool is_seen_before(const HeaderList& headers, size_t index) {
  for (size_t i = 0; i < index; ++i)
    if (iequals(headers[i].name, headers[index].name)) return true;
  return false;
}

// All values of the header at `index`, the first of its name.
void add_values(std::string& out, const HeaderList& headers, size_t index) {
  std::vector<std::string_view> values;
  for (HeaderList::Field field : headers)
    if (iequals(field.name, headers[index].name)) values.push_back(field.value);
  if (values.size() > 1) out += '[';
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ',';
    json::append_quoted(out, values[i]);
  }
  if (values.size() > 1) out += ']';
}

void add_headers(std::string& out, const HeaderList& headers) {
  bool first = true;
  for (size_t i = 0; i < headers.size(); ++i) {
    if (iequals(headers[i].name, "host") || net::is_hop_field(headers[i].name) || is_seen_before(headers, i)) continue;
    out += first ? ",\"headers\":{" : ",";
    first = false;
    json::append_quoted(out, canonical_header_name(headers[i].name));
    out += ':';
    add_values(out, headers, i);
  }
  if (!first) out += '}';
}

void add_body(std::string& out, std::string_view body) {
  if (body.empty()) return;
  if (json::validate(body).has_value()) {
    out += ",\"body\":";
    json::compact(body, out);
  } else if (json::is_utf8(body)) {
    add_member(out, "body", body);
  } else {
    add_member(out, "bodyBase64", to_base64(body));
  }
}

// What is wrong with an answer is the guest's fault, not its caller's.
Result<std::string> text_of(std::string_view name, std::string_view raw) {
  auto text = json::unquote(raw);
  if (!text.has_value()) return bad_response(std::string(name) + " is not text");
  return text;
}

Result<int> read_status(const json::Document& document) {
  auto raw = document.find("status");
  if (!raw.has_value() || *raw == "null" || *raw == "0") return 200;
  int status = 0;
  auto [end, error] = std::from_chars(raw->data(), raw->data() + raw->size(), status);
  if (error != std::errc() || end != raw->data() + raw->size() || status < 200 || status > 599)
    return bad_response("the status is not a number from 200 to 599");
  return status;
}

Result<> add_header(HeaderList& headers, std::string_view name, std::string_view raw_value) {
  FISO_TRY(std::string value, text_of("a header's value", raw_value));
  if (!is_header_name(name) || !is_header_value(value)) return bad_response("a header is not valid HTTP");
  if (!net::is_hop_field(name)) headers.add(name, value);
  return {};
}

Result<> read_headers(std::string_view raw, HeaderList& headers) {
  json::Document members;
  if (!members.read(raw).has_value() || !members.is_object()) return bad_response("headers is not an object");
  for (const json::Member& member : members.members()) {
    FISO_TRY(std::string name, text_of("a header's name", member.key));
    if (json::kind_of(member.value) == json::Kind::kString) {
      FISO_TRY_OK(add_header(headers, name, member.value));
      continue;
    }
    if (json::kind_of(member.value) != json::Kind::kArray) return bad_response("a header's value is neither text nor a list");
    for (std::string_view value : json::elements(member.value)) {
      if (json::kind_of(value) != json::Kind::kString) return bad_response("a header's value is not text");
      FISO_TRY_OK(add_header(headers, name, value));
    }
  }
  return {};
}

// bodyText wins over body, as in the contract; Base64 comes before both.
Result<> read_body(const json::Document& document, net::HttpResponse& response) {
  std::string_view type = kJsonType;
  if (auto base64 = document.find("bodyBase64"); base64.has_value() && *base64 != "null") {
    FISO_TRY(std::string text, text_of("bodyBase64", *base64));
    auto body = from_base64(text);
    if (!body.has_value()) return bad_response("bodyBase64 is not Base64");
    response.body = std::move(*body);
    type = "application/octet-stream";
  } else if (auto raw_text = document.find("bodyText"); raw_text.has_value() && *raw_text != "\"\"" && *raw_text != "null") {
    FISO_TRY(response.body, text_of("bodyText", *raw_text));
    type = kTextType;
  } else {
    response.body = document.find("body").value_or("{}");
  }
  if (!response.headers.contains("content-type")) response.headers.add("Content-Type", type);
  return {};
}

}  // namespace

Result<std::string> to_app_request(const net::HttpRequest& request) {
  FISO_TRY(std::string path, percent_decoded(request.path()));
  std::string out = "{";
  add_member(out, "method", request.method);
  add_member(out, "path", path);
  if (!request.query().empty()) add_member(out, "query", request.query());
  add_headers(out, request.headers);
  add_body(out, request.body);
  add_member(out, "host", request.headers.find("host").value_or(""));
  add_member(out, "scheme", request.secure ? "https" : "http");
  add_member(out, "remoteAddr", request.remote_address);
  return out + "}\n";
}

Result<net::HttpResponse> read_app_response(std::string_view output) {
  json::Document document;
  if (auto read = document.read(output, json::kDefaultMaxDepth + 1); !read.has_value())
    return bad_response(read.error().message());
  if (!document.is_object()) return bad_response("the output is not a JSON object");
  net::HttpResponse response;
  FISO_TRY(response.status, read_status(document));
  if (auto headers = document.find("headers"); headers.has_value() && *headers != "null")
    FISO_TRY_OK(read_headers(*headers, response.headers));
  FISO_TRY_OK(read_body(document, response));
  return response;
}

}  // namespace fiso::apps
