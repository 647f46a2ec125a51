//! `proc_exit` ends the process on the spot, whichever thread calls it.
//!
//! Wasmer would make a trap of it, which means to walk the stack and to unwind it, and then to find that nothing is left to do.
use wasmer::{Extern, Function, Imports, Module, StoreMut};

use crate::channel::{Status, leave_after_others};
use crate::guest::{Ending, tell};
use crate::runtime::ThreadTrap;

const NAMESPACES: [&str; 3] = ["wasix_32v1", "wasi_snapshot_preview1", "wasi_unstable"];
const NAME: &str = "proc_exit";

/// A thread that has trapped before was the end; what others make of that is not.
pub fn apply(status: Status, trapped: &ThreadTrap, module: &Module, store: &mut StoreMut, imports: &mut Imports) {
    let imported = module.imports().functions().filter(|import| import.name() == NAME).map(|import| import.module().to_owned());
    for namespace in imported.filter(|namespace| NAMESPACES.contains(&namespace.as_str())).collect::<Vec<_>>() {
        let Some(Extern::Function(original)) = imports.get_export(&namespace, NAME) else { continue };
        let signature = original.ty(store);
        let trapped = trapped.clone();
        let end = move |arguments: &[wasmer::Value]| {
            let trap = trapped.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
            tell(&trap.unwrap_or(Ending::Exit(arguments[0].i32().unwrap_or(-1))), status);
            leave_after_others(0)
        };
        imports.define(&namespace, NAME, Function::new(store, signature, end));
    }
}
