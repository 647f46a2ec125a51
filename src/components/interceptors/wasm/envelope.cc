#include "components/interceptors/wasm/envelope.h"

#include "base/ascii.h"
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

EnvelopeIn::EnvelopeIn(std::string_view payload, const HeaderList& headers, EnvelopeForm form) {
  tail_ = ",\"headers\":{";
  for (size_t i = 0; i < headers.size(); ++i) {
    if (!is_first_of_its_name(headers, i)) continue;
    if (tail_.back() != '{') tail_ += ',';
    json::append_quoted(tail_, canonical_header_name(headers[i].name));
    tail_ += ':';
    json::append_quoted(tail_, headers[i].value);
  }
  tail_ += form == EnvelopeForm::kLine ? "},\"direction\":\"inbound\"}\n" : "},\"direction\":\"inbound\"}";
  if (form == EnvelopeForm::kLine && !json::is_single_line(payload)) {
    json::compact(payload, one_line_);
    payload = one_line_;
  }
  pieces_ = {kHead, payload, tail_};
}

Result<EnvelopeOut> read_envelope(std::string_view output, json::Document& scratch) {
  // One deeper than payloads may be, so that what was let in is let out.
  if (auto read = scratch.read(output, json::kDefaultMaxDepth + 1); !read.has_value()) return bad_output(read.error().message());
  if (!scratch.is_object()) return bad_output("the output is not a JSON object");
  EnvelopeOut envelope;
  envelope.payload = scratch.find("payload").value_or("null");
  auto headers = scratch.find("headers");
  if (!headers.has_value() || *headers == "null") return envelope;
  json::Document members;
  if (!members.read(*headers).has_value() || !members.is_object()) return bad_output("headers is not an object");
  if (members.members().size() > kMostHeaders) return bad_output("more than " + std::to_string(kMostHeaders) + " headers");
  for (const json::Member& member : members.members()) {
    if (member.value.front() != '"') return bad_output("a header's value is not a string");
    FISO_TRY(std::string name, json::unquote(member.key));
    FISO_TRY(std::string value, json::unquote(member.value));
    envelope.headers.set(name, value);
  }
  return envelope;
}

}  // namespace fiso::interceptors
