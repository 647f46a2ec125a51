//! The compiler child: hostile module bytes cost this process and nobody else.
//!
//! Descriptor 3 is the module, 4 takes the reply: a byte 1 and the artifact, or a byte 2 and the reason why there is none.
use std::fs::File;
use std::io::Write;
use std::os::fd::FromRawFd;
use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use wasmer::{Engine, ExternType, Module};
use wasmer_wasix::WasiEnvBuilder;
use wasmer_wasix::runtime::PluggableRuntime;
use wasmer_wasix::runtime::task_manager::tokio::TokioTaskManager;

pub const NAME: &str = "fiso-module-compiler";
const MODULE_FD: i32 = 3;
const REPLY_FD: i32 = 4;
const ARTIFACT: u8 = 1;
const REASON: u8 = 2;

pub fn run(parent: &str, cpu_seconds: &str, memory: &str, _settings: &str) -> i32 {
    // SAFETY: both descriptors are put there by the parent for us alone.
    let (module, mut reply) = unsafe { (File::from_raw_fd(MODULE_FD), File::from_raw_fd(REPLY_FD)) };
    limit_self(parent, cpu_seconds, memory);
    let (kind, bytes) = match compile(module) {
        Ok(artifact) => (ARTIFACT, artifact),
        Err(error) => (REASON, format!("{error:#}").into_bytes()),
    };
    let written = reply.write_all(&[kind]).and_then(|()| reply.write_all(&bytes));
    i32::from(written.is_err())
}

fn limit_self(parent: &str, cpu_seconds: &str, memory: &str) {
    // SAFETY: plain system calls.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        if libc::getppid().to_string() != parent {
            crate::channel::leave(1); // it died before we asked to be told
        }
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        let cpu: u64 = cpu_seconds.parse().unwrap_or(60);
        let data: u64 = memory.parse().unwrap_or(1 << 30);
        libc::setrlimit(libc::RLIMIT_CPU, &libc::rlimit { rlim_cur: cpu, rlim_max: cpu + 1 });
        libc::setrlimit(libc::RLIMIT_DATA, &libc::rlimit { rlim_cur: data, rlim_max: data });
        libc::setrlimit(libc::RLIMIT_CORE, &libc::rlimit { rlim_cur: 0, rlim_max: 0 });
    }
}

fn compile(file: File) -> Result<Vec<u8>> {
    use std::os::unix::fs::FileExt;
    let mut bytes = vec![0u8; file.metadata()?.len() as usize];
    file.read_exact_at(&mut bytes, 0)?;
    let engine = crate::engine::compiler();
    let module = Module::from_binary(&engine, &bytes)?;
    check_exports(&module)?;
    check_imports(&engine, &module)?;
    Ok(module.serialize()?.to_vec())
}

/// What can be seen now need not fail with the first event.
fn check_exports(module: &Module) -> Result<()> {
    let find = |name: &str| module.exports().find(|export| export.name() == name).map(|export| export.ty().clone());
    match find("_start") {
        Some(ExternType::Function(start)) => {
            ensure!(
                start.params().is_empty() && start.results().is_empty(),
                "its function _start takes arguments or returns something"
            );
        }
        _ => bail!("it exports no function _start: build it as a WASI command, not as a library"),
    }
    let imports_memory = module.imports().any(|import| matches!(import.ty(), ExternType::Memory(_)));
    let has_memory = imports_memory || matches!(find("memory"), Some(ExternType::Memory(_)));
    ensure!(has_memory, "it exports no memory: build it for wasm32-wasip1");
    Ok(())
}

fn check_imports(engine: &Engine, module: &Module) -> Result<()> {
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let _entered = tokio.enter();
    let mut runtime = PluggableRuntime::new(Arc::new(TokioTaskManager::new(tokio.handle().clone())));
    runtime.set_engine(engine.clone());
    let mut store = wasmer::Store::new(engine.clone());
    let mut builder = WasiEnvBuilder::new("check");
    builder.set_runtime(Arc::new(runtime));
    let env = builder.finalize(&mut store)?;
    let known = env.import_object_for_all_wasi_versions(&mut store, module)?;
    for import in module.imports() {
        let is_memory = matches!(import.ty(), ExternType::Memory(_));
        ensure!(
            is_memory || known.get_export(import.module(), import.name()).is_some(),
            "unknown import: {}::{} is not defined",
            import.module(),
            import.name()
        );
    }
    Ok(())
}
