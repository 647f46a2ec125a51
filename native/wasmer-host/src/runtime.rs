//! wasmer-wasix's runtime with our rules: no hidden time-outs, polls that end at once, bounds where it has none, and traps of guest threads told apart from
//! exits.
use std::sync::{Arc, Mutex};

use wasmer_wasix::Runtime;
use wasmer_wasix::http::DynHttpClient;
use wasmer_wasix::os::TtyBridge;
use wasmer_wasix::runtime::module_cache::ModuleCache;
use wasmer_wasix::runtime::package_loader::PackageLoader;
use wasmer_wasix::runtime::resolver::Source;
use wasmer_wasix::runtime::task_manager::VirtualTaskManager;
use wasmer_wasix::runtime::{InstantiationState, PluggableRuntime, TaintReason};
use wasmer_wasix::virtual_net::DynVirtualNetworking;

use crate::channel::Status;
use crate::guest::{Ending, trap_name};

/// How a thread of the guest went wrong, if one did. wasmer-wasix makes an exit code of it that guests use too.
pub type ThreadTrap = Arc<Mutex<Option<Ending>>>;

#[derive(Debug)]
pub struct GuestRuntime {
    pub inner: PluggableRuntime,
    pub thread_trap: ThreadTrap,
    pub descriptors: u64,
    pub status: Status,
}

impl Runtime for GuestRuntime {
    fn networking(&self) -> &DynVirtualNetworking {
        self.inner.networking()
    }
    fn task_manager(&self) -> &Arc<dyn VirtualTaskManager> {
        self.inner.task_manager()
    }
    fn package_loader(&self) -> Arc<dyn PackageLoader + Send + Sync> {
        self.inner.package_loader()
    }
    fn module_cache(&self) -> Arc<dyn ModuleCache + Send + Sync> {
        self.inner.module_cache()
    }
    fn source(&self) -> Arc<dyn Source + Send + Sync> {
        self.inner.source()
    }
    fn engine(&self) -> wasmer::Engine {
        self.inner.engine()
    }
    fn new_store(&self) -> wasmer::Store {
        self.inner.new_store()
    }
    fn http_client(&self) -> Option<&DynHttpClient> {
        None
    }
    fn tty(&self) -> Option<&(dyn TtyBridge + Send + Sync)> {
        None
    }
    fn prepare_imports(
        &self,
        module: &wasmer::Module,
        store: &mut wasmer::StoreMut,
        imports: &mut wasmer::Imports,
    ) -> anyhow::Result<InstantiationState> {
        crate::retry::wrap_blocking_calls(module, store, imports);
        crate::bounds::apply(self.descriptors, module, store, imports);
        crate::exit::apply(self.status, &self.thread_trap, module, store, imports);
        Ok(InstantiationState::new(crate::polls::apply(module, store, imports)))
    }
    fn configure_new_instance(
        &self,
        _module: &wasmer::Module,
        store: &mut wasmer::StoreMut,
        instance: &wasmer::Instance,
        imported_memory: Option<&wasmer::Memory>,
        state: InstantiationState,
    ) -> anyhow::Result<()> {
        crate::polls::tell_memory(state.take()?, store, instance, imported_memory);
        Ok(())
    }
    fn on_taint(&self, reason: TaintReason) {
        let ending = match reason {
            TaintReason::NonZeroExitCode(_) => return,
            TaintReason::RuntimeError(error) => Ending::Trap(trap_name(&error)),
            TaintReason::UnknownWasiVersion => Ending::Trap("unknown WASI version".into()),
            TaintReason::DlSymbolResolutionFailed(symbol) => Ending::Trap(format!("symbol {symbol} not found")),
        };
        self.thread_trap.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get_or_insert(ending);
    }
}
