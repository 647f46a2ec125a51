// Secrets of this machine: a file, read again when it changes, or a variable of the environment.
#pragma once

#include <memory>
#include <string>

#include "async/blocking_pool.h"
#include "base/guarded.h"
#include "link/auth_config.h"
#include "link/file_watch.h"
#include "link/secret_source.h"

namespace fiso::link {

// Blocks. kInvalidConfig where there is none, or an empty one; the message names the file or the variable.
Result<Secret> read_secret(const SecretRef& ref);

// Never expires. Reads on the threads that may block.
class LocalSecret final : public SecretSource {
 public:
  LocalSecret(async::BlockingPool& blocking, SecretRef ref);
  Task<Result<Lease>> fetch(MonotonicTime deadline) override;
  Task<bool> has_changed() override;

 private:
  async::BlockingPool& blocking_;
  const std::shared_ptr<const SecretRef> ref_;
  const std::shared_ptr<Guarded<FileWatch>> watch_;  // of a file
};

}  // namespace fiso::link
