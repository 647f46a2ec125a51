// An app whose guest lives on and answers line by line: HTTP on the outside, a JSON document a line inside.
//
// The documents are those of app_message.h. The guest lives on its home shard; requests of other shards cross over. Shard-local.
#pragma once

#include <string>

#include "apps/app_call.h"
#include "apps/resident_parts.h"
#include "net/http_message.h"
#include "observe/sampled_log.h"

namespace fiso::apps {

class ResidentLines {
 public:
  explicit ResidentLines(ResidentParts parts);

  // What fails is an answer too. An error, kCancelled: the guest answers once, and the request was not given to it.
  Task<Result<net::HttpResponse>> call(const net::HttpRequest& request);
  // The message of a call as a line. Errors as AppCallee's, and kCancelled as above.
  Task<Result<AppReply>> ask(const AppCall& call);
  // Asks the guest without counting it as traffic: the status of its answer. A guest that is busy with others' requests all
  // the time is well: 200.
  Task<int> probe(const net::HttpRequest& request, MonotonicTime deadline);

 private:
  Task<Result<net::HttpResponse>> answer(const net::HttpRequest& request, MonotonicTime deadline);
  // What became of it, for the supervisor and the log.
  void note(const Error* error, MonotonicTime latest = kNever);
  Task<Result<std::string>> ask_at_home(std::string request, MonotonicTime deadline);

  ResidentParts parts_;
  observe::SampledLog failed_log_;
};

}  // namespace fiso::apps
