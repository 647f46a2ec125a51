// A guest that lives on, on its shard: in slices like any other, without a deadline.
//
// It cannot open sockets of its own. The listeners of its rules are opened before it starts and are its descriptors behind the
// preopens, in their order: 3 when there are none. LISTEN_FDS in its environment is how many. It is taken to listen when it
// first accepts, or polls for connections.
//
// There are no signals: terminate() ends its input and its listeners, which fail from then on. Shard-local.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/limiter.h"
#include "wasm/light/descriptor_watch.h"
#include "wasm/light/guest_listener.h"
#include "wasm/light/light_instance.h"
#include "wasm/light/light_module.h"
#include "wasm/resident.h"

namespace fiso::wasm::light {

class LightResident final : public Resident {
 public:
  // Waits a moment for a place and memory. `events` outlives the resident.
  static Task<Result<std::unique_ptr<Resident>>> start(async::Shard& shard, std::shared_ptr<const LightModule> module,
                                                       std::shared_ptr<const GuestSetup> setup, ResidentEvents& events);
  ~LightResident() override;

  void terminate() override;
  void write(std::string text) override;
  void end_input() override;

 private:
  // Shared with the coroutine that drives the guest.
  class Life final : private LightInstance::Keeper {
   public:
    Life(async::Shard& shard, std::shared_ptr<const LightModule> module, ResidentEvents& events)
        : shard_(shard), module_(std::move(module)), events_(&events) {}

    Task<Result<>> begin(const GuestSetup& setup);
    static Task<> live(std::shared_ptr<Life> self);
    void write(std::string text);
    void end_input();
    void terminate();
    void close();

   private:
    struct Listener {
      std::weak_ptr<const wasi::HostFile> socket;  // the guest's, which may close it
      std::string place;                           // as ResidentNotice::kListening tells it
      bool told = false;
    };

    void wrote(wasi::Fd stream, std::string_view bytes) override;
    void accepts(const wasi::HostFile& listener) override;
    void waits_for_input() override;

    Task<Result<>> take_room();
    Result<> open_listeners(const NetworkRules& rules);

    async::Shard& shard_;
    std::shared_ptr<const LightModule> module_;
    ResidentEvents* events_;  // null once nobody wants to know
    async::Limiter::Permit place_;
    async::Limiter::Permit memory_;  // the initial one; the instance charges the rest
    std::unique_ptr<DescriptorWatch> watch_;
    std::vector<wasi::HostFileRef> sockets_;  // until the guest has them
    std::vector<Listener> listeners_;
    uint64_t given_ = 0;  // bytes of input
    bool told_waiting_ = false;
    std::unique_ptr<LightInstance> instance_;  // null once the guest has ended
  };

  explicit LightResident(std::shared_ptr<Life> life) : life_(std::move(life)) {}
  std::shared_ptr<Life> life_;
};

}  // namespace fiso::wasm::light
