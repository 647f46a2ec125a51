// Binds our WASI functions (wasm/wasi) to Wasmtime's linker.
//
// A function that cannot wait is bound the fast way: unchecked and synchronous. One that may wait becomes an async host
// function: it leaves its PendingCall in the HostState, the guest's fiber is suspended, and the instance goes on with it once
// somebody has set `pending_done`.
#pragma once

#include <memory>
#include <optional>

#include "wasm/light/wasmtime_handles.h"
#include "wasm/wasi/guest.h"
#include "wasm/wasi/host_calls.h"

namespace fiso::wasm::light {

// What host functions need to know of their instance; the store's data pointer. One fiber uses it at a time.
struct HostState {
  wasi::Guest guest;
  std::optional<wasmtime_memory_t> memory;  // the export "memory", once it is known
  // Set while the fiber is suspended in a host function, and where its result goes.
  std::unique_ptr<wasi::PendingCall> pending;
  bool pending_done = false;
  uint8_t* suspended_base = nullptr;  // the memory cannot move while its guest is suspended
  uint64_t suspended_size = 0;
  wasmtime_val_t* suspended_result = nullptr;
};

// Which functions may wait, and so which linker an instance needs.
struct WaitingFunctions {
  bool input = false;     // fd_read and friends: instances that park
  bool files = false;     // the file functions: instances with preopens
  bool lives_on = false;  // all that can, the socket functions too: residents
  auto operator<=>(const WaitingFunctions&) const = default;
};

void define_wasi(wasmtime_linker_t* linker, WaitingFunctions waiting);

}  // namespace fiso::wasm::light
