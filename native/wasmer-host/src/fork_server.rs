//! The fork server: one loaded module, a child per run. A child costs half of what a process of its own would.
//!
//! Single-threaded, or forking were unsafe: it loads, forks, reaps, and nothing else. A run's status socket stays open here
//! while the child lives; when the parent closes its end the child is killed, so nobody needs a process id.
use std::collections::HashMap;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};

use anyhow::{Result, ensure};

use crate::channel::{Control, Status, leave, leave_after_others};
use crate::engine::Loaded;
use crate::guest::{Descriptors, Waiting};
use crate::setup::Setup;

/// Where a child finds its status socket.
const CHILD_STATUS_FD: RawFd = 3;

struct Children {
    epoll: OwnedFd,
    by_pid: HashMap<i32, OwnedFd>,
}

/// `threads`: the directory of this process's threads.
pub fn check_can_fork(loaded: &Loaded, threads: std::fs::ReadDir) -> Result<()> {
    // Wasmer installs its signal handlers with the first store; children inherit them.
    drop(wasmer::Store::new(loaded.engine.clone()));
    let count = threads.count();
    ensure!(count == 1, "the fork server has {count} threads");
    Ok(())
}

pub fn serve(control: Control, setup: Setup, loaded: Loaded) -> i32 {
    // What loading has freed lies about in small pieces. Put together here it need not be by every child, in the middle of its run.
    // SAFETY: plain call.
    unsafe { libc::malloc_trim(0) };
    let deaths = block_child_signal();
    let mut children = Children { epoll: make_epoll(), by_pid: HashMap::new() };
    children.watch(control.fd(), libc::EPOLLIN as u32, 0);
    children.watch(deaths, libc::EPOLLIN as u32, 1);
    loop {
        for (token, _) in children.wait() {
            match token {
                0 => match control.receive() {
                    Some((words, descriptors)) => start(&setup, &loaded, &mut children, &words, descriptors),
                    None => return 0, // the children go with us: PDEATHSIG
                },
                1 => reap(&mut children, deaths),
                // The parent is not interested any more. Reaped later, like any other.
                pid => kill(pid as i32),
            }
        }
    }
}

fn kill(pid: i32) {
    // SAFETY: an unreaped child of ours, so the number is still its own.
    unsafe { libc::kill(pid, libc::SIGKILL) };
}

fn make_epoll() -> OwnedFd {
    use std::os::fd::FromRawFd;
    // SAFETY: a new descriptor, owned at once.
    unsafe { OwnedFd::from_raw_fd(libc::epoll_create1(libc::EPOLL_CLOEXEC)) }
}

fn block_child_signal() -> RawFd {
    // SAFETY: plain system calls on a local set.
    unsafe {
        let mut signals: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut signals);
        libc::sigaddset(&mut signals, libc::SIGCHLD);
        libc::sigprocmask(libc::SIG_BLOCK, &signals, std::ptr::null_mut());
        libc::signalfd(-1, &signals, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
    }
}

impl Children {
    fn watch(&self, fd: RawFd, events: u32, token: u64) {
        let mut event = libc::epoll_event { events, u64: token };
        // SAFETY: plain system call.
        unsafe { libc::epoll_ctl(self.epoll.as_raw_fd(), libc::EPOLL_CTL_ADD, fd, &mut event) };
    }

    fn wait(&self) -> Vec<(u64, u32)> {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 32];
        // SAFETY: the array is ours.
        let count = unsafe { libc::epoll_wait(self.epoll.as_raw_fd(), events.as_mut_ptr(), 32, -1) };
        events[..count.max(0) as usize].iter().map(|event| (event.u64, event.events)).collect()
    }
}

/// `run` with `told` or `untold`, and descriptors for stdio, stderr and status.
fn start(setup: &Setup, loaded: &Loaded, children: &mut Children, words: &[String], descriptors: Vec<OwnedFd>) {
    let Ok([stdio, errors, status]) = <[OwnedFd; 3]>::try_from(descriptors) else { return };
    let waiting = if words.get(1).is_some_and(|word| word == "told") { Waiting::Told } else { Waiting::Untold };
    // SAFETY: single-threaded, so the child may go on as if nothing had happened.
    let (server, pid) = unsafe { (libc::getpid(), libc::fork()) };
    if pid == 0 {
        become_child(server, stdio, errors, status);
        let descriptors = Descriptors { input: 0, output: 1, errors: 2 };
        crate::memory::tell_growth_to(CHILD_STATUS_FD);
        crate::stdio::hold_output();
        leave_after_others(crate::guest::run(setup, loaded, descriptors, Status::new(CHILD_STATUS_FD), waiting, |_| {}))
    }
    if pid < 0 {
        Status::new(status.as_raw_fd()).send(&["start", &format!("fork: {}", std::io::Error::last_os_error())]);
        return;
    }
    children.watch(status.as_raw_fd(), libc::EPOLLHUP as u32 | libc::EPOLLET as u32, pid as u64);
    children.by_pid.insert(pid, status);
}

/// Dies with the fork server, keeps four descriptors, and can make no process any more.
fn become_child(server: i32, stdio: OwnedFd, errors: OwnedFd, status: OwnedFd) {
    // SAFETY: plain system calls; the descriptors that go are used by nobody here.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        if libc::getppid() != server {
            leave(1); // its end came before we asked to be told of it
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
        libc::dup2(stdio.as_raw_fd(), 0);
        libc::dup2(stdio.as_raw_fd(), 1);
        libc::dup2(errors.as_raw_fd(), 2);
        libc::dup2(status.as_raw_fd(), CHILD_STATUS_FD);
        libc::close_range(CHILD_STATUS_FD as u32 + 1, u32::MAX, 0);
    }
    // Their numbers are closed, or somebody else's, by now.
    for descriptor in [stdio, errors, status] {
        let _ = descriptor.into_raw_fd();
    }
    crate::sandbox::forbid_processes();
}

fn reap(children: &mut Children, deaths: RawFd) {
    let mut signal = [0u8; std::mem::size_of::<libc::signalfd_siginfo>()];
    // SAFETY: buffers of the sizes that the calls want.
    unsafe {
        while libc::read(deaths, signal.as_mut_ptr().cast(), signal.len()) > 0 {}
        loop {
            let (mut status, mut usage) = (0, std::mem::zeroed::<libc::rusage>());
            let pid = libc::wait4(-1, &mut status, libc::WNOHANG, &mut usage);
            if pid <= 0 {
                return;
            }
            if let Some(socket) = children.by_pid.remove(&pid) {
                let cpu_us = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1_000_000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
                let words = ["gone", &status.to_string(), &cpu_us.to_string(), &usage.ru_maxrss.to_string()];
                Status::new(socket.as_raw_fd()).send(&words);
            }
        }
    }
}
