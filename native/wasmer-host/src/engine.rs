//! The wasmer engine: what compiles, what loads, and what an artifact depends on.
use std::os::fd::{AsRawFd, OwnedFd};

use anyhow::{Context, Result};
use wasmer::sys::{Cranelift, EngineBuilder, Features, NativeEngineExt};
use wasmer::{Engine, Module};

use crate::memory::CappedMemory;
use crate::setup::Setup;

/// A module that is ready to be instantiated.
pub struct Loaded {
    pub engine: Engine,
    pub module: Module,
}

fn features() -> Features {
    let mut features = Features::default();
    features.threads(true).bulk_memory(true).exceptions(true);
    features
}

pub fn compiler() -> Engine {
    EngineBuilder::new(Cranelift::default()).set_features(Some(features())).engine().into()
}

/// Artifacts made by one version for one kind of CPU are no good for others. The last part is our own: it changes with
/// anything here that shapes code, or that decides which modules are refused.
pub fn fingerprint() -> String {
    format!("wasmer 7.4.2 cranelift {} 2", crate::cpu::features())
}

/// Loads only, with an engine that cannot compile.
pub fn load(artifact: &OwnedFd, setup: &Setup) -> Result<Loaded> {
    let mut engine: Engine = EngineBuilder::headless().set_features(Some(features())).engine().into();
    engine.set_tunables(CappedMemory::new(setup.memory));
    if setup.stack != 0 {
        wasmer::sys::vm::set_stack_size(setup.stack as usize);
    }
    let path = format!("/proc/self/fd/{}", artifact.as_raw_fd());
    // SAFETY: artifacts come from the parent's cache, which checks owner and checksum.
    let module = unsafe { engine.deserialize_from_mmapped_file(path.as_ref()) }.context("load the artifact")?;
    Ok(Loaded { engine, module })
}
