//! The guest's standard streams, straight on our descriptors. What one call of the guest writes goes out as one, at the end of that
//! call. In a child of a fork server the output is held back on top of that: nobody judges it before the guest ends or waits, so it
//! goes out with that, which wakes the parent once and not twice. `guest::tell` takes it along, so nothing is lost at `_exit`.
//!
//! Reading blocks in read(2) on the guest's own thread. Before it blocks, the parent is told that the guest waits and how
//! much it has read: with that it knows a guest that waits for its next input from one that has not come to the last. A parent
//! that knows enough says so, which spares two processes a packet per wait.
use std::io;
use std::os::fd::RawFd;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll};

use virtual_fs::{AsyncRead, AsyncSeek, AsyncWrite, FsError, ReadBuf, VirtualFile};

use crate::channel::Status;

/// The parent of the guest that runs in this process knows enough.
static HUSHED: AtomicBool = AtomicBool::new(false);

pub fn hush() {
    HUSHED.store(true, Ordering::Relaxed);
}

const OUTPUT: RawFd = 1;

/// What may be held back; more goes out as it comes. The parent has room for as much in a packet.
const MAX_HELD: usize = 32 * 1024;

/// Output that is held back; nothing where none is.
static HELD: Mutex<Option<Vec<u8>>> = Mutex::new(None);

/// From now on. Whoever ends the guest takes what is held.
pub fn hold_output() {
    *held() = Some(Vec::new());
}

pub fn take_held() -> Vec<u8> {
    held().as_mut().map(std::mem::take).unwrap_or_default()
}

fn held() -> std::sync::MutexGuard<'static, Option<Vec<u8>>> {
    HELD.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// `false` if it has to go out itself, and is the next to.
fn hold(bytes: &[u8]) -> io::Result<bool> {
    let before = match held().as_mut() {
        None => return Ok(false),
        Some(all) if all.len() + bytes.len() <= MAX_HELD => {
            all.extend_from_slice(bytes);
            return Ok(true);
        }
        Some(all) => std::mem::take(all),
    };
    write_all(OUTPUT, &before)?;
    Ok(false)
}

fn flush_held() -> io::Result<()> {
    let bytes = take_held();
    write_all(OUTPUT, &bytes)
}

fn write_all(fd: RawFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        bytes = &bytes[write_some(fd, bytes)?..];
    }
    Ok(())
}

fn write_some(fd: RawFd, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: the bytes are borrowed for the call.
    retried(fd, libc::POLLOUT, || unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) })
}

fn ready(fd: RawFd, event: i16, timeout_ms: i32) -> bool {
    let mut watched = libc::pollfd { fd, events: event, revents: 0 };
    // SAFETY: one entry, ours.
    unsafe { libc::poll(&mut watched, 1, timeout_ms) > 0 }
}

fn retried(fd: RawFd, event: i16, mut call: impl FnMut() -> isize) -> io::Result<usize> {
    loop {
        let count = call();
        if count >= 0 {
            return Ok(count as usize);
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EINTR) => {}
            Some(libc::EAGAIN) => {
                ready(fd, event, -1);
            }
            _ => return Err(error),
        }
    }
}

/// What comes in, and who is told when more is wanted.
#[derive(Debug)]
pub struct Input {
    fd: RawFd,
    status: Option<Status>,
    read: AtomicU64,
    whole: OnceLock<Vec<u8>>,
}

impl Input {
    /// `status`: told before each wait.
    pub fn new(fd: RawFd, status: Option<Status>) -> Arc<Input> {
        Arc::new(Input { fd, status, read: AtomicU64::new(0), whole: OnceLock::new() })
    }

    /// Called before a wait.
    fn announce(&self) {
        let Some(status) = self.status else { return };
        let _ = flush_held(); // a parent that is gone is noticed by whoever reads
        crate::memory::forget_refusal();
        if !HUSHED.load(Ordering::Relaxed) {
            status.send(&["waiting", &self.read.load(Ordering::Relaxed).to_string()]);
        }
    }

    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        // SAFETY: the buffer is ours for the call.
        let mut receive = |flags| unsafe { libc::recv(self.fd, buffer.as_mut_ptr().cast(), buffer.len(), flags) };
        let mut count = if self.status.is_some() { receive(libc::MSG_DONTWAIT) } else { -1 };
        if count < 0 {
            // Nothing is there, or what is wrong is found again.
            self.announce();
            count = retried(self.fd, libc::POLLIN, || receive(0))? as isize;
        }
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count as usize)
    }

    /// All of it, up to the end; waits for that.
    pub fn whole(&self) -> &[u8] {
        self.whole.get_or_init(|| {
            let mut all = Vec::new();
            let mut part = vec![0u8; 64 * 1024];
            while let Ok(count) = self.read(&mut part) {
                if count == 0 {
                    break;
                }
                all.extend_from_slice(&part[..count]);
            }
            all
        })
    }
}

#[derive(Debug)]
enum End {
    Input(Arc<Input>),
    /// The same bytes as the input file has, from its own place in them.
    WholeInput(Arc<Input>, usize),
    Output,
}

/// What the parts of one call may be together to go out as one.
const MAX_PENDING: usize = 64 * 1024;

/// One of the streams 0 to 2.
#[derive(Debug)]
pub struct Stream {
    fd: RawFd,
    number: u32,
    end: End,
    /// What the call under way has written: wasmer-wasix ends every call on a standard stream by a flush.
    pending: Vec<u8>,
}

impl Stream {
    pub fn input(input: &Arc<Input>, stdin_file: bool) -> Box<Stream> {
        let end = if stdin_file { End::WholeInput(input.clone(), 0) } else { End::Input(input.clone()) };
        Box::new(Stream { fd: input.fd, number: 0, end, pending: Vec::new() })
    }
    pub fn output(fd: RawFd, number: u32) -> Box<Stream> {
        Box::new(Stream { fd, number, end: End::Output, pending: Vec::new() })
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        if self.fd == OUTPUT && hold(bytes)? {
            return Ok(bytes.len());
        }
        write_some(self.fd, bytes)
    }

    fn write_pending(&mut self) -> io::Result<()> {
        let pending = std::mem::take(&mut self.pending);
        if self.fd != OUTPUT || !hold(&pending)? {
            write_all(self.fd, &pending)?;
        }
        self.pending = pending;
        self.pending.clear();
        Ok(())
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.end {
            End::Input(input) => match input.read(buffer.initialize_unfilled()) {
                Ok(count) => buffer.advance(count),
                Err(error) => return Poll::Ready(Err(error)),
            },
            End::WholeInput(input, place) => {
                let rest = &input.whole()[*place..];
                let count = rest.len().min(buffer.remaining());
                buffer.put_slice(&rest[..count]);
                *place += count;
            }
            End::Output => return Poll::Ready(Err(io::ErrorKind::PermissionDenied.into())),
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if !matches!(self.end, End::Output) {
            return Poll::Ready(Err(io::ErrorKind::PermissionDenied.into()));
        }
        if self.pending.len() + bytes.len() <= MAX_PENDING {
            self.pending.extend_from_slice(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        let before = self.write_pending();
        Poll::Ready(before.and_then(|()| self.write(bytes)))
    }
    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.write_pending())
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncSeek for Stream {
    fn start_seek(self: Pin<&mut Self>, _: io::SeekFrom) -> io::Result<()> {
        Err(io::Error::from_raw_os_error(libc::ESPIPE))
    }
    fn poll_complete(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Poll::Ready(Err(io::Error::from_raw_os_error(libc::ESPIPE)))
    }
}

impl VirtualFile for Stream {
    fn last_accessed(&self) -> u64 {
        0
    }
    fn last_modified(&self) -> u64 {
        0
    }
    fn created_time(&self) -> u64 {
        0
    }
    fn size(&self) -> u64 {
        0
    }
    fn set_len(&mut self, _: u64) -> virtual_fs::Result<()> {
        Err(FsError::PermissionDenied)
    }
    fn unlink(&mut self) -> virtual_fs::Result<()> {
        Ok(())
    }
    fn get_special_fd(&self) -> Option<u32> {
        Some(self.number)
    }
    fn poll_read_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        const SOME: usize = 8192;
        let End::Input(input) = &self.end else { return Poll::Ready(Ok(SOME)) };
        if ready(self.fd, libc::POLLIN, 0) {
            return Poll::Ready(Ok(SOME));
        }
        input.announce();
        let (waker, fd) = (context.waker().clone(), self.fd);
        tokio::task::spawn_blocking(move || {
            ready(fd, libc::POLLIN, -1);
            waker.wake();
        });
        Poll::Pending
    }
    fn poll_write_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(8192))
    }
}
