#include "apps/app_house.h"

#include <utility>

namespace fiso::apps {
namespace {

// What such an app finds as PORT: nobody but the house calls it there.
constexpr uint16_t kInnerPort = 8080;
constexpr std::chrono::seconds kEnding{5};

bool is_ready(const std::future<void>& future) { return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }

}  // namespace

AppHouse::~AppHouse() {
  for (auto& ending : ending_.with([](auto& all) { return std::exchange(all, {}); })) ending.wait();
}

Result<std::shared_ptr<const App>> AppHouse::open(AppConfig config) {
  auto app = std::make_unique<App>(std::move(config), kInnerPort, parts_);
  FISO_TRY_OK(app->start());
  app->show(Shown::kYes);
  return std::shared_ptr<const App>(app.release(), [this](const App* gone) {
    end(std::unique_ptr<App>(const_cast<App*>(gone)));  // NOLINT(cppcoreguidelines-pro-type-const-cast): made above, not const
  });
}

// An end takes as long as what is under way, and whoever lets go may be on a shard that it needs.
void AppHouse::end(std::unique_ptr<App> app) {
  app->show(Shown::kNo);  // another one of its name may be there already
  auto ended = std::async(std::launch::async, [gone = std::move(app)]() mutable {
    MonotonicTime deadline = std::chrono::steady_clock::now() + kEnding;
    gone->stop(deadline);
    gone.reset();
  });
  ending_.with([&](auto& all) {
    std::erase_if(all, is_ready);
    all.push_back(std::move(ended));
  });
}

}  // namespace fiso::apps
