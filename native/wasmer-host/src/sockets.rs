//! The sockets that a guest opens: how many, and which of its ports they have.
//!
//! A socket counts from where the kernel knows it, bound or connecting, to where it is closed. Those that are accepted do not: whoever
//! connects is let in by the parent, and they are bounded by the descriptors.
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use virtual_net::{
    InterestHandler, NetworkError, Result, SocketStatus, VirtualConnectedSocket, VirtualIoSource, VirtualSocket, VirtualTcpListener,
    VirtualTcpSocket,
};

/// Of one socket, as long as it or what has become of it is there.
#[derive(Debug)]
pub struct Permit {
    open: Arc<AtomicU64>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Taken {
    asked: SocketAddr,
    only_v6: bool,
    reuse_port: bool,
    by: Weak<Permit>,
}

impl Taken {
    /// Where the system would not let both be: what the guest asked for, not the one address where all of it really lands.
    fn is_in_the_way_of(&self, asked: SocketAddr, only_v6: bool, reuse_port: bool) -> bool {
        let covers = |one: IpAddr, only_v6: bool, other: IpAddr| match (one.is_unspecified(), one.is_ipv6() == other.is_ipv6()) {
            (true, true) => true,
            (true, false) => one.is_ipv6() && !only_v6,
            _ => false,
        };
        let (mine, its) = (self.asked.ip(), asked.ip());
        let overlap = mine.to_canonical() == its.to_canonical() || covers(mine, self.only_v6, its) || covers(its, only_v6, mine);
        self.asked.port() == asked.port() && overlap && !(self.reuse_port && reuse_port)
    }
}

#[derive(Debug, Default)]
pub struct Sockets {
    most: u64,
    open: Arc<AtomicU64>,
    taken: Mutex<Vec<Taken>>,
}

impl Sockets {
    pub fn new(most: u64) -> Sockets {
        Sockets { most, ..Sockets::default() }
    }

    pub fn open(&self) -> Result<Arc<Permit>> {
        let permit = Permit { open: self.open.clone() };
        match self.open.fetch_add(1, Ordering::Relaxed) < self.most {
            true => Ok(Arc::new(permit)),
            false => Err(NetworkError::TooManyOpenFiles),
        }
    }

    /// The port is the socket's until it is closed.
    pub fn take_port(&self, asked: SocketAddr, only_v6: bool, reuse_port: bool, permit: &Arc<Permit>) -> Result<()> {
        let mut taken = self.taken.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        taken.retain(|one| one.by.strong_count() > 0);
        if taken.iter().any(|one| one.is_in_the_way_of(asked, only_v6, reuse_port)) {
            return Err(NetworkError::AddressInUse);
        }
        taken.push(Taken { asked, only_v6, reuse_port, by: Arc::downgrade(permit) });
        Ok(())
    }
}

/// Another's, with the permit that ends with it.
#[derive(Debug)]
pub struct Counted<S> {
    pub inner: S,
    _permit: Arc<Permit>,
}

pub fn counted_listener(inner: Box<dyn VirtualTcpListener + Sync>, permit: Arc<Permit>) -> Box<dyn VirtualTcpListener + Sync> {
    Box::new(Counted { inner, _permit: permit })
}

pub fn counted_socket(inner: Box<dyn VirtualTcpSocket + Sync>, permit: Arc<Permit>) -> Box<dyn VirtualTcpSocket + Sync> {
    Box::new(Counted { inner, _permit: permit })
}

type Listener = Counted<Box<dyn VirtualTcpListener + Sync>>;
type Stream = Counted<Box<dyn VirtualTcpSocket + Sync>>;

/// Methods that do nothing but ask the inner one.
macro_rules! delegate {
    ($($name:ident(&mut self $(, $argument:ident: $type:ty)*) $(-> $result:ty)?;)* ; $($getter:ident(&self) -> $got:ty;)*) => {
        $(fn $name(&mut self $(, $argument: $type)*) $(-> $result)? { self.inner.$name($($argument),*) })*
        $(fn $getter(&self) -> $got { self.inner.$getter() })*
    };
}

impl VirtualIoSource for Listener {
    delegate! {
        remove_handler(&mut self);
        poll_read_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<usize>>;
        poll_write_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<usize>>;;
    }
}

impl VirtualTcpListener for Listener {
    delegate! {
        try_accept(&mut self) -> Result<(Box<dyn VirtualTcpSocket + Sync>, SocketAddr)>;
        set_handler(&mut self, handler: Box<dyn InterestHandler + Send + Sync>) -> Result<()>;
        set_ttl(&mut self, ttl: u8) -> Result<()>;;
        addr_local(&self) -> Result<SocketAddr>;
        ttl(&self) -> Result<u8>;
    }
}

impl VirtualIoSource for Stream {
    delegate! {
        remove_handler(&mut self);
        poll_read_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<usize>>;
        poll_write_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<usize>>;;
    }
}

impl VirtualSocket for Stream {
    delegate! {
        set_ttl(&mut self, ttl: u32) -> Result<()>;
        set_handler(&mut self, handler: Box<dyn InterestHandler + Send + Sync>) -> Result<()>;;
        ttl(&self) -> Result<u32>;
        addr_local(&self) -> Result<SocketAddr>;
        status(&self) -> Result<SocketStatus>;
        last_error(&self) -> Result<Option<NetworkError>>;
    }
}

impl VirtualConnectedSocket for Stream {
    delegate! {
        set_linger(&mut self, linger: Option<Duration>) -> Result<()>;
        try_send(&mut self, data: &[u8]) -> Result<usize>;
        try_flush(&mut self) -> Result<()>;
        close(&mut self) -> Result<()>;
        try_recv(&mut self, buffer: &mut [MaybeUninit<u8>], peek: bool) -> Result<usize>;;
        linger(&self) -> Result<Option<Duration>>;
    }
}

impl VirtualTcpSocket for Stream {
    delegate! {
        set_recv_buf_size(&mut self, size: usize) -> Result<()>;
        set_send_buf_size(&mut self, size: usize) -> Result<()>;
        set_nodelay(&mut self, on: bool) -> Result<()>;
        set_keepalive(&mut self, on: bool) -> Result<()>;
        set_dontroute(&mut self, on: bool) -> Result<()>;
        shutdown(&mut self, how: std::net::Shutdown) -> Result<()>;;
        recv_buf_size(&self) -> Result<usize>;
        send_buf_size(&self) -> Result<usize>;
        nodelay(&self) -> Result<bool>;
        keepalive(&self) -> Result<bool>;
        dontroute(&self) -> Result<bool>;
        addr_peer(&self) -> Result<SocketAddr>;
        is_closed(&self) -> bool;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_socket_too_many_is_refused_until_another_is_closed() {
        let sockets = Sockets::new(2);
        let (first, _second) = (sockets.open().unwrap(), sockets.open().unwrap());
        for _ in 0..3 {
            assert_eq!(sockets.open().unwrap_err(), NetworkError::TooManyOpenFiles);
        }
        drop(first);
        assert!(sockets.open().is_ok());
    }

    fn second(first: (&str, bool, bool), second: (&str, bool, bool)) -> Result<()> {
        let sockets = Sockets::new(9);
        let (a, b) = (sockets.open().unwrap(), sockets.open().unwrap());
        sockets.take_port(first.0.parse().unwrap(), first.1, first.2, &a).unwrap();
        sockets.take_port(second.0.parse().unwrap(), second.1, second.2, &b)
    }

    #[test]
    fn a_port_is_taken_where_the_system_would_say_so() {
        for (a, b) in [("0.0.0.0:80", "0.0.0.0:80"), ("0.0.0.0:80", "127.0.0.1:80"), ("[::]:80", "0.0.0.0:80"), ("[::ffff:1.2.3.4]:80", "1.2.3.4:80")] {
            for (a, b) in [(a, b), (b, a)] {
                assert_eq!(second((a, false, false), (b, false, false)), Err(NetworkError::AddressInUse), "{a} {b}");
                assert_eq!(second((a, false, true), (b, false, false)), Err(NetworkError::AddressInUse), "{a} {b}");
                assert_eq!(second((a, false, true), (b, false, true)), Ok(()), "{a} {b}");
            }
        }
        for (a, b) in [("0.0.0.0:80", "0.0.0.0:81"), ("127.0.0.1:80", "127.0.0.2:80"), ("0.0.0.0:80", "[::1]:80")] {
            assert_eq!(second((a, false, false), (b, false, false)), Ok(()), "{a} {b}");
        }
        assert_eq!(second(("0.0.0.0:80", false, false), ("[::]:80", true, false)), Ok(()));
        assert_eq!(second(("[::]:80", true, false), ("0.0.0.0:80", false, false)), Ok(()));
    }

    #[test]
    fn a_port_is_free_once_its_socket_is_closed() {
        let sockets = Sockets::new(9);
        let address = "0.0.0.0:80".parse().unwrap();
        for _ in 0..2 {
            let permit = sockets.open().unwrap();
            assert_eq!(sockets.take_port(address, false, false, &permit), Ok(()));
        }
    }
}
