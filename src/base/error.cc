#include "base/error.h"

#include <utility>

namespace fiso {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidConfig: return "invalid_config";
    case ErrorCode::kInvalidInput: return "invalid_input";
    case ErrorCode::kNotFound: return "not_found";
    case ErrorCode::kRejected: return "rejected";
    case ErrorCode::kUnavailable: return "unavailable";
    case ErrorCode::kTimeout: return "timeout";
    case ErrorCode::kOverloaded: return "overloaded";
    case ErrorCode::kCancelled: return "cancelled";
    case ErrorCode::kGuestTrap: return "guest_trap";
    case ErrorCode::kGuestExit: return "guest_exit";
    case ErrorCode::kGuestLimit: return "guest_limit";
    case ErrorCode::kInternal: return "internal";
  }
  return "internal";
}

bool retryable(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnavailable:
    case ErrorCode::kTimeout:
    case ErrorCode::kOverloaded: return true;
    case ErrorCode::kInvalidConfig:
    case ErrorCode::kInvalidInput:
    case ErrorCode::kNotFound:
    case ErrorCode::kRejected:
    case ErrorCode::kCancelled:
    case ErrorCode::kGuestTrap:
    case ErrorCode::kGuestExit:
    case ErrorCode::kGuestLimit:
    case ErrorCode::kInternal: return false;
  }
  return false;
}

Error::Error(ErrorCode code, std::string message) : rep_(new Rep{code, std::move(message), {}, Duration(0)}) {}

Error::Error(const Error& other) : rep_(new Rep(*other.rep_)) {}

Error& Error::operator=(const Error& other) {
  if (this != &other) rep_ = std::make_unique<Rep>(*other.rep_);
  return *this;
}

std::string Error::describe() const {
  std::string text;
  for (auto context = rep_->contexts.rbegin(); context != rep_->contexts.rend(); ++context) {
    text += *context;
    text += ": ";
  }
  return text + rep_->message;
}

Error Error::with_context(std::string context) && {
  rep_->contexts.push_back(std::move(context));
  return std::move(*this);
}

Error Error::with_message(std::string message) && {
  rep_->message = std::move(message);
  return std::move(*this);
}

Error Error::with_retry_after(Duration duration) && {
  rep_->retry_after = duration;
  return std::move(*this);
}

Error Error::with_code(ErrorCode code) && {
  rep_->code = code;
  return std::move(*this);
}

}  // namespace fiso
