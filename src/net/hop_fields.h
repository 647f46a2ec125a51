// Fields that end at a proxy, in one list: who uses it says what else it drops.
//
// RFC 9110 section 7.6.1.
#pragma once

#include <string_view>

#include "base/header_list.h"

namespace fiso::net {

// Meant for the next hop only. Host, Date and Content-Length are not among them; Trailer is, and who passes trailers on makes an
// exception of it.
bool is_hop_field(std::string_view name);

// True if Connection names this field, so that it ends here too. False for the few that stay all the same, since the message
// would mean another thing without them, such as Host and Authorization.
bool is_named_hop_field(const HeaderList& headers, std::string_view name);

// Removes the fields that Connection names and is_hop_field() does not know.
void strip_named_hop_fields(HeaderList& headers);

// May stand behind a body: nothing that frames, routes or authorizes the message, since all of that was read before (RFC 9110
// section 6.5.1). Does not look whether it is a name at all.
bool is_trailer_field(std::string_view name);

// Who sent these fields reads what follows an answer's body: `TE: trailers`.
bool takes_trailers(const HeaderList& headers);

// True if a comma-separated value holds `token`, whatever its case.
bool has_token(std::string_view list, std::string_view token);

}  // namespace fiso::net
