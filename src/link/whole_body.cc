#include "link/whole_body.h"

#include <utility>

namespace fiso::link {

Result<> WholeBody::take(size_t bytes) {
  auto more = process_.try_acquire(bytes);
  if (!more) return Error(ErrorCode::kOverloaded, "too many bodies in memory");
  if (counted_) {
    counted_.join(std::move(more));
  } else {
    counted_ = std::move(more);
  }
  return {};
}

Result<> WholeBody::add(std::string_view piece) {
  if (piece.size() > most_ - text_.size()) return Error(ErrorCode::kInvalidInput, "body too large");
  if (piece.empty()) return {};
  FISO_TRY_OK(take(piece.size()));
  text_.append(piece);
  return {};
}

Result<> WholeBody::count() {
  if (text_.size() <= counted_.units()) return {};
  return take(text_.size() - counted_.units());
}

}  // namespace fiso::link
