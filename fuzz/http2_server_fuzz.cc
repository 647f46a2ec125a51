// Any bytes behind the preface, as a client of HTTP/2 that sends them and leaves: the server's side of the connection ends,
// nothing is left of it, and whatever it took for a request is one.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "async/spawn.h"
#include "net/http2_server.h"
#include "net/streaming_service.h"
#include "net/wire.h"

namespace fiso::net {
namespace {

// The bytes of the input, in pieces whose size it chooses, then the end. What is written is dropped.
class InputStream final : public ByteStream {
 public:
  InputStream(async::Shard& shard, std::string_view bytes, size_t piece) : shard_(shard), bytes_(bytes), piece_(piece) {}

  Task<std::tuple<SystemError, size_t>> read_some(std::span<char> into) override {
    co_await asio::post(shard_.executor(), async::kTask);
    size_t size = std::min({bytes_.size(), into.size(), piece_});
    if (size == 0 || closed_) co_return std::tuple<SystemError, size_t>(asio::error::eof, 0);
    bytes_.copy(into.data(), size);
    bytes_.remove_prefix(size);
    co_return std::tuple<SystemError, size_t>({}, size);
  }
  SystemError write_now(Gather& bytes) override {
    bytes.clear();
    return {};
  }
  Task<SystemError> write(Gather& bytes, void*, WriteProgress) override { co_return write_now(bytes); }
  Task<> finish_writing() override { co_return; }
  bool half_closes() const override { return true; }
  void cancel() override {}
  void close(Close) override { closed_ = true; }
  int fd() override { return -1; }

 private:
  async::Shard& shard_;
  std::string_view bytes_;
  const size_t piece_;
  bool closed_ = false;
};

void check(const HttpRequest& request) {
  bool good = is_field_name(request.method) && (request.target.starts_with('/') || request.target == "*");
  for (HeaderList::Field field : request.headers) good = good && is_field_name(field.name) && is_field_value(field.value);
  if (!good) std::abort();
}

class Echo final : public HttpService, private StreamingService {
 public:
  StreamingService* streaming() override { return streams ? this : nullptr; }
  Task<HttpResponse> call(HttpRequest& request) override {
    check(request);
    co_return HttpResponse{200, {}, std::move(request.body)};
  }
  bool streams = false;

 private:
  Task<> serve(HttpRequest& request, ServerExchange& exchange) override {
    check(request);
    exchange.begin(200, request.headers, std::nullopt);
    for (;;) {
      Result<std::string_view> piece = co_await exchange.read();
      if (!piece.has_value()) co_return;
      if (piece->empty()) break;
      if (Result<> written = co_await exchange.write(*piece); !written.has_value()) co_return;
    }
    exchange.set_trailers(exchange.trailers());
    (void)co_await exchange.end({});
  }
};

struct Run {
  bool done = false;
};

Task<> serve(Http2Server& server, Run& run) {
  (void)co_await server.serve(kHttp2Preface, std::chrono::steady_clock::now() + std::chrono::seconds(60));
  run.done = true;
}

}  // namespace
}  // namespace fiso::net

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fiso::net;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (bool streams : {false, true}) {
    fiso::async::Shard shard(0);
    Echo echo;
    echo.streams = streams;
    ServerOptions options;
    ServerShared shared(options);
    ServerShard part(shard, shared, echo);
    InputStream stream(shard, bytes, 1 + size % 61);
    auto phase = ServerConnection::Phase::kIdle;
    auto server = std::make_shared<Http2Server>(Http2Server::Parts{part, stream, "192.0.2.1:1", false, phase});
    Run run;
    fiso::async::spawn(shard, serve(*server, run));
    while (!run.done) {
      shard.context().restart();
      shard.context().poll();
    }
    shard.context().restart();
    shard.context().poll();
    if (server.use_count() != 1) std::abort();
  }
  return 0;
}
