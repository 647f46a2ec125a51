// HTTP as apps see it that answer a request by one JSON document on stdout.
//
//   in   {"method", "path" (decoded), "query", "headers" {name: value or [values]}, "body" | "bodyBase64",
//         "host", "scheme", "remoteAddr"}
//   out  {"status", "headers" {name: value or [values]}, "body" | "bodyText" | "bodyBase64"}, all optional
//
// A body that is JSON is embedded as it is, other text as a JSON string, anything else as Base64. Headers of a single hop and
// Host are not among the headers.
#pragma once

#include <string>

#include "base/result.h"
#include "net/http_message.h"

namespace fiso::apps {

// kInvalidInput for a path that is not percent-encoded text. One line, so that guests that loop over lines can be given it.
Result<std::string> to_app_request(const net::HttpRequest& request);

// kGuestLimit if it is no such document, or the status is none: "unexpected end of JSON input".
Result<net::HttpResponse> read_app_response(std::string_view output);

}  // namespace fiso::apps
