#include "link/grpc.h"

namespace fiso::link {
namespace {

constexpr std::string_view kTargetHeader = "fiso-target";

// https://grpc.github.io/grpc/core/md_doc_statuscodes.html
enum GrpcStatus {
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kInternal = 13,
  kUnavailable = 14,
};

GrpcStatus grpc_status_of(int status) {
  switch (status) {
    case 400: return kInvalidArgument;
    case 403: return kPermissionDenied;
    case 404: return kNotFound;
    case 429: return kResourceExhausted;
    case 502:
    case 503: return kUnavailable;
    case 504: return kDeadlineExceeded;
    default: return kInternal;
  }
}

// As the protocol wants the message: printable ASCII but for %, the rest percent-encoded.
std::string encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte >= ' ' && byte <= '~' && byte != '%')
      out.push_back(c);
    else
      out.append("%").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
  }
  return out;
}

}  // namespace

std::string take_grpc_target(net::HttpRequest& request) {
  if (auto named = request.headers.find(kTargetHeader)) {
    std::string target(*named);
    request.headers.remove(kTargetHeader);
    return target;
  }
  std::string_view host = request.headers.find("host").value_or("");
  return std::string(host.substr(0, host.find(':')));
}

net::HttpResponse grpc_refusal(int status, std::string_view text) {
  net::HttpResponse response{200, {}, {}};
  response.headers.add("content-type", "application/grpc");
  response.headers.add("grpc-status", std::to_string(grpc_status_of(status)));
  response.headers.add("grpc-message", encoded(text));
  return response;
}

}  // namespace fiso::link
