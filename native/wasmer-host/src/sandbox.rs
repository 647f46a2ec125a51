//! What this process gives up before it reads a byte of the module. The guest is kept in by the engine; this is for the day
//! that the engine has a hole.
//!
//! No new privileges, limits on memory and descriptors, no core files; Landlock: only the guest's directories, the artifact,
//! and what name look-ups read, only the ports that the rules know, no signals to others; seccomp: no system call that a
//! WebAssembly host has no use for. What the kernel lacks is reported, and we go on without it.
use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use anyhow::{Context, Result};
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetStatus, Scope,
};
use seccompiler::{BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule};

use crate::setup::{Kind, NetworkMode, Setup};

/// What the host needs beside the guest's memory: the engine, an artifact's writable parts, tokio, stacks.
const HOST_MEMORY: u64 = 192 << 20;
/// The system's stack of a thread, 2 MiB, the engine's, and an arena of the allocator.
const THREAD_MEMORY: u64 = 5 << 20;

/// The Landlock version that we ask for; older kernels have less of it.
const LANDLOCK: ABI = ABI::V6;

/// What getaddrinfo reads.
const LOOKUP_FILES: [&str; 6] =
    ["/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/services"];

/// Gives it all up. What the kernel cannot do is in the result, for the log.
pub fn enter(setup: &Setup, artifact: &OwnedFd) -> Result<Vec<String>> {
    let mut missing = Vec::new();
    // SAFETY: plain system call.
    if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } != 0 {
        missing.push("no_new_privs".to_owned());
    }
    limit_resources(setup);
    match restrict_files_and_ports(setup, artifact) {
        Ok(RulesetStatus::FullyEnforced) => {}
        Ok(RulesetStatus::PartiallyEnforced) => missing.push("all of Landlock".to_owned()),
        Ok(RulesetStatus::NotEnforced) => missing.push("Landlock".to_owned()),
        Err(error) => return Err(error.context("landlock")),
    }
    if !deny(&FORBIDDEN, libc::EPERM) {
        missing.push("seccomp".to_owned());
    }
    if setup.kind == Kind::Alone {
        forbid_processes();
    }
    Ok(missing)
}

fn limit_resources(setup: &Setup) {
    let set = |which, value| {
        let limit = libc::rlimit { rlim_cur: value, rlim_max: value };
        // SAFETY: plain system call.
        unsafe { libc::setrlimit(which, &limit) };
    };
    set(libc::RLIMIT_DATA, HOST_MEMORY + setup.memory + setup.files_memory + setup.threads as u64 * THREAD_MEMORY);
    set(libc::RLIMIT_NOFILE, setup.descriptors);
    set(libc::RLIMIT_CORE, 0);
}

fn restrict_files_and_ports(setup: &Setup, artifact: &OwnedFd) -> Result<RulesetStatus> {
    let all = AccessFs::from_all(LANDLOCK);
    let read = AccessFs::from_read(LANDLOCK);
    let mut ports = BitFlags::from(AccessNet::BindTcp);
    let no_network = setup.network.mode == NetworkMode::None;
    if no_network {
        ports |= AccessNet::ConnectTcp;
    }
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?
        .handle_access(ports)?
        .scope(Scope::from_all(LANDLOCK))?
        .create()?;
    // One in memory, made where there is no cache, is in no directory: a rule cannot name it, and none is needed to open it.
    if !is_in_memory(artifact) {
        rules = rules.add_rule(PathBeneath::new(artifact.as_fd(), AccessFs::ReadFile))?;
    }
    for mount in &setup.mounts {
        let directory = PathFd::new(&mount.host).with_context(|| format!("directory {}", mount.host))?;
        rules = rules.add_rule(PathBeneath::new(directory, if mount.read_only { read } else { all & !AccessFs::Execute }))?;
    }
    if setup.network.dns {
        rules = allow_lookups(rules)?;
    }
    for listen in &setup.network.listen {
        rules = rules.add_rule(NetPort::new(listen.host.port(), AccessNet::BindTcp))?;
    }
    if !no_network {
        rules = rules.add_rule(NetPort::new(0, AccessNet::BindTcp))?; // a local port that the kernel chooses
    }
    Ok(rules.restrict_self()?.ruleset)
}

fn is_in_memory(file: &OwnedFd) -> bool {
    let path = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()));
    path.is_ok_and(|path| path.as_os_str().as_encoded_bytes().starts_with(b"/memfd:"))
}

fn allow_lookups(mut rules: RulesetCreated) -> Result<RulesetCreated> {
    for path in LOOKUP_FILES {
        // Not every system has every file. One that is a link is read where it leads.
        let Ok(target) = std::fs::canonicalize(path) else { continue };
        if let Ok(file) = PathFd::new(target) {
            rules = rules.add_rule(PathBeneath::new(file, AccessFs::ReadFile))?;
        }
    }
    Ok(rules)
}

/// System calls that neither the engine nor a guest has any use for.
const FORBIDDEN: [i64; 58] = [
    libc::SYS_execve, libc::SYS_execveat, libc::SYS_ptrace, libc::SYS_process_vm_readv, libc::SYS_process_vm_writev,
    libc::SYS_process_madvise, libc::SYS_pidfd_getfd, libc::SYS_kcmp, libc::SYS_mount, libc::SYS_umount2, libc::SYS_move_mount,
    libc::SYS_open_tree, libc::SYS_fsopen, libc::SYS_fsmount, libc::SYS_fsconfig, libc::SYS_fspick, libc::SYS_mount_setattr,
    libc::SYS_pivot_root, libc::SYS_chroot, libc::SYS_setns, libc::SYS_unshare, libc::SYS_bpf, libc::SYS_perf_event_open,
    libc::SYS_keyctl, libc::SYS_add_key, libc::SYS_request_key, libc::SYS_init_module, libc::SYS_finit_module,
    libc::SYS_delete_module, libc::SYS_kexec_load, libc::SYS_kexec_file_load, libc::SYS_reboot, libc::SYS_swapon,
    libc::SYS_swapoff, libc::SYS_acct, libc::SYS_settimeofday, libc::SYS_clock_settime, libc::SYS_adjtimex,
    libc::SYS_clock_adjtime, libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register,
    libc::SYS_userfaultfd, libc::SYS_personality, libc::SYS_quotactl, libc::SYS_open_by_handle_at, libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init, libc::SYS_syslog, libc::SYS_sethostname, libc::SYS_setdomainname, libc::SYS_vhangup,
    libc::SYS_mknodat, libc::SYS_setuid, libc::SYS_setgid, libc::SYS_setresuid, libc::SYS_setresgid, libc::SYS_capset,
];

fn deny(calls: &[i64], error: i32) -> bool {
    apply(calls.iter().map(|call| (*call, vec![])).collect(), error)
}

/// `false` if the kernel takes no filter.
fn apply(rules: BTreeMap<i64, Vec<SeccompRule>>, error: i32) -> bool {
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(error as u32),
        std::env::consts::ARCH.try_into().expect("an architecture that seccompiler knows"),
    );
    let program: BpfProgram = filter.and_then(TryInto::try_into).expect("a filter made of constants");
    seccompiler::apply_filter(&program).is_ok()
}

/// From now on only threads. (`clone3` hides its flags from the filter: without it the C library uses `clone`.)
pub fn forbid_processes() {
    let flag = libc::CLONE_THREAD as u64;
    let not_a_thread = SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(flag), 0)
        .and_then(|condition| SeccompRule::new(vec![condition]))
        .expect("a rule made of constants");
    let mut rules = BTreeMap::from([(libc::SYS_clone, vec![not_a_thread])]);
    #[cfg(target_arch = "x86_64")]
    rules.extend([(libc::SYS_fork, vec![]), (libc::SYS_vfork, vec![])]);
    apply(rules, libc::EPERM);
    deny(&[libc::SYS_clone3], libc::ENOSYS);
}
