// A body that is wanted as a whole: in memory, within a bound of its own and one that the process has for all of them.
//
// Threading: shard-local; the process's bound is shared.
#pragma once

#include <string>
#include <string_view>

#include "async/limiter.h"
#include "base/result.h"

namespace fiso::link {

class WholeBody {
 public:
  // `process` is borrowed and counts bytes.
  WholeBody(async::Limiter& process, size_t most) : process_(process), most_(most) {}

  // kInvalidInput beyond `most`, kOverloaded beyond the process's bound. An empty piece adds nothing.
  Result<> add(std::string_view piece);
  // Whoever lets it grow calls count() then.
  std::string& text() { return text_; }
  // Takes what text() has grown by out of the process's bound; kOverloaded where that is not left.
  Result<> count();

 private:
  Result<> take(size_t bytes);

  async::Limiter& process_;
  async::Limiter::Permit counted_;
  const size_t most_;
  std::string text_;
};

}  // namespace fiso::link
