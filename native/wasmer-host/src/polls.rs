//! A poll that is not to wait does not.
//!
//! wasmer-wasix takes a relative time-out of 0 for one that never ends, where WASI, and poll(…, 0) of C, mean not to wait at all. What it
//! does not wait for is a nanosecond: so that is what it is given in place of 0, in the guest's own list, for as long as the call takes.
use wasmer::{Extern, Function, FunctionEnv, FunctionEnvMut, Imports, Instance, Memory, Module, StoreMut, Value};

const NAMESPACES: [&str; 2] = ["wasix_32v1", "wasi_snapshot_preview1"];
const NAME: &str = "poll_oneoff";
/// A subscription of WASI preview 1: its size, and where it has its kind and, if it is one to a clock, the time-out.
const SUBSCRIPTION: u64 = 48;
const KIND: u64 = 8;
const TIMEOUT: u64 = 24;
const CLOCK: u8 = 0;
/// More than these are not looked at.
const MOST: u64 = 4096;

pub struct Poll {
    original: Function,
    /// Known once the instance is there; before, nothing is changed.
    memory: Option<Memory>,
}

/// What an instance calls, to be told of its memory.
pub type Polls = Vec<FunctionEnv<Poll>>;

pub fn apply(module: &Module, store: &mut StoreMut, imports: &mut Imports) -> Polls {
    let imported = module.imports().functions().filter(|import| import.name() == NAME).map(|import| import.module().to_owned());
    let mut polls = Polls::new();
    for namespace in imported.filter(|namespace| NAMESPACES.contains(&namespace.as_str())).collect::<Vec<_>>() {
        let Some(Extern::Function(original)) = imports.get_export(&namespace, NAME) else { continue };
        let signature = original.ty(store);
        let env = FunctionEnv::new(store, Poll { original, memory: None });
        imports.define(&namespace, NAME, Function::new_with_env(store, &env, signature, poll));
        polls.push(env);
    }
    polls
}

pub fn tell_memory(polls: Polls, store: &mut StoreMut, instance: &Instance, imported: Option<&Memory>) {
    let memory = imported.or_else(|| instance.exports.get_memory("memory").ok()).cloned();
    for env in polls {
        env.as_mut(store).memory = memory.clone();
    }
}

fn poll(mut context: FunctionEnvMut<'_, Poll>, arguments: &[Value]) -> Result<Vec<Value>, wasmer::RuntimeError> {
    let (original, memory) = (context.data().original.clone(), context.data().memory.clone());
    let changed = memory.as_ref().map_or(Vec::new(), |memory| end_at_once(&memory.view(&context), arguments));
    let results = original.call(&mut context, arguments)?;
    if let Some(memory) = memory {
        let view = memory.view(&context);
        for place in changed {
            let _ = view.write(place, &0u64.to_le_bytes());
        }
    }
    Ok(results.to_vec())
}

/// Makes a nanosecond of each time-out of 0, and gives their places.
fn end_at_once(memory: &wasmer::MemoryView<'_>, arguments: &[Value]) -> Vec<u64> {
    let number = |index: usize| u64::from(arguments[index].i32().unwrap_or(0) as u32);
    let (list, count) = (number(0), number(2).min(MOST));
    let mut changed = Vec::new();
    for subscription in (0..count).map(|index| list + index * SUBSCRIPTION) {
        let (mut kind, mut timeout) = ([0], [0; 8]);
        if memory.read(subscription + KIND, &mut kind).is_err() || memory.read(subscription + TIMEOUT, &mut timeout).is_err() {
            break;
        }
        if kind == [CLOCK] && timeout == [0; 8] && memory.write(subscription + TIMEOUT, &1u64.to_le_bytes()).is_ok() {
            changed.push(subscription + TIMEOUT);
        }
    }
    changed
}
