// What is special about callers that speak gRPC: how they name a target, and how they are told why not.
//
// A gRPC client cannot put /link/TARGET in front of its paths, which are /package.Service/Method. So it names the target in the
// metadata `fiso-target`, or connects with the target's name as its authority.
#pragma once

#include <string>
#include <string_view>

#include "net/http_message.h"

namespace fiso::link {

// The target that the request names, which it is no longer told of; empty if it names none.
std::string take_grpc_target(net::HttpRequest& request);

// An answer of headers alone ("Trailers-Only"): 200, and the status of gRPC that says the same as `status`.
net::HttpResponse grpc_refusal(int status, std::string_view text);

}  // namespace fiso::link
