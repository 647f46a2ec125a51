#include "link/whole_body.h"

namespace fiso::link {

Result<> WholeBody::add(std::string_view piece) {
  if (piece.size() > most_ - text_.size()) return Error(ErrorCode::kInvalidInput, "body too large");
  if (piece.empty()) return {};
  auto more = process_.try_acquire(piece.size());
  if (!more) return Error(ErrorCode::kOverloaded, "too many bodies in memory");
  if (counted_) {
    counted_.join(std::move(more));
  } else {
    counted_ = std::move(more);
  }
  text_.append(piece);
  return {};
}

}  // namespace fiso::link
