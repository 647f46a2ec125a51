// The JSON that guests read and write.
//
//   in   {"payload": <any JSON>, "headers": {string: string}, "direction": "inbound"}
//   out  {"payload": <any JSON>, "headers": {string: string}}
//
// On the way in the payload is not copied: the input is a list of pieces around it. Header names are in canonical case and
// each name is there once, with its first value. On the way out a missing or null payload is null, unknown members are
// ignored, and a header value that is not a string is an error, as are more than 512 headers.
//
// A message of a call to a target has "method", "path" and "target" beside it, an answer its "status". A body that is not JSON is
// "payloadBase64" beside a payload of null, both ways; none is a payload of null. On the way out a header of null is removed, and
// neither member leaves the body as it is.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/header_list.h"
#include "base/result.h"
#include "core/call_facts.h"
#include "json/scan.h"

namespace fiso::interceptors {

// How the input ends: as the contract has it, or as one line for guests that loop over lines.
enum class EnvelopeForm { kPlain, kLine };

class EnvelopeIn {
 public:
  // `payload` must be valid JSON, but for that of a call; it is borrowed, unless a line is wanted and it spans several.
  EnvelopeIn(std::string_view payload, const HeaderList& headers, EnvelopeForm form, const core::CallFacts* call = nullptr);
  const std::array<std::string_view, 3>& pieces() const { return pieces_; }
  EnvelopeIn(const EnvelopeIn&) = delete;

 private:
  void add_facts(const core::CallFacts& call);
  std::string tail_;
  std::string one_line_;
  std::array<std::string_view, 3> pieces_;
};

struct EnvelopeOut {
  std::string_view payload;                        // into the text that was read, or "null"
  std::optional<std::string_view> payload_base64;  // likewise, as it stands there, with quotes; of calls only
  bool has_payload = false;                        // there is such a member
  HeaderList headers;
  std::vector<std::string> removed_headers;  // of calls only
};

enum class EnvelopeOf { kEvent, kCall };

// kGuestLimit if it is not such an envelope: "wasm unmarshal output: unexpected end of JSON input". `scratch` is working
// memory.
Result<EnvelopeOut> read_envelope(std::string_view output, json::Document& scratch, EnvelopeOf of = EnvelopeOf::kEvent);

}  // namespace fiso::interceptors
