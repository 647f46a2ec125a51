//! What a guest is refused though wasmer-wasix would grant it: processes, always, and descriptors beyond the limit.
//!
//! Its processes would be threads of ours, each with a memory of its own that no limit knows; and its table of descriptors has no
//! end, for those of files in memory cost the system nothing. The table itself is out of reach here, but new descriptors have the
//! lowest number that is free: once one has the number that is the limit, the table is full, and that one is closed again.
use wasmer::{Extern, Function, FunctionEnv, FunctionEnvMut, Imports, Module, StoreMut, Value};

const BAD_DESCRIPTOR: i32 = 8;
const INVALID: i32 = 28;
const TOO_MANY_DESCRIPTORS: i32 = 33;
const NOT_PERMITTED: i32 = 63;

const NAMESPACES: [&str; 3] = ["wasix_32v1", "wasi_snapshot_preview1", "wasi_unstable"];
const PROCESS_CALLS: [&str; 7] = ["proc_fork", "proc_fork_env", "proc_spawn", "proc_spawn2", "proc_spawn3", "proc_exec3", "proc_exec4"];
const DESCRIPTOR_CALLS: [&str; 11] = [
    "path_open", "path_open2", "sock_open", "sock_pair", "sock_accept", "sock_accept_v2", "epoll_create", "fd_event", "fd_pipe",
    "fd_dup", "fd_dup2",
];
/// The second argument is the number that the descriptor shall have, or the least that it may.
const NUMBERED_CALLS: [&str; 2] = ["fd_renumber", "fd_dup2"];

pub fn apply(limit: u64, module: &Module, store: &mut StoreMut, imports: &mut Imports) {
    let limit = i32::try_from(limit).unwrap_or(i32::MAX);
    for import in module.imports().functions() {
        let (namespace, name) = (import.module(), import.name());
        if !NAMESPACES.contains(&namespace) {
            continue;
        }
        if PROCESS_CALLS.contains(&name) {
            refuse(namespace, name, store, imports);
        }
        if DESCRIPTOR_CALLS.contains(&name) {
            count(limit, namespace, name, store, imports);
        }
        if NUMBERED_CALLS.contains(&name) {
            check_number(limit, namespace, name, store, imports);
        }
    }
}

fn find(namespace: &str, name: &str, imports: &Imports) -> Option<Function> {
    match imports.get_export(namespace, name) {
        Some(Extern::Function(function)) => Some(function),
        _ => None,
    }
}

fn refuse(namespace: &str, name: &str, store: &mut StoreMut, imports: &mut Imports) {
    let Some(original) = find(namespace, name, imports) else { return };
    let signature = original.ty(store);
    imports.define(namespace, name, Function::new(store, signature, |_| Ok(vec![Value::I32(NOT_PERMITTED)])));
}

struct Counted {
    original: Function,
    /// Harmless on a descriptor that is open, and says so if it is not.
    advise: Function,
    close: Function,
    limit: i32,
}

fn count(limit: i32, namespace: &str, name: &str, store: &mut StoreMut, imports: &mut Imports) {
    let (Some(original), Some(advise), Some(close)) =
        (find(namespace, name, imports), find(namespace, "fd_advise", imports), find(namespace, "fd_close", imports))
    else {
        return;
    };
    let signature = original.ty(store);
    let env = FunctionEnv::new(store, Counted { original, advise, close, limit });
    imports.define(namespace, name, Function::new_with_env(store, &env, signature, open));
}

fn open(mut context: FunctionEnvMut<'_, Counted>, arguments: &[Value]) -> Result<Vec<Value>, wasmer::RuntimeError> {
    let Counted { original, advise, close, limit } = context.data();
    let (original, advise, close, one_too_many) = (original.clone(), advise.clone(), close.clone(), Value::I32(*limit));
    let results = original.call(&mut context, arguments)?;
    if results[0].i32() != Some(0) {
        return Ok(results.to_vec());
    }
    let found = advise.call(&mut context, &[one_too_many.clone(), Value::I64(0), Value::I64(0), Value::I32(0)])?;
    if found[0].i32() == Some(BAD_DESCRIPTOR) {
        return Ok(results.to_vec());
    }
    close.call(&mut context, &[one_too_many])?;
    Ok(vec![Value::I32(TOO_MANY_DESCRIPTORS)])
}

struct Numbered {
    original: Function,
    limit: i32,
}

fn check_number(limit: i32, namespace: &str, name: &str, store: &mut StoreMut, imports: &mut Imports) {
    let Some(original) = find(namespace, name, imports) else { return };
    let signature = original.ty(store);
    let refusal = if name == "fd_renumber" { BAD_DESCRIPTOR } else { INVALID };
    let env = FunctionEnv::new(store, Numbered { original, limit });
    let call = move |mut context: FunctionEnvMut<'_, Numbered>, arguments: &[Value]| {
        let (original, limit) = (context.data().original.clone(), context.data().limit);
        if !(0..limit).contains(&arguments[1].i32().unwrap_or(-1)) {
            return Ok(vec![Value::I32(refusal)]);
        }
        original.call(&mut context, arguments).map(|results| results.to_vec())
    };
    imports.define(namespace, name, Function::new_with_env(store, &env, signature, call));
}
