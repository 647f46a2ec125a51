//! fiso-wasmer-host: one process, one guest, run by wasmer-wasix. Policy is the parent's; this obeys and reports.
//!
//! Started in one of three ways, by name and arguments (`channel` has the messages):
//!
//!   fiso-module-compiler PARENT CPU MEMORY SETTINGS   compiles the module on descriptor 3 into descriptor 4
//!   fiso-wasmer-host guest                            waits for its setup on the socket that is descriptor 3
//!   fiso-wasmer-host --fingerprint                    prints what an artifact depends on besides the module
//!
//! It leaves by `_exit` alone: guest threads may still run, and destructors under them are no good.
mod bounds;
mod channel;
mod compile;
mod cpu;
mod engine;
mod exit;
mod fork_server;
mod guest;
mod host_files;
mod input;
mod memory;
mod mounts;
mod network;
mod polls;
mod retry;
mod root;
mod runtime;
mod sandbox;
mod setup;
mod sockets;
mod stdio;

use std::os::fd::{FromRawFd, OwnedFd};

const CONTROL_FD: i32 = 3;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let code = match words.as_slice() {
        [compile::NAME, parent, cpu, memory, settings] => compile::run(parent, cpu, memory, settings),
        [_, "guest"] => serve_guest(),
        [_, "--fingerprint"] => {
            println!("{}", engine::fingerprint());
            0
        }
        _ => {
            eprintln!("fiso-wasmer-host {}: started by Fiso's servers, not by hand", env!("CARGO_PKG_VERSION"));
            2
        }
    };
    channel::leave(code)
}

fn serve_guest() -> i32 {
    channel::die_with_parent();
    // SAFETY: the parent puts the control socket there, and nobody else in this process knows the number.
    let control = channel::Control::new(unsafe { OwnedFd::from_raw_fd(CONTROL_FD) });
    match prepare(&control) {
        Ok((setup, loaded)) if setup.kind == setup::Kind::ForkServer => fork_server::serve(control, setup, loaded),
        Ok((setup, loaded)) => guest::run_alone(control, setup, loaded),
        Err(error) => {
            control.send(&["failed", &format!("{error:#}")]);
            1
        }
    }
}

fn prepare(control: &channel::Control) -> anyhow::Result<(setup::Setup, engine::Loaded)> {
    let (records, mut descriptors) = control.receive_setup()?;
    let setup = setup::Setup::parse(&records)?;
    let artifact = descriptors.pop().ok_or_else(|| anyhow::anyhow!("the setup came without an artifact"))?;
    // Opened while /proc can be: the sandbox hides it.
    let threads = std::fs::read_dir("/proc/self/task")?;
    for missing in sandbox::enter(&setup, &artifact)? {
        control.send(&["lacks", &missing]);
    }
    let loaded = engine::load(&artifact, &setup)?;
    if setup.kind == setup::Kind::ForkServer {
        fork_server::check_can_fork(&loaded, threads)?;
    }
    control.send(&["ready"]);
    Ok((setup, loaded))
}
