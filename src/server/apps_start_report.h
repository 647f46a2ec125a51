// What fiso-wasmer says on its standard output while its apps come to be healthy.
//
//   App NAME running at HOST:PORT    once it is healthy
//   App NAME is not healthy: STATE   once it has failed, or has had its startTimeout for nothing; it may still come to run
//   Press Ctrl+C to stop             when one or the other has been said of all
//
// Control thread.
#pragma once

#include <cstdio>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "apps/app.h"
#include "base/clock.h"

namespace fiso::server {

class AppsStartReport {
 public:
  // `out` is borrowed.
  explicit AppsStartReport(std::FILE* out) : out_(out) {}

  // When to look again; nothing once there is no more to say. `began`: when they were started.
  std::optional<Duration> look(const std::vector<apps::AppStatus>& all, MonotonicTime began, MonotonicTime now);

 private:
  std::FILE* out_;
  std::set<std::string> running_, not_healthy_;
  bool complete_ = false;
};

}  // namespace fiso::server
