#include "core/cloud_event.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/ascii.h"
#include "base/uuid.h"
#include "core/attribute_formats.h"
#include "json/text.h"
#include "json/utf8.h"
#include "observe/timestamp.h"

namespace fiso::core {
namespace {

constexpr std::string_view kBinaryPrefix = "ce-";
constexpr size_t kLongestId = 1024;

void append_attribute(std::string& out, std::string_view name, std::string_view value) {
  out += '"';
  out += name;
  out += "\":";
  json::append_quoted(out, value);
  out += ',';
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    size_t length = json::utf8_sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

// As it may stand in an event. Bytes that JSON cannot hold must not make two names one.
std::string to_id(std::string name) {
  if (name.size() <= kLongestId && is_utf8(name)) return name;
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(name.data()), name.size(), digest.data());
  std::string hex;
  for (unsigned char byte : digest) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

// The text of a member that is a string and not blank. Names of attributes are in lower case: others are not looked at.
std::optional<std::string> find_text(const json::Document& object, std::string_view name) {
  auto raw = object.find(name);
  if (!raw.has_value() || raw->size() <= 2 || raw->front() != '"') return std::nullopt;
  auto text = json::unquote(*raw);
  if (!text.has_value() || trim(*text).empty()) return std::nullopt;
  return *std::move(text);
}

bool is_cloud_event(const json::Document& object) {
  return object.is_object() && find_text(object, "specversion") && find_text(object, "type") && find_text(object, "source");
}

bool overrides_name(const CloudEventDefaults& defaults, std::string_view name) {
  return std::ranges::any_of(defaults.overrides, [&](const auto& entry) { return entry.first == name; });
}

void append_overrides(std::string& out, const CloudEventDefaults& defaults) {
  for (const auto& [name, value] : defaults.overrides) append_attribute(out, name, value);
}

// The attribute that a member stands for to whoever reads it, escapes resolved and case aside.
std::string attribute_name(const json::Member& member) { return to_lower(json::unquote(member.key).value_or("")); }

// A CloudEvent with other attributes: every member that is not replaced keeps its bytes.
Outbound merge_structured(const json::Document& object, std::string_view id, const CloudEventDefaults& defaults) {
  Outbound out;
  out.head = "{";
  if (!id.empty()) append_attribute(out.head, "id", id);
  append_overrides(out.head, defaults);
  for (const json::Member& member : object.members()) {
    std::string name = attribute_name(member);
    if (overrides_name(defaults, name) || (name == "id" && !id.empty())) continue;
    out.head.append(member.key).append(":").append(member.value).append(",");
  }
  out.head.back() = '}';
  return out;
}

// An attribute as it may stand in an event, or what is wrong with it where it came in.
Result<std::string> to_attribute(std::string_view name, std::string_view value, std::string_view prefix) {
  auto wrong = [&](const char* why) {
    return Error(ErrorCode::kInvalidInput, std::string(prefix) + std::string(name) + " is not " + why);
  };
  if (name == "time" && !is_timestamp(value)) return wrong("a time in the form of RFC 3339");
  if (name != "source" && name != "dataschema") return std::string(value);
  auto reference = to_uri_reference(value);
  if (!reference.has_value()) return wrong("a URI-reference");
  return *std::move(reference);
}

// Null is an attribute that is not there (CloudEvents JSON format 1.0, section 2.2).
Result<> check_structured(const json::Document& object, const CloudEventDefaults& defaults) {
  for (std::string_view name : {"time", "source", "dataschema"}) {
    auto raw = object.find(name);
    if (!raw.has_value() || *raw == "null" || overrides_name(defaults, name)) continue;
    FISO_TRY_OK(to_attribute(name, trim(raw->front() == '"' ? json::unquote(*raw).value_or("") : std::string(*raw)), ""));
  }
  return {};
}

// A whole CloudEvent goes as it came, unless it lacks an id or the flow sets attributes.
Result<Outbound> keep_structured(Event& event, const json::Document& object, const CloudEventDefaults& defaults) {
  FISO_TRY_OK(check_structured(object, defaults));
  auto id = find_text(object, "id");
  bool has_id = id.has_value();
  if (has_id) event.id = *std::move(id);
  if (!has_id || !defaults.overrides.empty()) return merge_structured(object, has_id ? std::string_view() : event.id, defaults);
  Outbound out;
  out.data = object.value();
  return out;
}

// The value of a header without the white space around it; empty if there is none.
std::string_view find_trimmed(const HeaderList& headers, std::string_view name) {
  return trim(headers.find(name).value_or(std::string_view()));
}

// An attribute in a header; empty if there is none.
std::string find_attribute(const HeaderList& headers, std::string_view name) {
  return from_header_value(find_trimmed(headers, name));
}

bool is_binary_mode(const HeaderList& headers) {
  return std::ranges::none_of(std::array{"ce-specversion", "ce-type", "ce-source"},
                              [&](std::string_view name) { return find_attribute(headers, name).empty(); });
}

// An attribute is there once.
bool is_first_of_its_name(const HeaderList& headers, HeaderList::Field field) {
  return headers.find(field.name)->data() == field.value.data();
}

// Extension attributes have lower-case alphanumeric names (CloudEvents 1.0, section 3.1); others do not pass.
Result<> append_binary_attributes(std::string& out, const HeaderList& headers, const CloudEventDefaults& defaults) {
  for (HeaderList::Field field : headers) {
    if (field.name.size() <= kBinaryPrefix.size() || !iequals(field.name.substr(0, kBinaryPrefix.size()), kBinaryPrefix))
      continue;
    std::string name = to_lower(field.name.substr(kBinaryPrefix.size()));
    bool plain = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == std::string::npos;
    bool ours =
        name == "id" || name == "specversion" || name == "data" || name == "datacontenttype" || overrides_name(defaults, name);
    if (!plain || ours || !is_first_of_its_name(headers, field)) continue;
    std::string text = from_header_value(trim(field.value));
    if (text.empty()) continue;  // no attribute is (CloudEvents 1.0, section 3.1)
    FISO_TRY(std::string value, to_attribute(name, text, kBinaryPrefix));
    append_attribute(out, name, value);
  }
  return {};
}

// What the data is: in binary mode the message's own Content-Type says so. Data that is JSON is not told to be anything else.
std::string content_type(const HeaderList& headers, bool binary) {
  std::string_view type = find_trimmed(headers, "Content-Type");
  bool is_event = to_lower(type).starts_with("application/cloudevents");
  return std::string(binary && !is_event && is_json_media_type(type) ? type : "application/json");
}

Result<Outbound> wrap(Event& event, std::string_view data, const CloudEventDefaults& defaults, const Clock& clock) {
  Outbound out;
  bool binary = is_binary_mode(event.headers);
  if (binary) {
    if (find_attribute(event.headers, "ce-specversion") != "1.0")
      return Error(ErrorCode::kInvalidInput, "ce-specversion is not 1.0, the version of CloudEvents that is known here");
    if (auto id = find_attribute(event.headers, "ce-id"); !trim(id).empty()) event.id = to_id(std::move(id));
  }
  out.head.reserve(256);
  out.head = "{\"specversion\":\"1.0\",";
  append_attribute(out.head, "id", event.id);
  if (binary) {
    FISO_TRY_OK(append_binary_attributes(out.head, event.headers, defaults));
  } else {
    if (!overrides_name(defaults, "source")) append_attribute(out.head, "source", defaults.source);
    if (!overrides_name(defaults, "type")) append_attribute(out.head, "type", defaults.type);
  }
  append_overrides(out.head, defaults);
  if (!overrides_name(defaults, "datacontenttype"))
    append_attribute(out.head, "datacontenttype", content_type(event.headers, binary));
  if (!binary || find_attribute(event.headers, "ce-time").empty()) {
    out.head += "\"time\":\"";
    observe::append_timestamp(out.head, clock.wall_now());
    out.head += "\",";
  }
  out.head += "\"data\":";
  out.data = data;
  out.tail = "}";
  return out;
}

}  // namespace

std::string event_id(const HeaderList& headers, const Clock& clock) {
  std::string_view key = find_trimmed(headers, "Idempotency-Key");
  if (!key.empty()) return to_id(std::string(key));
  return make_uuid_v7(clock.wall_now());
}

Result<Outbound> to_cloud_event(Event& event, const CloudEventDefaults& defaults, const Clock& clock, json::Document& scratch) {
  FISO_TRY_OK(scratch.read(event.payload.view()));
  if (event.id.empty()) event.id = event_id(event.headers, clock);
  Outbound out;
  if (is_cloud_event(scratch)) {
    FISO_TRY(out, keep_structured(event, scratch, defaults));
  } else {
    FISO_TRY(out, wrap(event, scratch.value(), defaults, clock));
  }
  out.correlation_id = event.correlation_id;
  out.headers = &event.sink_headers;
  return out;
}

}  // namespace fiso::core
