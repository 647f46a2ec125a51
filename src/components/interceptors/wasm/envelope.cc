#include "components/interceptors/wasm/envelope.h"

#include "base/ascii.h"
#include "components/base64.h"
#include "components/header_rules.h"
#include "json/text.h"

namespace fiso::interceptors {
namespace {

// Twice what a request may have: all of them back, and as many added. Each is compared with those before it.
constexpr size_t kMostHeaders = 512;
constexpr std::string_view kHead = "{\"payload\":";

bool is_first_of_its_name(const HeaderList& headers, size_t index) {
  for (size_t i = 0; i < index; ++i)
    if (iequals(headers[i].name, headers[index].name)) return false;
  return true;
}

Error bad_output(std::string why) { return Error(ErrorCode::kGuestLimit, "wasm unmarshal output: " + std::move(why)); }

}  // namespace

EnvelopeIn::EnvelopeIn(std::string_view payload, const HeaderList& headers, EnvelopeForm form, const core::CallFacts* call) {
  if (call != nullptr && (payload.empty() || !json::validate(payload).has_value())) {
    if (!payload.empty()) tail_ = ",\"payloadBase64\":\"" + to_base64(payload) + "\"";
    payload = "null";
  }
  tail_ += ",\"headers\":{";
  for (size_t i = 0; i < headers.size(); ++i) {
    if (!is_first_of_its_name(headers, i)) continue;
    if (tail_.back() != '{') tail_ += ',';
    json::append_quoted(tail_, canonical_header_name(headers[i].name));
    tail_ += ':';
    json::append_quoted(tail_, headers[i].value);
  }
  tail_ += '}';
  if (call != nullptr) {
    add_facts(*call);
  } else {
    tail_ += ",\"direction\":\"inbound\"";
  }
  tail_ += form == EnvelopeForm::kLine ? "}\n" : "}";
  if (form == EnvelopeForm::kLine && !json::is_single_line(payload)) {
    json::compact(payload, one_line_);
    payload = one_line_;
  }
  pieces_ = {kHead, payload, tail_};
}

void EnvelopeIn::add_facts(const core::CallFacts& call) {
  bool outbound = call.direction == core::CallFacts::Direction::kOutbound;
  auto add = [this](std::string_view member, std::string_view text) {
    tail_.append(",\"").append(member).append("\":");
    json::append_quoted(tail_, text);
  };
  add("direction", outbound ? "outbound" : "inbound");
  add("method", call.method);
  add("path", call.path);
  add("target", call.target);
  if (!outbound) tail_ += ",\"status\":" + std::to_string(call.status);
}

Result<EnvelopeOut> read_envelope(std::string_view output, json::Document& scratch, EnvelopeOf of) {
  // One deeper than payloads may be, so that what was let in is let out.
  if (auto read = scratch.read(output, json::kDefaultMaxDepth + 1); !read.has_value()) return bad_output(read.error().message());
  if (!scratch.is_object()) return bad_output("the output is not a JSON object");
  EnvelopeOut envelope;
  auto payload = scratch.find("payload");
  envelope.has_payload = payload.has_value();
  envelope.payload = payload.value_or("null");
  if (of == EnvelopeOf::kCall) envelope.payload_base64 = scratch.find("payloadBase64");
  if (envelope.payload_base64 == "null") envelope.payload_base64.reset();
  auto headers = scratch.find("headers");
  if (!headers.has_value() || *headers == "null") return envelope;
  json::Document members;
  if (!members.read(*headers).has_value() || !members.is_object()) return bad_output("headers is not an object");
  if (members.members().size() > kMostHeaders) return bad_output("more than " + std::to_string(kMostHeaders) + " headers");
  for (const json::Member& member : members.members()) {
    FISO_TRY(std::string name, json::unquote(member.key));
    if (of == EnvelopeOf::kCall && member.value == "null") {
      envelope.removed_headers.push_back(std::move(name));
      continue;
    }
    if (member.value.front() != '"') return bad_output("a header's value is not a string");
    FISO_TRY(std::string value, json::unquote(member.value));
    envelope.headers.set(name, value);
  }
  return envelope;
}

}  // namespace fiso::interceptors
