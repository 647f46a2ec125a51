// What somebody inside the process asks an app: what `wasmer-app` interceptors do with messages on their way.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "async/task.h"
#include "base/caller.h"
#include "base/clock.h"
#include "base/header_list.h"
#include "base/result.h"

namespace fiso::apps {

// Borrowed until it is answered.
struct AppCall {
  // An app that listens gets POST /process with these,
  std::string_view payload;
  const HeaderList& headers;
  // all others this one message, made for them only: a JSON object, in one line.
  std::function<std::string()> envelope;
  // Who waits, and stops a guest that works for this call alone by leaving; may be null.
  Caller* caller = nullptr;
  // Of who waits: the app's own time does not exceed it.
  MonotonicTime deadline = kNever;
};

struct AppReply {
  enum class Form { kBody, kEnvelope };
  Form form = Form::kEnvelope;
  std::string text;
  HeaderList headers = {};  // of a body
};

// Shard-local.
class AppCallee {
 public:
  virtual ~AppCallee() = default;
  // kCancelled when the caller has gone, kTimeout when the app was over its time, kOverloaded when it is busy or not healthy,
  // kGuestLimit for whatever else it did wrong: "app returned error: 502 Bad Gateway (BODY)".
  virtual Task<Result<AppReply>> ask(const AppCall& call) = 0;
};

}  // namespace fiso::apps
