#include "net/http2_pool.h"

#include <algorithm>
#include <utility>

namespace fiso::net {

Http2Pool::~Http2Pool() {
  for (const auto& session : all_) session->close();
}

void Http2Pool::retire() {
  for (const auto& session : all_) session->retire();
}

std::shared_ptr<Http2Client> Http2Pool::find() {
  std::erase_if(all_, [](const auto& session) { return session->ended(); });
  auto found = std::ranges::find_if(all_, [](const auto& session) { return session->has_room(); });
  return found == all_.end() ? nullptr : *found;
}

std::shared_ptr<Http2Client> Http2Pool::add(std::unique_ptr<ClientConnection> connection, const ClientOptions& options) {
  auto session = std::make_shared<Http2Client>(shard_, std::move(connection), options);
  session->begin();
  all_.push_back(session);
  return session;
}

Task<bool> Http2Pool::wait(MonotonicTime deadline) {
  async::Signal done(shard_.executor());
  waiting_.push_back(&done);
  bool in_time = co_await done.wait(deadline);
  std::erase(waiting_, &done);
  co_return in_time;
}

Http2Pool::Connecting::~Connecting() {
  --pool_.connecting_;
  for (async::Signal* signal : pool_.waiting_) signal->set();
}

}  // namespace fiso::net
