// Interceptors in order. The first error ends it and names the culprit in its context ("interceptor 0").
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "core/interceptor.h"

namespace fiso::core {

class Chain {
 public:
  explicit Chain(std::vector<std::unique_ptr<Interceptor>> interceptors) : interceptors_(std::move(interceptors)) {}

  bool empty() const { return interceptors_.empty(); }
  Task<Result<>> process(Event& event);

 private:
  std::vector<std::unique_ptr<Interceptor>> interceptors_;
};

}  // namespace fiso::core
