// What a caller is told when its request to an app fails: the one place where an error becomes a status.
//
// 504 when the guest was over its time, 502 for whatever else it did wrong, 400 for a request that cannot be told to it, and
// 503 with Retry-After when a limit is reached. A guest's own words are never among it.
#pragma once

#include "base/error.h"
#include "net/http_message.h"

namespace fiso::apps {

net::HttpResponse to_response(const Error& error);
int status_of(const Error& error);

// A guest's failure in the documented words: "wasm execution: …" for how it ended, "decode wasm response: …" for what it
// answered. A timeout and an overload have words of their own.
Error in_words_of_execution(Error error);
Error in_words_of_decoding(Error error);

}  // namespace fiso::apps
