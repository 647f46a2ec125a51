#include "apps/failures.h"

#include <string>
#include <utility>

namespace fiso::apps {
namespace {

Error in_words(std::string_view stage, Error error) {
  std::string message = std::string(stage) + error.message();
  return std::move(error).with_message(std::move(message));
}

}  // namespace

int status_of(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kGuestTrap:
    case ErrorCode::kGuestExit:
    case ErrorCode::kGuestLimit:
    case ErrorCode::kInternal: return 502;
    case ErrorCode::kTimeout: return 504;
    case ErrorCode::kInvalidInput: return 400;
    default: return 503;
  }
}

net::HttpResponse to_response(const Error& error) {
  net::HttpResponse response = net::text_response(status_of(error), error.message());
  if (response.status == 503) response.headers.add("Retry-After", "1");
  return response;
}

Error in_words_of_execution(Error error) {
  bool documented =
      error.code() == ErrorCode::kTimeout || error.code() == ErrorCode::kOverloaded || error.code() == ErrorCode::kCancelled;
  return documented ? std::move(error) : in_words("wasm execution: ", std::move(error));
}

Error in_words_of_decoding(Error error) { return in_words("decode wasm response: ", std::move(error)); }

}  // namespace fiso::apps
