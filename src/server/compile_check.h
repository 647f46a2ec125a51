// What a start would compile, compiled into the cache, for who only wants to know. Opens no port, runs no guest. Part of what
// `-check` does.
#pragma once

#include <string>
#include <vector>

#include "apps/app_config.h"
#include "core/component.h"
#include "flow/flow_plan.h"
#include "link/interceptions.h"
#include "server/engines.h"
#include "server/settings.h"

namespace fiso::server {

// The error is all that is wrong, a line each; kCancelled when the process is told to stop meanwhile. What is compiled is told on
// standard error. Of nothing no engine is made.
Result<> compile_for_check(const std::vector<core::Compile>& all, const Settings& settings, const ProgramEngines& engines,
                           const std::string& wasmer_host);

// Of each flow. Borrows the drafts.
void add_compiles(const std::vector<flow::FlowDraft>& flows, std::vector<core::Compile>& all);
// Those of a target, with their places. Borrows the drafts.
void add_compiles(const std::string& target, const link::InterceptorDrafts& drafts, std::vector<core::Compile>& all);
// Of each app; `alone`: its name need not be told. Borrows the apps.
void add_compiles(const std::vector<apps::AppConfig>& apps, bool alone, std::vector<core::Compile>& all);

}  // namespace fiso::server
