#include "wasm/light/host_functions.h"

#include <array>
#include <cstring>
#include <string_view>

#include "base/check.h"
#include "wasm/wasi/abi.h"

namespace fiso::wasm::light {
namespace {

constexpr std::string_view kModule = "wasi_snapshot_preview1";
constexpr size_t kMostParameters = 10;

wasi::GuestMemory memory_of(HostState& state, wasmtime_caller_t* caller) {
  if (!state.memory.has_value()) {  // called by a start section, before the exports were looked at
    wasmtime_extern_t exported;
    if (!wasmtime_caller_export_get(caller, "memory", 6, &exported) || exported.kind != WASMTIME_EXTERN_MEMORY)
      return {nullptr, 0};
    state.memory = exported.of.memory;
  }
  // Asked anew at each call: memory.grow changes the size.
  wasmtime_context_t* context = wasmtime_caller_context(caller);
  return {wasmtime_memory_data(context, &*state.memory), wasmtime_memory_data_size(context, &*state.memory)};
}

HostState& state_of(wasmtime_caller_t* caller) {
  return *static_cast<HostState*>(wasmtime_context_get_data(wasmtime_caller_context(caller)));
}

// Ends the guest; conclude() reads the reason from the Guest.
wasm_trap_t* stop_guest() { return wasmtime_trap_new_code(WASMTIME_TRAP_CODE_INTERRUPT); }

// A call that cannot wait: straight from the compiled code.
wasm_trap_t* call_directly(void* env, wasmtime_caller_t* caller, wasmtime_val_raw_t* values, size_t) {
  const auto& function = *static_cast<const wasi::HostFunction*>(env);
  HostState& state = state_of(caller);
  std::array<uint64_t, kMostParameters> arguments;
  for (size_t i = 0; i < function.parameters.size(); ++i)
    arguments[i] = function.parameters[i] == 'I' ? static_cast<uint64_t>(values[i].i64) : static_cast<uint32_t>(values[i].i32);
  wasi::Outcome outcome = function.call(state.guest, memory_of(state, caller), wasi::Args(arguments.data()));
  if (outcome.exits() || state.guest.must_stop()) return stop_guest();
  FISO_CHECK(!outcome.pending(), "a function that cannot wait does");
  values[0].i32 = outcome.error_number();
  return nullptr;
}

bool ready_at_once(void*) { return true; }

bool resume_when_done(void* env) {
  auto& state = *static_cast<HostState*>(env);
  if (!state.pending_done) return false;
  state.pending_done = false;
  wasi::GuestMemory memory{state.suspended_base, state.suspended_size};
  using Kind = wasi::PendingCall::Kind;
  bool steps = state.pending->kind() == Kind::kTurns || state.pending->kind() == Kind::kReady;
  if (steps && !state.pending->step(state.guest, memory)) return false;
  std::unique_ptr<wasi::PendingCall> call = std::move(state.pending);
  state.suspended_result->kind = WASMTIME_I32;
  state.suspended_result->of.i32 = call->finish(state.guest, memory);
  return true;
}

void call_maybe_waiting(void* env, wasmtime_caller_t* caller, const wasmtime_val_t* values, size_t count, wasmtime_val_t* results,
                        size_t, wasm_trap_t** trap, wasmtime_async_continuation_t* continuation) {
  const auto& function = *static_cast<const wasi::HostFunction*>(env);
  HostState& state = state_of(caller);
  std::array<uint64_t, kMostParameters> arguments;
  for (size_t i = 0; i < count; ++i)
    arguments[i] =
        values[i].kind == WASMTIME_I64 ? static_cast<uint64_t>(values[i].of.i64) : static_cast<uint32_t>(values[i].of.i32);
  wasi::GuestMemory memory = memory_of(state, caller);
  wasi::Outcome outcome = function.call(state.guest, memory, wasi::Args(arguments.data()));
  continuation->env = &state;
  continuation->finalizer = nullptr;
  continuation->callback = ready_at_once;
  if (outcome.exits() || state.guest.must_stop()) {
    *trap = stop_guest();
  } else if (outcome.pending()) {
    state.pending = outcome.take_pending();
    state.pending_done = false;
    state.suspended_base = memory.base();
    state.suspended_size = memory.size();
    state.suspended_result = &results[0];
    continuation->callback = resume_when_done;
  } else {
    results[0].kind = WASMTIME_I32;
    results[0].of.i32 = outcome.error_number();
  }
}

wasm_functype_t* type_of(const wasi::HostFunction& function) {
  wasm_valtype_vec_t parameters, results;
  wasm_valtype_vec_new_uninitialized(&parameters, function.parameters.size());
  for (size_t i = 0; i < function.parameters.size(); ++i)
    parameters.data[i] = wasm_valtype_new(function.parameters[i] == 'I' ? WASM_I64 : WASM_I32);
  if (function.returns_errno) {
    wasm_valtype_t* errno_type[] = {wasm_valtype_new(WASM_I32)};
    wasm_valtype_vec_new(&results, 1, errno_type);
  } else {
    wasm_valtype_vec_new_empty(&results);
  }
  return wasm_functype_new(&parameters, &results);
}

}  // namespace

void define_wasi(wasmtime_linker_t* linker, WaitingFunctions waiting) {
  for (const wasi::HostFunction& function : wasi::host_functions()) {
    wasm_functype_t* type = type_of(function);
    void* env = const_cast<wasi::HostFunction*>(&function);
    wasmtime_error_t* error =
        function.may_wait(waiting.input, waiting.files, waiting.lives_on)
            ? wasmtime_linker_define_async_func(linker, kModule.data(), kModule.size(), function.name.data(),
                                                function.name.size(), type, call_maybe_waiting, env, nullptr)
            : wasmtime_linker_define_func_unchecked(linker, kModule.data(), kModule.size(), function.name.data(),
                                                    function.name.size(), type, call_directly, env, nullptr);
    wasm_functype_delete(type);
    FISO_CHECK(error == nullptr, function.name);
  }
}

}  // namespace fiso::wasm::light
