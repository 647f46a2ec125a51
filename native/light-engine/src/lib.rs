//! Wasmtime's C API as a static library, plus the four things it lacks. Policy stays in C++.
//!
//! The C API's handle types are `#[repr(C)]` structs with exactly one private field, so a pointer to one is a pointer to
//! that field. The assertions below notice at build time if an update changes that.
use std::ffi::{CString, c_char, c_void};
use wasmtime_c_api::wasmtime::{Config, Enabled, Engine, PoolingAllocationConfig, ResourceLimiter, Result};
pub use wasmtime_c_api::*;

const _: () = {
    assert!(size_of::<wasm_config_t>() == size_of::<Config>());
    assert!(size_of::<wasm_engine_t>() == size_of::<Engine>());
    assert!(size_of::<wasmtime_pooling_allocation_config_t>() == size_of::<PoolingAllocationConfig>());
    assert!(size_of::<wasmtime_store_t>() == size_of::<WasmtimeStore>());
};

/// Takes the configuration. An invalid one gives NULL and a message (free it with `fiso_string_free`), where
/// `wasm_engine_new_with_config` would panic.
///
/// # Safety
/// `config` is owned by the caller, `error` points to a writable pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fiso_engine_new(
    config: Box<wasm_config_t>,
    error: *mut *mut c_char,
) -> Option<Box<wasm_engine_t>> {
    let config: Box<Config> = unsafe { Box::from_raw(Box::into_raw(config).cast()) };
    match Engine::new(&config) {
        Ok(engine) => Some(unsafe { Box::from_raw(Box::into_raw(Box::new(engine)).cast()) }),
        Err(reason) => {
            let text = CString::new(format!("{reason:?}").replace('\0', " ")).unwrap_or_default();
            unsafe { *error = text.into_raw() };
            None
        }
    }
}

/// # Safety
/// `text` came from `fiso_engine_new`, or is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fiso_string_free(text: *mut c_char) {
    if !text.is_null() {
        drop(unsafe { CString::from_raw(text) });
    }
}

/// Without backtraces a trap, and so `proc_exit`, costs no walk of the stack.
#[unsafe(no_mangle)]
pub extern "C" fn fiso_config_no_backtrace(config: &mut wasm_config_t) {
    let config = unsafe { &mut *std::ptr::from_mut(config).cast::<Config>() };
    config.wasm_backtrace_max_frames(None);
}

/// Turns on PAGEMAP_SCAN (Linux 6.7 and newer) for the reset of pooled memories; false where the kernel lacks it.
#[unsafe(no_mangle)]
pub extern "C" fn fiso_pooling_pagemap_scan(config: &mut wasmtime_pooling_allocation_config_t) -> bool {
    let config = unsafe { &mut *std::ptr::from_mut(config).cast::<PoolingAllocationConfig>() };
    let available = PoolingAllocationConfig::is_pagemap_scan_available();
    config.pagemap_scan(if available { Enabled::Yes } else { Enabled::No });
    available
}

/// Asked before a memory grows (and before it is first made): may it go from `current` to `desired` bytes?
type MayGrow = extern "C" fn(env: *mut c_void, current: usize, desired: usize) -> bool;

/// Lives as long as its store: the closure that the store keeps owns it.
struct Limiter {
    env: *mut c_void,
    may_grow: MayGrow,
    table_elements: usize,
}

// One store is used by one thread at a time, and so is its limiter.
unsafe impl Send for Limiter {}
unsafe impl Sync for Limiter {}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        if maximum.is_some_and(|most| desired > most) {
            return Ok(false);
        }
        Ok((self.may_grow)(self.env, current, desired))
    }

    fn table_growing(&mut self, _current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        Ok(desired <= self.table_elements && maximum.is_none_or(|most| desired <= most))
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        4
    }

    fn memories(&self) -> usize {
        1
    }
}

/// Puts `may_grow` in charge of the store's memory, and caps its tables.
#[unsafe(no_mangle)]
pub extern "C" fn fiso_store_limiter(
    store: &mut wasmtime_store_t,
    env: *mut c_void,
    may_grow: MayGrow,
    table_elements: usize,
) {
    let store = unsafe { &mut *std::ptr::from_mut(store).cast::<WasmtimeStore>() };
    let mut limiter = Box::new(Limiter { env, may_grow, table_elements });
    let address: *mut Limiter = &mut *limiter;
    let owner = Owned(limiter, address);
    store.limiter(move |_| unsafe {
        let owned: &Owned = &owner;
        &mut *owned.1
    });
}

/// The box keeps the limiter at one address for as long as the closure lives; the pointer is how the closure hands it out
/// with the store's lifetime instead of its own.
struct Owned(#[allow(dead_code)] Box<Limiter>, *mut Limiter);
unsafe impl Send for Owned {}
unsafe impl Sync for Owned {}
