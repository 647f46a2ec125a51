// Secrets of this machine: a file, read again when it changes, or a variable of the environment.
#pragma once

#include <optional>

#include "async/blocking_pool.h"
#include "link/auth_config.h"
#include "link/file_watch.h"
#include "link/patient_job.h"
#include "link/secret_source.h"

namespace fiso::link {

// Blocks. kInvalidConfig where there is none, or an empty one; the message names the file or the variable.
Result<Secret> read_secret(const SecretRef& ref);

// Never expires. Reads on the threads that may block; a file system that does not answer is waited for only so long.
class LocalSecret final : public SecretSource {
 public:
  LocalSecret(async::BlockingPool& blocking, const SecretRef& ref);
  Task<Result<Lease>> fetch(MonotonicTime deadline) override;
  Task<bool> has_changed() override;
  void abort() override;

 private:
  PatientJob<Result<Secret>> read_;
  std::optional<PatientJob<int>> look_;  // at a file: how often it has changed
  int changes_ = 0;                      // that were told
};

}  // namespace fiso::link
