//! One run of the guest in this process, from its file system to how it ended.
//!
//! The guest's main thread is ours (no pool, no hop); tokio has one thread for its sockets and timers.
use std::os::fd::RawFd;
use std::sync::Arc;

use anyhow::Result;
use wasmer::{InstantiationError, RuntimeError};
use wasmer_types::TrapCode;
use wasmer_wasix::os::task::process::WasiProcess;
use wasmer_wasix::runtime::PluggableRuntime;
use wasmer_wasix::runtime::task_manager::tokio::TokioTaskManager;
use wasmer_wasix::types::Signal;
use wasmer_wasix::{WasiEnvBuilder, WasiError, WasiRuntimeError, WasiThreadError};

use crate::channel::{Control, Status, leave};
use crate::engine::Loaded;
use crate::runtime::{GuestRuntime, ThreadTrap};
use crate::setup::Setup;
use crate::stdio::{Input, Stream};

/// What a shell makes of an end by SIGTERM.
const TERMINATED: &str = "143";

#[derive(Clone, Debug)]
pub enum Ending {
    Exit(i32),
    Trap(String),
    /// It could not be instantiated.
    Start(String),
}

/// Whether the parent is told when the guest waits for input.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    Told,
    Untold,
}

pub struct Descriptors {
    pub input: RawFd,
    pub output: RawFd,
    pub errors: RawFd,
}

/// Long-running: the process is the guest, and the control socket has its status.
pub fn run_alone(control: Control, setup: Setup, loaded: Loaded) -> i32 {
    let status = Status::new(control.fd());
    crate::memory::tell_growth_to(control.fd());
    let heeds_signals = loaded.module.imports().any(|import| import.name().starts_with("callback_signal"));
    let watch = move |process: WasiProcess| {
        std::thread::spawn(move || watch_control(&control, &process, status, heeds_signals));
    };
    run(&setup, &loaded, Descriptors { input: 0, output: 1, errors: 2 }, status, Waiting::Told, watch)
}

/// A guest that has no handler ends by SIGTERM, wherever it is; Wasmer would let it wait for its next connection first.
fn watch_control(control: &Control, process: &WasiProcess, status: Status, heeds_signals: bool) {
    while let Some((words, _)) = control.receive() {
        match words.first().map(String::as_str) {
            Some("term") => {}
            Some("hush") => {
                crate::stdio::hush();
                continue;
            }
            _ => continue,
        }
        if !heeds_signals {
            status.send(&["exit", TERMINATED]);
            leave(0);
        }
        process.signal_process(Signal::Sigterm);
    }
    leave(0)
}

/// Does not return before the guest has ended and the parent knows how.
pub fn run(
    setup: &Setup,
    loaded: &Loaded,
    descriptors: Descriptors,
    status: Status,
    waiting: Waiting,
    on_start: impl FnOnce(WasiProcess),
) -> i32 {
    let ending = run_to_end(setup, loaded, descriptors, status, waiting, on_start)
        .unwrap_or_else(|error| Ending::Start(format!("{error:#}")));
    tell(&ending, status);
    0
}

pub fn tell(ending: &Ending, status: Status) {
    let mut words = match ending {
        Ending::Exit(code) => vec!["exit".to_owned(), code.to_string()],
        Ending::Trap(name) => vec!["trap".to_owned(), name.clone()],
        Ending::Start(reason) => vec!["start".to_owned(), reason.clone()],
    };
    if crate::memory::was_refused() {
        words.push("memory".to_owned());
    }
    status.send_end(&crate::stdio::take_held(), &words.iter().map(String::as_str).collect::<Vec<_>>());
}

fn run_to_end(
    setup: &Setup,
    loaded: &Loaded,
    descriptors: Descriptors,
    status: Status,
    waiting: Waiting,
    on_start: impl FnOnce(WasiProcess),
) -> Result<Ending> {
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let _entered = tokio.enter();
    let thread_trap = ThreadTrap::default();
    let mut inner = PluggableRuntime::new(Arc::new(TokioTaskManager::new(tokio.handle().clone())));
    inner.set_engine(loaded.engine.clone());
    inner.networking = crate::network::build(&setup.network, status);
    let runtime = Arc::new(GuestRuntime { inner, thread_trap: thread_trap.clone(), descriptors: setup.descriptors, status });
    let input = Input::new(descriptors.input, (waiting == Waiting::Told).then_some(status));

    let mut builder = WasiEnvBuilder::new(&setup.name);
    builder.set_runtime(runtime);
    builder.add_args(&setup.args);
    builder.add_envs(setup.env.iter().cloned());
    builder.set_stdin(Stream::input(&input, setup.stdin_file));
    builder.set_stdout(Stream::output(descriptors.output, 1));
    builder.set_stderr(Stream::output(descriptors.errors, 2));
    builder.set_mount_fs(crate::mounts::build(setup, &input)?);
    builder.add_preopen_build(|root| root.directory("/").alias(".").read(true).write(true).create(true))?;
    builder.add_preopen_dir("/")?;
    builder.capabilities_mut().threading.max_threads = Some(setup.threads);

    let mut store = wasmer::Store::new(loaded.engine.clone());
    let ending = match builder.instantiate(loaded.module.clone(), &mut store) {
        Err(error) => ending_of_start(&error),
        Ok((instance, env)) => {
            let process = env.data(&store).process.clone();
            crate::memory::watch_shared(status);
            on_start(process.clone());
            let start = instance.exports.get_function("_start")?.clone();
            let ending = match start.call(&mut store, &[]) {
                Ok(_) => Ending::Exit(0),
                Err(error) => ending_of(&error),
            };
            // Where a thread has exited, that was the end; what the main thread made of being woken by it is not.
            match (&ending, process.try_join()) {
                (Ending::Exit(_), Some(Ok(first))) => Ending::Exit(first.raw()),
                _ => ending,
            }
        }
    };
    // What the guest left running ends with the process; waiting for it here would be waiting for the guest.
    std::mem::forget(store);
    std::mem::forget(tokio);
    let trapped = thread_trap.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
    Ok(trapped.unwrap_or(ending))
}

fn ending_of(error: &RuntimeError) -> Ending {
    match error.downcast_ref::<WasiError>() {
        Some(WasiError::Exit(code)) => Ending::Exit(code.raw()),
        Some(WasiError::ThreadExit) => Ending::Exit(0),
        Some(other) => Ending::Trap(other.to_string()),
        None => Ending::Trap(trap_name(error)),
    }
}

fn ending_of_start(error: &WasiRuntimeError) -> Ending {
    match error {
        WasiRuntimeError::Wasi(WasiError::Exit(code)) => Ending::Exit(code.raw()),
        WasiRuntimeError::Runtime(error) => ending_of(error),
        WasiRuntimeError::Instantiation(InstantiationError::Start(error)) => ending_of(error),
        WasiRuntimeError::Thread(WasiThreadError::InstanceCreateFailed(error)) => match &**error {
            InstantiationError::Start(error) => ending_of(error),
            other => Ending::Start(other.to_string()),
        },
        other => Ending::Start(other.to_string()),
    }
}

/// The words that the light engine has for the same traps.
pub fn trap_name(error: &RuntimeError) -> String {
    let Some(code) = error.clone().to_trap() else { return error.message() };
    match code {
        TrapCode::StackOverflow => "call stack exhausted",
        TrapCode::HeapAccessOutOfBounds => "out of bounds memory access",
        TrapCode::HeapMisaligned | TrapCode::UnalignedAtomic => "misaligned memory access",
        TrapCode::TableAccessOutOfBounds => "out of bounds table access",
        TrapCode::IndirectCallToNull => "uninitialized table element",
        TrapCode::BadSignature => "indirect call type mismatch",
        TrapCode::IntegerOverflow => "integer overflow",
        TrapCode::IntegerDivisionByZero => "integer divide by zero",
        TrapCode::BadConversionToInteger => "invalid conversion to integer",
        TrapCode::UnreachableCodeReached => "unreachable",
        _ => "other trap",
    }
    .to_owned()
}
