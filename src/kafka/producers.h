// The producers of a process: who asks for the same options gets the same producer, and one that nobody uses any more ends.
//
// Threading: control thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kafka/producer.h"

namespace fiso::kafka {

class Producers {
 public:
  explicit Producers(observe::Log log) : log_(std::move(log)) {}

  Result<std::shared_ptr<Producer>> get(const ProducerOptions& options);
  // Ends those that nobody holds, begins anew those that have come to their end. May block as Producer's destructor does; now and
  // then.
  void look_after();
  const std::vector<std::shared_ptr<Producer>>& all() const { return all_; }

 private:
  observe::Log log_;
  std::vector<std::shared_ptr<Producer>> all_;
};

}  // namespace fiso::kafka
