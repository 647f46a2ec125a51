// One app on one shard, whatever kind of app it is.
#pragma once

#include "apps/app_call.h"
#include "base/clock.h"
#include "net/http_service.h"

namespace fiso::apps {

class AppService : public net::HttpService, public AppCallee {
 public:
  // Asks the app without counting it as traffic: the status of its answer, 503 for none until the deadline. One at a time.
  virtual Task<int> probe(net::HttpRequest& request, MonotonicTime deadline) = 0;
  // The probe that is under way, if one is, completes soon; the last one.
  virtual void stop_probe() {}
  // Requests under way end soon, and so do any that come: nobody waits for them any more. Of guests that live on, those end with
  // the guest.
  virtual void cut() {}
  // What is started ahead stands ready.
  virtual bool ready() const = 0;
};

}  // namespace fiso::apps
