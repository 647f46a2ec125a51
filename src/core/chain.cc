#include "core/chain.h"

#include <string>

namespace fiso::core {

Task<Result<>> Chain::process(Event& event) {
  for (size_t i = 0; i < interceptors_.size(); ++i) {
    auto processed = co_await interceptors_[i]->process(event);
    if (!processed.has_value()) co_return processed.take_error().with_context("interceptor " + std::to_string(i));
  }
  co_return Result<>();
}

}  // namespace fiso::core
