#include "wasm/light/light_resident.h"

#include <sys/socket.h>

#include <utility>

#include "async/spawn.h"
#include "wasm/light/light_engine.h"

namespace fiso::wasm::light {
namespace {

// For others to make room.
constexpr std::chrono::seconds kPatience{1};

Error no_room(Outcome outcome) { return to_error({.outcome = outcome}, {}); }

}  // namespace

Task<Result<>> LightResident::Life::take_room() {
  Capacity& capacity = module_->engine().capacity();
  MonotonicTime deadline = std::chrono::steady_clock::now() + kPatience;
  auto place = co_await capacity.instances.acquire(deadline);
  if (!place.has_value()) co_return no_room(Outcome::kOverloaded);
  auto memory = co_await capacity.memory.acquire(deadline, module_->initial_memory().count);
  if (!memory.has_value()) co_return no_room(Outcome::kExhausted);
  place_ = std::move(*place);
  memory_ = std::move(*memory);
  co_return Result<>();
}

Result<> LightResident::Life::open_listeners(const NetworkRules& rules) {
  for (const NetworkRules::Listen& listen : rules.listen) {
    FISO_TRY(GuestListener opened, open_guest_listener(listen.host));
    listeners_.push_back({.socket = opened.socket, .place = std::to_string(listen.guest_port) + ' ' + opened.address});
    sockets_.push_back(std::move(opened.socket));
  }
  return {};
}

Task<Result<>> LightResident::Life::begin(const GuestSetup& setup) {
  FISO_CO_TRY_OK(co_await take_room());
  FISO_CO_TRY_OK(open_listeners(setup.network));
  FISO_CO_TRY(watch_, DescriptorWatch::make(shard_));
  auto own = std::make_shared<GuestSetup>(setup);
  if (!listeners_.empty()) own->wasi = setup.wasi->with_variable("LISTEN_FDS", std::to_string(listeners_.size()));
  instance_ = std::make_unique<LightInstance>(shard_, module_, std::move(own));
  co_return Result<>();
}

Task<> LightResident::Life::live(std::shared_ptr<Life> self) {
  std::vector<wasi::HostFileRef> sockets = std::exchange(self->sockets_, {});
  if (self->events_ == nullptr) co_return;
  RunResult result = co_await self->instance_->live(*self, *self->watch_, std::move(sockets));
  self->instance_.reset();
  self->memory_.release();
  self->place_.release();
  if (ResidentEvents* events = std::exchange(self->events_, nullptr)) events->ended(result);
}

void LightResident::Life::write(std::string text) {
  if (instance_ == nullptr || text.empty()) return;
  told_waiting_ = false;
  given_ += text.size();
  instance_->add_input(std::move(text));
}

void LightResident::Life::end_input() {
  if (instance_ != nullptr) instance_->end_input();
}

void LightResident::Life::terminate() {
  if (instance_ == nullptr) return;
  for (const Listener& listener : listeners_)
    if (auto socket = listener.socket.lock()) (void)::shutdown(socket->fd(), SHUT_RDWR);
  instance_->end_input();
}

void LightResident::Life::close() {
  events_ = nullptr;
  if (instance_ != nullptr) instance_->stop();
}

void LightResident::Life::wrote(wasi::Fd stream, std::string_view bytes) {
  if (events_ != nullptr) events_->written(stream == 1 ? GuestStream::kOutput : GuestStream::kErrors, bytes);
}

void LightResident::Life::accepts(const wasi::HostFile& socket) {
  for (Listener& listener : listeners_) {
    if (listener.told || listener.socket.lock().get() != &socket) continue;
    listener.told = true;
    if (events_ != nullptr) events_->noticed(ResidentNotice::kListening, listener.place);
  }
}

void LightResident::Life::waits_for_input() {
  // It waits once it has read all that it was given.
  if (!std::exchange(told_waiting_, true) && events_ != nullptr)
    events_->noticed(ResidentNotice::kWaiting, std::to_string(given_));
}

Task<Result<std::unique_ptr<Resident>>> LightResident::start(async::Shard& shard, std::shared_ptr<const LightModule> module,
                                                             std::shared_ptr<const GuestSetup> setup, ResidentEvents& events) {
  auto life = std::make_shared<Life>(shard, std::move(module), events);
  FISO_CO_TRY_OK(co_await life->begin(*setup));
  async::spawn(shard, Life::live(life));
  co_return std::unique_ptr<Resident>(new LightResident(std::move(life)));
}

LightResident::~LightResident() { life_->close(); }

void LightResident::write(std::string text) { life_->write(std::move(text)); }

void LightResident::end_input() { life_->end_input(); }

void LightResident::terminate() { life_->terminate(); }

}  // namespace fiso::wasm::light
