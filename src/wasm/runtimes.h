// The engines of the process, by the names that configurations have for them.
//
// The full engine is made when the first module asks for it. A program without one says so, and which program to use.
// Threading: control thread; outlives the shards' work.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "wasm/engine.h"

namespace fiso::wasm {

enum class Runtime {
  kLight,  // `wazero`, also `wasmtime`
  kFull,   // `wasmer`
};

// Whether this program has the full engine, for what is checked before there are any engines.
struct FullEngineSupport {
  std::string why_not;  // empty: it has
};

using MakeEngine = std::function<Result<std::unique_ptr<Engine>>()>;

class Runtimes {
 public:
  // `make_full` gives the reason where there is no full engine.
  Runtimes(std::unique_ptr<Engine> light, MakeEngine make_full) : light_(std::move(light)), make_full_(std::move(make_full)) {}

  // An error is the operator's to read.
  Result<Engine*> find(Runtime runtime) {
    if (runtime == Runtime::kLight) return light_.get();
    if (full_ == nullptr) {
      FISO_TRY(full_, make_full_());
    }
    return full_.get();
  }

 private:
  std::unique_ptr<Engine> light_;
  MakeEngine make_full_;
  std::unique_ptr<Engine> full_;
};

}  // namespace fiso::wasm
