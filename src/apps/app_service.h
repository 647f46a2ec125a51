// One app on one shard, whatever kind of app it is.
#pragma once

#include "net/http_service.h"

namespace fiso::apps {

class AppService : public net::HttpService {
 public:
  // Asks the app without counting it as traffic: the status of its answer, 503 for none.
  virtual Task<int> probe(net::HttpRequest& request) = 0;
  // What is started ahead stands ready.
  virtual bool ready() const = 0;
};

}  // namespace fiso::apps
