// Something that answers HTTP requests: a router, a flow's source, the admin pages, an application.
//
// Threading: shard-local; a server asks for one service per shard. Several calls may be in flight at once. The request is
// borrowed until the task completes and the service may take parts of it by moving them out. There is always an answer:
// what went wrong is a status. A call is not cancelled when its client leaves: who wants to know asks HttpRequest::caller.
#pragma once

#include "async/task.h"
#include "net/http_message.h"

namespace fiso::net {

class SpliceService;
class StreamingService;

class HttpService {
 public:
  virtual ~HttpService() = default;
  virtual Task<HttpResponse> call(HttpRequest& request) = 0;

  // Not null: it serves all requests in place of call(). Asked once per connection, at its start.
  virtual StreamingService* streaming() { return nullptr; }
  // Not null: its connections are no HTTP, and this one's in place of call(). Plain connections only.
  virtual SpliceService* splicing() { return nullptr; }
};

}  // namespace fiso::net
