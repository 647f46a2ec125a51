// Apps that belong to somebody inside the process, such as an interceptor, and have no port of their own. They live as long as
// they are held.
//
// Threading: open() on the control thread; the last holder may let go on any thread. The house ends what is left.
#pragma once

#include <future>
#include <memory>
#include <vector>

#include "apps/app.h"
#include "base/guarded.h"

namespace fiso::apps {

class AppHouse {
 public:
  explicit AppHouse(AppParts parts) : parts_(std::move(parts)) {}
  // Waits for all of them to end. Nobody holds one any more.
  ~AppHouse();
  AppHouse(const AppHouse&) = delete;

  // Begins to become healthy. Blocks while its module compiles. The error is the operator's to read.
  Result<std::shared_ptr<const App>> open(AppConfig config);

 private:
  void end(std::unique_ptr<App> app);

  AppParts parts_;
  Guarded<std::vector<std::future<void>>> ending_;
};

}  // namespace fiso::apps
