//! Where a guest may connect to and listen, checked on the address that is really used.
//!
//! Never, whatever the mode: Fiso itself (the block that private guest addresses come from, and its own ports on any local
//! address). Only if listed: link-local and metadata addresses. A port that the guest listens on is one that the setup maps,
//! and lands where the setup says, whatever address the guest asked for. A refused attempt gets the errno and is told once.
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use virtual_net::{
    DynVirtualNetworking, NetworkError, Result, VirtualNetworking, VirtualTcpBoundSocket, VirtualTcpListener, VirtualTcpSocket, host,
};

use crate::channel::Status;
use crate::setup::{NetworkMode, NetworkSetup};

/// A guest that scans the world shall not fill the log.
const MAX_TOLD: usize = 100;
/// How long what a listed name resolved to is believed.
const NAMES_KEPT: Duration = Duration::from_secs(30);

pub fn build(setup: &NetworkSetup, status: Status) -> DynVirtualNetworking {
    Arc::new(RuledNetwork { inner: host::LocalNetworking::new(), rules: Arc::new(Rules::new(setup, status)) })
}

/// One entry of `allow`: a name, an address or a block, with a port or `*`.
#[derive(Clone, Debug, PartialEq)]
struct Allowed {
    host: Host,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq)]
enum Host {
    Name(String),
    Block(IpAddr, u8),
}

impl Allowed {
    /// Entries were checked by the parent; one that makes no sense allows nothing.
    fn parse(text: &str) -> Option<Allowed> {
        let (host, port) = text.rsplit_once(':')?;
        let port = if port == "*" { None } else { Some(port.parse().ok()?) };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let host = match host.split_once('/') {
            Some((ip, bits)) => Host::Block(ip.parse().ok()?, bits.parse().ok()?),
            None => match host.parse::<IpAddr>() {
                Ok(ip) => Host::Block(ip, if ip.is_ipv4() { 32 } else { 128 }),
                Err(_) => Host::Name(host.to_ascii_lowercase()),
            },
        };
        Some(Allowed { host, port })
    }

    fn covers_port(&self, port: u16) -> bool {
        self.port.is_none_or(|own| own == port)
    }
}

fn in_block(ip: IpAddr, block: IpAddr, bits: u8) -> bool {
    match (ip, block) {
        (IpAddr::V4(ip), IpAddr::V4(block)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits.min(32))).unwrap_or(0);
            u32::from(ip) & mask == u32::from(block) & mask
        }
        (IpAddr::V6(ip), IpAddr::V6(block)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0);
            u128::from(ip) & mask == u128::from(block) & mask
        }
        _ => false,
    }
}

/// Where the private addresses of guests come from: 127.64.0.0/10.
fn is_guest_address(ip: IpAddr) -> bool {
    in_block(ip, Ipv4Addr::new(127, 64, 0, 0).into(), 10)
}

/// Addresses that hand out credentials to whoever asks from this machine.
fn is_link_local_or_metadata(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            ip.is_link_local() || ip == Ipv4Addr::new(100, 100, 100, 200) || ip == Ipv4Addr::new(168, 63, 129, 16)
        }
        IpAddr::V6(ip) => ip.is_unicast_link_local() || ip == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    }
}

/// One that reaches this machine: a datagram socket can be bound to it.
fn is_local(ip: IpAddr) -> bool {
    ip.is_loopback() || ip.is_unspecified() || UdpSocket::bind((ip, 0)).is_ok()
}

#[derive(Debug)]
struct Rules {
    setup: NetworkSetup,
    allowed: Vec<Allowed>,
    status: Status,
    told: Mutex<HashSet<String>>,
    resolved: Mutex<Resolved>,
}

#[derive(Debug, Default)]
struct Resolved {
    addresses: HashSet<(IpAddr, Option<u16>)>,
    looked_at: Option<Instant>,
}

impl Rules {
    fn new(setup: &NetworkSetup, status: Status) -> Rules {
        let allowed = setup.allow.iter().filter_map(|text| Allowed::parse(text)).collect();
        Rules { setup: setup.clone(), allowed, status, told: Mutex::default(), resolved: Mutex::default() }
    }

    fn refuse<T>(&self, what: String) -> Result<T> {
        let mut told = self.told.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if told.len() < MAX_TOLD && told.insert(what.clone()) {
            self.status.send(&["denied", &what]);
        }
        Err(NetworkError::PermissionDenied)
    }

    /// IPv4 in IPv6's clothes is judged as IPv4.
    fn may_connect(&self, peer: SocketAddr) -> bool {
        let ip = peer.ip().to_canonical();
        let own = is_guest_address(ip) || (self.setup.refused_ports.contains(&peer.port()) && is_local(ip));
        if own {
            return false;
        }
        match self.setup.mode {
            NetworkMode::None => false,
            NetworkMode::AllowList => self.is_listed(ip, peer.port()),
            NetworkMode::Open => !is_link_local_or_metadata(ip) || self.is_listed(ip, peer.port()),
        }
    }

    fn is_listed(&self, ip: IpAddr, port: u16) -> bool {
        let by_address = self.allowed.iter().any(|entry| match entry.host {
            Host::Block(block, bits) => entry.covers_port(port) && in_block(ip, block.to_canonical(), bits),
            Host::Name(_) => false,
        });
        by_address || self.is_listed_by_name(ip, port)
    }

    fn is_listed_by_name(&self, ip: IpAddr, port: u16) -> bool {
        let mut resolved = self.resolved.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let known = |resolved: &Resolved| resolved.addresses.contains(&(ip, Some(port))) || resolved.addresses.contains(&(ip, None));
        let fresh = resolved.looked_at.is_some_and(|at| at.elapsed() < NAMES_KEPT);
        if !fresh {
            resolved.addresses.clear();
            for entry in &self.allowed {
                let Host::Name(name) = &entry.host else { continue };
                let found = (name.as_str(), 0).to_socket_addrs().into_iter().flatten();
                resolved.addresses.extend(found.map(|address| (address.ip().to_canonical(), entry.port)));
            }
            resolved.looked_at = Some(Instant::now());
        }
        known(&resolved)
    }

    /// What the guest itself looks up counts at once, or a name with changing addresses would fail.
    fn note_resolved(&self, name: &str, found: &[IpAddr]) {
        let mut resolved = self.resolved.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for entry in &self.allowed {
            if matches!(&entry.host, Host::Name(listed) if listed.eq_ignore_ascii_case(name)) {
                resolved.addresses.extend(found.iter().map(|ip| (ip.to_canonical(), entry.port)));
            }
        }
    }

    fn check_connect(&self, peer: SocketAddr) -> Result<()> {
        if self.may_connect(peer) { Ok(()) } else { self.refuse(format!("connect to {peer}")) }
    }

    /// The setup may leave the port to the system: the parent has to know which one it became.
    fn tell_listening(&self, asked: SocketAddr, place: SocketAddr) {
        self.status.send(&["listening", &asked.port().to_string(), &place.to_string()]);
    }

    fn place_of(&self, asked: SocketAddr) -> Result<SocketAddr> {
        match self.setup.listen.iter().find(|listen| listen.guest_port == asked.port()) {
            Some(listen) => Ok(listen.host),
            None => self.refuse(format!("listen on port {}", asked.port())),
        }
    }
}

#[derive(Debug)]
struct RuledNetwork {
    inner: host::LocalNetworking,
    rules: Arc<Rules>,
}

#[async_trait::async_trait]
impl VirtualNetworking for RuledNetwork {
    async fn listen_tcp(&self, address: SocketAddr, only_v6: bool, reuse_port: bool, reuse_addr: bool) -> Result<Box<dyn VirtualTcpListener + Sync>> {
        let place = self.rules.place_of(address)?;
        let listener = self.inner.listen_tcp(place, only_v6, reuse_port, reuse_addr).await?;
        self.rules.tell_listening(address, listener.addr_local()?);
        Ok(listener)
    }
    async fn bind_tcp(&self, address: SocketAddr, only_v6: bool, reuse_port: bool, reuse_addr: bool) -> Result<Box<dyn VirtualTcpBoundSocket + Sync>> {
        // Port 0 is for a connection out; listening on it is refused below.
        let place = if address.port() == 0 { address } else { self.rules.place_of(address)? };
        let inner = self.inner.bind_tcp(place, only_v6, reuse_port, reuse_addr).await?;
        Ok(Box::new(BoundSocket { inner, asked: address, rules: self.rules.clone() }))
    }
    async fn connect_tcp(&self, address: SocketAddr, peer: SocketAddr) -> Result<Box<dyn VirtualTcpSocket + Sync>> {
        self.rules.check_connect(peer)?;
        self.inner.connect_tcp(address, peer).await
    }
    async fn resolve(&self, name: &str, port: Option<u16>, server: Option<IpAddr>) -> Result<Vec<IpAddr>> {
        if !self.rules.setup.dns {
            return self.rules.refuse(format!("look up {name}"));
        }
        let found = self.inner.resolve(name, port, server).await?;
        self.rules.note_resolved(name, &found);
        Ok(found)
    }
}

/// A guest may bind first and connect or listen later: it is the same rule.
#[derive(Debug)]
struct BoundSocket {
    inner: Box<dyn VirtualTcpBoundSocket + Sync>,
    asked: SocketAddr,
    rules: Arc<Rules>,
}

impl VirtualTcpBoundSocket for BoundSocket {
    fn addr_local(&self) -> Result<SocketAddr> {
        self.inner.addr_local()
    }
    fn listen(&mut self) -> Result<Box<dyn VirtualTcpListener + Sync>> {
        self.rules.place_of(self.asked)?;
        let listener = self.inner.listen()?;
        self.rules.tell_listening(self.asked, listener.addr_local()?);
        Ok(listener)
    }
    fn connect(&mut self, peer: SocketAddr) -> Result<Box<dyn VirtualTcpSocket + Sync>> {
        self.rules.check_connect(peer)?;
        self.inner.connect(peer)
    }
    fn set_ttl(&mut self, ttl: u32) -> Result<()> {
        self.inner.set_ttl(ttl)
    }
    fn ttl(&self) -> Result<u32> {
        self.inner.ttl()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(mode: NetworkMode, allow: &[&str]) -> Rules {
        let setup = NetworkSetup {
            mode,
            allow: allow.iter().map(|text| (*text).to_owned()).collect(),
            refused_ports: vec![9090],
            ..NetworkSetup::default()
        };
        Rules::new(&setup, Status::new(-1))
    }

    fn may(rules: &Rules, peer: &str) -> bool {
        rules.may_connect(peer.parse().unwrap())
    }

    #[test]
    fn open_reaches_the_world_but_neither_metadata_nor_fiso() {
        let rules = rules(NetworkMode::Open, &[]);
        assert!(may(&rules, "93.184.216.34:80"));
        assert!(may(&rules, "127.0.0.1:6379"));
        for peer in [
            "169.254.169.254:80", "[::ffff:169.254.169.254]:80", "100.100.100.200:80", "[fe80::1]:80", "[fd00:ec2::254]:80",
            "127.64.0.1:80", "127.127.255.255:1", "[::ffff:127.65.3.2]:80", "127.0.0.1:9090", "0.0.0.0:9090", "[::1]:9090", "[::]:9090",
        ] {
            assert!(!may(&rules, peer), "{peer}");
        }
    }

    #[test]
    fn what_is_listed_is_allowed_even_link_local() {
        let rules = rules(NetworkMode::Open, &["169.254.169.254:80"]);
        assert!(may(&rules, "169.254.169.254:80"));
        assert!(!may(&rules, "169.254.169.254:81"));
    }

    #[test]
    fn a_list_allows_blocks_ports_and_names() {
        let rules = rules(NetworkMode::AllowList, &["10.0.0.0/8:*", "192.0.2.1:443", "[2001:db8::]/32:80", "localhost:6379"]);
        assert!(may(&rules, "10.200.3.4:1234"));
        assert!(may(&rules, "192.0.2.1:443"));
        assert!(may(&rules, "127.0.0.1:6379"));
        for peer in ["11.0.0.1:1234", "192.0.2.1:80", "192.0.2.2:443", "127.0.0.1:6380"] {
            assert!(!may(&rules, peer), "{peer}");
        }
    }

    #[test]
    fn nothing_listed_or_not_reaches_fiso() {
        let rules = rules(NetworkMode::AllowList, &["127.0.0.0/8:*"]);
        assert!(may(&rules, "127.0.0.1:80"));
        assert!(!may(&rules, "127.64.0.1:80"));
        assert!(!may(&rules, "127.0.0.1:9090"));
    }

    #[test]
    fn none_is_none() {
        assert!(!may(&rules(NetworkMode::None, &[]), "93.184.216.34:80"));
    }
}
