// Events as CloudEvents 1.0, structured mode, JSON.
//
// A payload that already is a CloudEvent is kept as it is: in structured mode (an object with specversion, type and source,
// spelled so, that are not blank) untouched but for an id that it lacks, in binary mode (ce-* headers) with those attributes and,
// where it is one of JSON, its Content-Type. Anything else is wrapped: specversion, id, source, type, datacontenttype, time,
// data, in this order. The data is the payload byte for byte. The id is never empty. A time, source or dataschema that is none is
// an error, as is a version other than 1.0 in binary mode, whose attributes would be those of 1.0 from here on: the sender made
// no such CloudEvent, and nothing that we could put in its place would be true.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "core/event.h"
#include "core/outbound.h"
#include "json/scan.h"

namespace fiso::core {

// What a flow says about its CloudEvents.
struct CloudEventDefaults {
  std::string source;  // "fiso-flow/NAME"
  std::string type = "fiso.event";
  // Attributes that the flow's configuration sets, also on a payload that already is a CloudEvent. Name and value, in its format.
  std::vector<std::pair<std::string, std::string>> overrides;
};

// The id of an event that came without one: `Idempotency-Key`, else a new UUIDv7. Of a key that is no id as it stands, because it
// is longer than 1024 bytes or no UTF-8, the SHA-256 in hexadecimal: different keys are different ids.
std::string event_id(const HeaderList& headers, const Clock& clock);

// Checks that the payload is JSON (and what binary mode says is well-formed) and makes the CloudEvent. Fills event.id. `scratch`
// is working memory that a caller keeps from event to event. The result borrows from `event`.
Result<Outbound> to_cloud_event(Event& event, const CloudEventDefaults& defaults, const Clock& clock, json::Document& scratch);

}  // namespace fiso::core
