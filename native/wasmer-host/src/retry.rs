//! Takes the hidden 30 seconds off blocking calls.
//!
//! wasmer-wasix ends every blocking socket call with "timed out" after 30 s, where POSIX waits for ever. Such a call is made
//! again, unless the guest sets time-outs itself and so may mean it. A connection attempt is repeated for two minutes, as
//! long as Linux tries.
use std::time::{Duration, Instant};

use wasmer::{Extern, Function, FunctionEnv, FunctionEnvMut, Imports, Module, StoreMut, Value};

const TIMED_OUT: i32 = 73;
/// What fd_read makes of it; one that would not block says the same, but at once.
const TRY_AGAIN: i32 = 6;
const ALMOST_HIDDEN_TIMEOUT: Duration = Duration::from_secs(25);
const FOR_EVER: u32 = u32::MAX;
const NAMESPACES: [&str; 2] = ["wasix_32v1", "wasi_snapshot_preview1"];
const CALLS: [(&str, u32); 10] = [
    ("sock_accept", FOR_EVER),
    ("sock_accept_v2", FOR_EVER),
    ("sock_recv", FOR_EVER),
    ("sock_recv_from", FOR_EVER),
    ("sock_send", FOR_EVER),
    ("sock_send_to", FOR_EVER),
    ("sock_send_file", FOR_EVER),
    ("fd_read", FOR_EVER),
    ("fd_write", FOR_EVER),
    ("sock_connect", 4),
];

struct Call {
    original: Function,
    attempts: u32,
}

pub fn wrap_blocking_calls(module: &Module, store: &mut StoreMut, imports: &mut Imports) {
    let imported: Vec<String> = module.imports().functions().map(|function| function.name().to_owned()).collect();
    let uses = |name: &str| imported.iter().any(|one| one == name);
    let has_sockets = ["sock_open", "sock_accept", "sock_accept_v2"].iter().any(|name| uses(name));
    if !has_sockets || uses("sock_set_opt_time") {
        return;
    }
    for namespace in NAMESPACES {
        for (name, attempts) in CALLS {
            if !uses(name) {
                continue;
            }
            let Some(Extern::Function(original)) = imports.get_export(namespace, name) else { continue };
            let signature = original.ty(store);
            let env = FunctionEnv::new(store, Call { original, attempts });
            imports.define(namespace, name, Function::new_with_env(store, &env, signature, call));
        }
    }
}

fn call(mut context: FunctionEnvMut<'_, Call>, arguments: &[Value]) -> Result<Vec<Value>, wasmer::RuntimeError> {
    let (original, attempts) = (context.data().original.clone(), context.data().attempts);
    let mut made = 0;
    loop {
        let began = Instant::now();
        let results = original.call(&mut context, arguments)?;
        made += u32::from(attempts != FOR_EVER);
        let timed_out = match results[0].i32() {
            Some(TIMED_OUT) => true,
            Some(TRY_AGAIN) => began.elapsed() >= ALMOST_HIDDEN_TIMEOUT,
            _ => false,
        };
        if !timed_out || made == attempts {
            return Ok(results.to_vec());
        }
    }
}
