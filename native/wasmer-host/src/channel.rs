//! The sockets to the parent, and what is said on them.
//!
//! Messages are packets (SOCK_SEQPACKET) of words, each ended by a NUL; the first says what it is.
//!
//! Control socket, to the worker:  the setup (`setup`), with the artifact's descriptor
//!                                 run    a guest, in a fork server; with stdio, stderr and status descriptors
//!                                 term   tells the guest of a long-running worker to end
//!                                 hush   from now on it need not say that it waits
//! Control socket, to the parent:  lacks WHAT     the kernel has no such protection
//!                                 ready | failed REASON
//! Status socket, to the parent:   waiting BYTES  the guest wants input and has read so many bytes
//!                                 grown BYTES    its linear memory is now that large
//!                                 listening PORT ADDRESS  it listens on the port it calls so, which really is there
//!                                 denied WHAT    an attempt that the network rules refused
//!                                 wrote SIZE     so many bytes of output follow, raw, and behind them in the same packet:
//!                                 exit CODE | trap NAME | start REASON    how it ended; `memory` behind it: a growth was refused
//!                                 gone STATUS CPU_US RSS_KB               from the fork server, once the child is reaped
//!
//! A status socket that the parent closes ends its guest.
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use anyhow::{Result, bail};

const MAX_SETUP: usize = 192 * 1024;
/// All others are a word or two. A fork server must not touch fresh memory for each run.
const MAX_MESSAGE: usize = 1024;
const MAX_DESCRIPTORS: usize = 4;

pub fn leave(code: i32) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(code) }
}

/// After the last word. Whoever waits for it may need this very core, and taking the memory down can wait.
pub fn leave_after_others(code: i32) -> ! {
    // SAFETY: plain system call.
    unsafe { libc::sched_yield() };
    leave(code)
}

/// The parent's death is ours. The thread that started us must last as long as we are wanted.
pub fn die_with_parent() {
    // SAFETY: plain system calls.
    unsafe {
        let parent = libc::getppid();
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        if libc::getppid() != parent {
            leave(1);
        }
    }
}

fn encode(words: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in words {
        bytes.extend_from_slice(word.as_bytes());
        bytes.push(0);
    }
    bytes
}

fn send_words(socket: RawFd, words: &[&str]) {
    send_packet(socket, &encode(words));
}

fn send_packet(socket: RawFd, bytes: &[u8]) {
    // SAFETY: the buffer is ours. A parent that is gone is noticed by whoever reads.
    unsafe { libc::send(socket, bytes.as_ptr().cast(), bytes.len(), libc::MSG_NOSIGNAL) };
}

/// One packet: its words and what came with it. `None`: the parent is gone.
fn receive(socket: RawFd, most: usize) -> Result<Option<(Vec<String>, Vec<OwnedFd>)>> {
    let mut bytes = vec![0u8; most];
    let mut ancillary = [0u64; 8];
    let mut iov = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    // SAFETY: every pointer is to a buffer above that outlives the call; descriptors that arrive are owned at once.
    unsafe {
        let mut header: libc::msghdr = std::mem::zeroed();
        header.msg_iov = &mut iov;
        header.msg_iovlen = 1;
        header.msg_control = ancillary.as_mut_ptr().cast();
        header.msg_controllen = std::mem::size_of_val(&ancillary);
        let length = loop {
            let length = libc::recvmsg(socket, &mut header, libc::MSG_CMSG_CLOEXEC);
            if length >= 0 || *libc::__errno_location() != libc::EINTR {
                break length;
            }
        };
        if length <= 0 {
            return Ok(None);
        }
        let mut descriptors = Vec::new();
        let control = libc::CMSG_FIRSTHDR(&header);
        if !control.is_null() && (*control).cmsg_type == libc::SCM_RIGHTS {
            let count = ((*control).cmsg_len - libc::CMSG_LEN(0) as usize) / std::mem::size_of::<RawFd>();
            for i in 0..count.min(MAX_DESCRIPTORS) {
                descriptors.push(OwnedFd::from_raw_fd(*(libc::CMSG_DATA(control) as *const RawFd).add(i)));
            }
        }
        if header.msg_flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC) != 0 {
            bail!("a message of more than {most} bytes");
        }
        bytes.truncate(length as usize);
        let text = String::from_utf8(bytes)?;
        let words = text.split_terminator('\0').map(str::to_owned).collect();
        Ok(Some((words, descriptors)))
    }
}

pub struct Control(OwnedFd);

impl Control {
    pub fn new(socket: OwnedFd) -> Self {
        Control(socket)
    }
    pub fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
    pub fn send(&self, words: &[&str]) {
        send_words(self.fd(), words);
    }
    pub fn receive_setup(&self) -> Result<(Vec<String>, Vec<OwnedFd>)> {
        match receive(self.fd(), MAX_SETUP)? {
            Some(message) => Ok(message),
            None => leave(0),
        }
    }
    /// `None` once the parent is gone; a message that makes no sense counts as that too.
    pub fn receive(&self) -> Option<(Vec<String>, Vec<OwnedFd>)> {
        receive(self.fd(), MAX_MESSAGE).ok().flatten()
    }
}

/// Where one guest's doings are told. Copied into every part that has something to tell.
#[derive(Clone, Copy, Debug)]
pub struct Status(RawFd);

impl Status {
    /// Borrowed for the life of the process.
    pub fn new(socket: RawFd) -> Self {
        Status(socket)
    }
    pub fn send(&self, words: &[&str]) {
        send_words(self.0, words);
    }
    /// How the guest ended, with what it has written and the parent does not have yet.
    pub fn send_end(&self, output: &[u8], words: &[&str]) {
        let mut packet = Vec::new();
        if !output.is_empty() {
            packet = encode(&["wrote", &output.len().to_string()]);
            packet.extend_from_slice(output);
        }
        packet.extend_from_slice(&encode(words));
        send_packet(self.0, &packet);
    }
}
