// What a guest writes: any bytes are read as an envelope or refused, and what is read is what stands in them.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "components/header_rules.h"
#include "components/interceptors/wasm/envelope.h"
#include "core/event.h"
#include "json/scan.h"

namespace {

using fiso::interceptors::EnvelopeForm;

void require(bool condition) {
  if (!condition) std::abort();
}

std::string joined(const fiso::interceptors::EnvelopeIn& envelope) {
  std::string text;
  for (std::string_view piece : envelope.pieces()) text.append(piece);
  return text;
}

// A guest that returns its input leaves the payload as it was.
void round_trip(std::string_view payload, const fiso::HeaderList& headers, EnvelopeForm form) {
  fiso::interceptors::EnvelopeIn in(payload, headers, form);
  std::string text = joined(in);
  fiso::json::Document scratch;
  auto out = fiso::interceptors::read_envelope(text, scratch);
  require(out.has_value());
  require(out->headers.size() <= headers.size());
  if (form == EnvelopeForm::kPlain) require(out->payload == payload);
  if (form == EnvelopeForm::kLine) require(text.find('\n') == text.size() - 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string output(reinterpret_cast<const char*>(data), size);
  fiso::json::Document scratch;
  auto envelope = fiso::interceptors::read_envelope(output, scratch);
  if (!envelope.has_value()) return 0;
  bool inside = envelope->payload.data() >= output.data() && envelope->payload.data() < output.data() + output.size();
  require(inside || envelope->payload == "null");
  require(fiso::json::validate(envelope->payload).has_value());
  for (fiso::HeaderList::Field field : envelope->headers)
    if (fiso::is_header_value(field.value)) require(field.value.find_first_of("\r\n") == std::string_view::npos);
  std::string payload(envelope->payload);
  round_trip(payload, envelope->headers, EnvelopeForm::kPlain);
  round_trip(payload, envelope->headers, EnvelopeForm::kLine);
  if (!inside) return 0;
  std::string_view slice = envelope->payload;
  require(fiso::core::Payload::slice_of(std::move(output), slice).view() == payload);
  return 0;
}
