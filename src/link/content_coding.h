// Bodies as they were before Content-Encoding: what whoever looks at them wants to see.
#pragma once

#include <string>

#include "base/header_list.h"
#include "base/result.h"

namespace fiso::link {

// Undoes `gzip` and `deflate` (RFC 9110, section 8.4.1), one coding, and takes the field out, with the Content-Length of the
// coded form; what else it says of its bytes is for BodyClaims. Other codings, several, and no coding leave all as it is.
// kRejected if the text is not what its field says, or would be longer than `most`: a small body may stand for a very long one.
Result<> decode_content(HeaderList& headers, std::string& body, size_t most);

}  // namespace fiso::link
