#include "kafka/producers.h"

#include <algorithm>
#include <future>
#include <utility>

namespace fiso::kafka {

Result<std::shared_ptr<Producer>> Producers::get(const ProducerOptions& options) {
  for (const auto& producer : all_)
    if (producer->options() == options) return producer;
  FISO_TRY(std::shared_ptr<Producer> made, Producer::make(options, log_));
  if (options.config.tls.skip_verify)
    log_.warn("THE BROKERS ARE NOT VERIFIED (tls.skipVerify): whoever answers gets records and credentials",
              {{"cluster", options.cluster}});
  if (options.config.auth.mechanism != Mechanism::kNone && !options.config.tls.enabled)
    log_.warn("credentials go to the brokers without TLS", {{"cluster", options.cluster}});
  all_.push_back(made);
  return made;
}

void Producers::look_after() {
  std::vector<std::future<void>> ends;  // side by side: each takes its time
  auto used = std::partition(all_.begin(), all_.end(), [](const auto& producer) { return producer.use_count() > 1; });
  for (auto gone = used; gone != all_.end(); ++gone)
    ends.push_back(std::async(std::launch::async, [producer = std::move(*gone)]() mutable { producer.reset(); }));
  all_.erase(used, all_.end());
  for (auto& end : ends) end.wait();
  for (const auto& producer : all_) producer->renew();
}

}  // namespace fiso::kafka
