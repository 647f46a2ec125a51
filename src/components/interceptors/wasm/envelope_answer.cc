#include "components/interceptors/wasm/envelope_answer.h"

#include <utility>

#include "components/base64.h"
#include "components/header_rules.h"
#include "components/interceptors/wasm/envelope.h"
#include "json/text.h"

namespace fiso::interceptors {
namespace {

constexpr uint32_t kDroppedHeaderLines = 5;  // per interceptor, shard and second
constexpr size_t kLongestNames = 2000;       // of a line; what is beyond is counted

// Did the guest leave it as it was given to it? Bytes that are not UTF-8 are replaced on the way in.
bool is_unchanged(const HeaderList& headers, HeaderList::Field field) {
  auto before = headers.find(field.name);
  if (!before.has_value() || *before == field.value) return before.has_value();
  std::string given;
  json::append_quoted(given, *before);
  return json::unquote(given).value_or("") == field.value;
}

// A guest that says nothing of the body leaves it; so does one that knows only `payload`, which was null for bytes that are not
// JSON, and hands it back.
bool keeps_body(const core::Event& event, const EnvelopeOut& answer) {
  if (answer.payload_base64.has_value() || answer.payload != "null") return false;
  return !answer.has_payload || !json::validate(event.payload.view()).has_value();
}

}  // namespace

EnvelopeAnswer::EnvelopeAnswer(const observe::Log& log, observe::Counter& dropped_headers)
    : dropped_headers_(dropped_headers), dropped_log_(log, observe::LogLevel::kWarn, kDroppedHeaderLines) {}

Result<> EnvelopeAnswer::apply(core::Event& event, std::string output) {
  return event.call == nullptr ? apply_to_event(event, std::move(output)) : apply_to_call(event, std::move(output));
}

Result<> EnvelopeAnswer::apply_to_call(core::Event& event, std::string output) {
  auto envelope = read_envelope(output, scratch_, EnvelopeOf::kCall);
  if (!envelope.has_value()) return envelope.take_error();
  bool stays = keeps_body(event, *envelope);
  std::string body(envelope->payload == "null" ? std::string_view() : envelope->payload);
  if (envelope->payload_base64.has_value()) {
    auto text = json::unquote(*envelope->payload_base64);
    auto bytes = text.has_value() ? from_base64(*text) : std::nullopt;
    if (!bytes.has_value()) return Error(ErrorCode::kGuestLimit, "wasm unmarshal output: payloadBase64 is not Base64");
    body = std::move(*bytes);
  }
  for (HeaderList::Field field : envelope->headers) take_header(event, field);
  for (const std::string& name : envelope->removed_headers)
    if (event.headers.contains(name) && may_change(event, {name, ""})) event.headers.remove(name);
  tell_dropped(event);
  if (!stays) event.payload = core::Payload(std::move(body));
  return {};
}

Result<> EnvelopeAnswer::apply_to_event(core::Event& event, std::string output) {
  auto envelope = read_envelope(output, scratch_);
  if (!envelope.has_value()) return envelope.take_error();
  for (HeaderList::Field field : envelope->headers) take_header(event, field);
  tell_dropped(event);
  bool missing = envelope->payload.data() < output.data() || envelope->payload.data() >= output.data() + output.size();
  std::string_view payload = envelope->payload;
  event.payload = missing ? core::Payload(std::string(payload)) : core::Payload::slice_of(std::move(output), payload);
  return {};
}

void EnvelopeAnswer::take_header(core::Event& event, HeaderList::Field field) {
  if (is_unchanged(event.headers, field)) return;
  if (!may_change(event, field)) return;
  event.headers.set(field.name, field.value);
  if (event.call == nullptr) event.sink_headers.set(field.name, field.value);
}

bool EnvelopeAnswer::may_change(const core::Event& event, HeaderList::Field field) {
  bool reserved = event.call == nullptr ? is_reserved_header(field.name) : is_reserved_in_calls(field.name);
  if (is_header_name(field.name) && is_header_value(field.value) && !reserved) return true;
  dropped_headers_.increment();
  dropped_.emplace_back(field.name);
  return false;
}

void EnvelopeAnswer::tell_dropped(const core::Event& event) {
  if (dropped_.empty()) return;
  std::string names;
  size_t told = 0;
  for (; told < dropped_.size() && names.size() + dropped_[told].size() < kLongestNames; ++told)
    names += (told == 0 ? "" : ", ") + dropped_[told];
  if (told < dropped_.size()) names += (told == 0 ? "" : ", and ") + std::to_string(dropped_.size() - told) + " more";
  dropped_log_.write("wasm headers are not sent on",
                     {{"headers", names}, {"count", dropped_.size()}, {"correlation_id", event.correlation_id}});
  dropped_.clear();
}

}  // namespace fiso::interceptors
