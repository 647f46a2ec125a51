#include "net/streaming_service.h"

namespace fiso::net {

Task<Result<>> answer(ServerExchange& exchange, const HttpResponse& response) {
  exchange.begin(response.status, response.headers, response.body.size());
  co_return co_await exchange.end(response.body);
}

}  // namespace fiso::net
