//! Where a guest may connect to and listen, checked on the address that is really used.
//!
//! Never, whatever the mode: Fiso itself (the block that private guest addresses come from, and its own ports on any local
//! address). Only if listed: link-local and metadata addresses. A port that the guest listens on is one that the setup maps,
//! and lands where the setup says, whatever address the guest asked for. A refused attempt gets the errno and is told once.
use std::collections::HashSet;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use virtual_net::{
    DynVirtualNetworking, NetworkError, Result, VirtualNetworking, VirtualTcpBoundSocket, VirtualTcpListener, VirtualTcpSocket, host,
};

use crate::channel::Status;
use crate::setup::{NetworkMode, NetworkSetup};
use crate::sockets::{Permit, Sockets, counted_listener, counted_socket};

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

impl Host {
    /// Of IPv4 addresses, if those are what it holds.
    fn block(ip: IpAddr, bits: u8) -> Host {
        let mapped = ip.is_ipv6() && ip.to_canonical().is_ipv4();
        match mapped {
            true if bits >= 96 => Host::Block(ip.to_canonical(), bits - 96),
            _ => Host::Block(ip, bits),
        }
    }
}

impl Allowed {
    /// Entries were checked by the parent; one that makes no sense allows nothing.
    fn parse(text: &str) -> Option<Allowed> {
        let (host, port) = text.rsplit_once(':')?;
        let port = if port == "*" { None } else { Some(port.parse().ok()?) };
        let plain = host.replace(['[', ']'], ""); // around IPv6 addresses, the bits of a block being outside
        let (ip, bits) = plain.split_once('/').map_or((plain.as_str(), None), |(ip, bits)| (ip, Some(bits)));
        let host = match ip.parse::<IpAddr>() {
            Ok(ip) => Host::block(ip, bits.map_or(Some(128), |bits| bits.parse().ok())?),
            Err(_) if bits.is_none() => Host::Name(plain.to_ascii_lowercase()),
            Err(_) => return None,
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

/// How an IPv6 address carries an IPv4 one: the block, the byte it begins at, and what its bits are flipped by.
const CARRIERS: [(Ipv6Addr, u8, usize, u8); 6] = [
    (Ipv6Addr::UNSPECIFIED, 96, 12, 0),                              // IPv4-compatible: RFC 4291
    (Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96, 12, 0),         // translated: RFC 2765
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96, 12, 0),      // NAT64: RFC 6052
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, 12, 0),      // NAT64 of this network: RFC 8215
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, 2, 0),          // 6to4: RFC 3056
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, 12, 0xff),      // Teredo: RFC 4380
];

/// The IPv4 address that an IPv6 one leads to, or the address itself.
fn carried(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(plain) = ip.to_canonical() else { return ip.to_canonical() };
    if plain.is_loopback() || plain.is_unspecified() {
        return plain.into();
    }
    let carrier = CARRIERS.iter().find(|(block, bits, ..)| in_block(plain.into(), (*block).into(), *bits));
    let Some((_, _, at, flip)) = carrier else { return plain.into() };
    let bytes: [u8; 4] = std::array::from_fn(|i| plain.octets()[at + i] ^ flip);
    Ipv4Addr::from(bytes).into()
}

/// Addresses that hand out credentials to whoever asks from this machine, as src/net/address_rules.cc knows them too.
fn is_link_local_or_metadata(ip: IpAddr) -> bool {
    const METADATA_V4: [Ipv4Addr; 3] = [
        Ipv4Addr::new(100, 100, 100, 200), // Alibaba
        Ipv4Addr::new(168, 63, 129, 16),   // Azure
        Ipv4Addr::new(192, 0, 0, 192),     // Oracle
    ];
    const METADATA_V6: [Ipv6Addr; 3] = [
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),        // Amazon
        Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),         // Google
        Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe),   // Oracle
    ];
    match ip {
        IpAddr::V4(ip) => ip.is_link_local() || METADATA_V4.contains(&ip),
        IpAddr::V6(ip) => ip.is_unicast_link_local() || METADATA_V6.contains(&ip),
    }
}

/// One that reaches this machine: a datagram socket can be bound to it.
fn is_local(ip: IpAddr) -> bool {
    ip.is_loopback() || ip.is_unspecified() || may_be_ours(UdpSocket::bind((ip, 0)).map(drop))
}

/// Only the system can say that an address is another's. Where it cannot be asked, for want of descriptors, which the guest has a hand
/// in, or of memory, the address may be ours.
fn may_be_ours(bound: std::io::Result<()>) -> bool {
    !bound.is_err_and(|error| error.kind() == ErrorKind::AddrNotAvailable)
}

#[derive(Debug)]
struct Rules {
    setup: NetworkSetup,
    allowed: Vec<Allowed>,
    status: Status,
    told: Mutex<HashSet<String>>,
    resolved: Mutex<Resolved>,
    sockets: Sockets,
}

#[derive(Debug, Default)]
struct Resolved {
    addresses: HashSet<(IpAddr, Option<u16>)>,
    looked_at: Option<Instant>,
}

impl Rules {
    fn new(setup: &NetworkSetup, status: Status) -> Rules {
        let allowed = setup.allow.iter().filter_map(|text| Allowed::parse(text)).collect();
        let sockets = Sockets::new(setup.sockets);
        Rules { setup: setup.clone(), allowed, status, told: Mutex::default(), resolved: Mutex::default(), sockets }
    }

    fn refuse<T>(&self, what: String) -> Result<T> {
        let mut told = self.told.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if told.len() < MAX_TOLD && told.insert(what.clone()) {
            self.status.send(&["denied", &what]);
        }
        Err(NetworkError::PermissionDenied)
    }

    /// IPv4 in IPv6's clothes is judged as IPv4. What an address leads to may refuse it, but only the address itself is listed.
    fn may_connect(&self, peer: SocketAddr) -> bool {
        let ip = peer.ip().to_canonical();
        let either = |is: fn(IpAddr) -> bool| is(ip) || is(carried(ip));
        let own = either(is_guest_address) || (self.setup.refused_ports.contains(&peer.port()) && either(is_local));
        if own {
            return false;
        }
        match self.setup.mode {
            NetworkMode::None => false,
            NetworkMode::AllowList => self.is_listed(ip, peer.port()),
            NetworkMode::Open => !either(is_link_local_or_metadata) || self.is_listed(ip, peer.port()),
        }
    }

    fn is_listed(&self, ip: IpAddr, port: u16) -> bool {
        let by_address = self.allowed.iter().any(|entry| match entry.host {
            Host::Block(block, bits) => entry.covers_port(port) && in_block(ip, block, bits),
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
        self.bind_tcp(address, only_v6, reuse_port, reuse_addr).await?.listen()
    }
    async fn bind_tcp(&self, address: SocketAddr, only_v6: bool, reuse_port: bool, reuse_addr: bool) -> Result<Box<dyn VirtualTcpBoundSocket + Sync>> {
        // Port 0 is for a connection out; listening on it is refused below.
        let connects = address.port() == 0;
        let place = if connects { address } else { self.rules.place_of(address)? };
        let permit = self.rules.sockets.open()?;
        if !connects {
            self.rules.sockets.take_port(address, only_v6, reuse_port, &permit)?;
        }
        let inner = self.inner.bind_tcp(place, only_v6, reuse_port, reuse_addr).await?;
        Ok(Box::new(BoundSocket { inner, asked: address, permit, rules: self.rules.clone() }))
    }
    async fn connect_tcp(&self, address: SocketAddr, peer: SocketAddr) -> Result<Box<dyn VirtualTcpSocket + Sync>> {
        self.rules.check_connect(peer)?;
        let permit = self.rules.sockets.open()?;
        Ok(counted_socket(self.inner.connect_tcp(address, peer).await?, permit))
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
    permit: Arc<Permit>,
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
        Ok(counted_listener(listener, self.permit.clone()))
    }
    fn connect(&mut self, peer: SocketAddr) -> Result<Box<dyn VirtualTcpSocket + Sync>> {
        self.rules.check_connect(peer)?;
        Ok(counted_socket(self.inner.connect(peer)?, self.permit.clone()))
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

    /// The table that the rules of src/net/address_rules.cc are held to as well.
    fn known_addresses() -> Vec<(IpAddr, &'static str)> {
        let table = include_str!("../../../tests/data/addresses.txt");
        let lines = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(|line| line.split_once(char::is_whitespace).unwrap()).map(|(ip, kind)| (ip.parse().unwrap(), kind.trim())).collect()
    }

    #[test]
    fn what_gives_away_credentials_is_refused_however_it_is_written() {
        let rules = rules(NetworkMode::Open, &[]);
        let known = known_addresses();
        assert!(known.len() > 80);
        for (ip, kind) in known {
            let refused = ["link-local", "metadata"].contains(&kind) || is_guest_address(carried(ip));
            assert_eq!(may(&rules, &SocketAddr::new(ip, 80).to_string()), !refused, "{ip} {kind}");
        }
    }

    #[test]
    fn fiso_is_refused_however_it_is_written() {
        let rules = rules(NetworkMode::AllowList, &["0.0.0.0/0:*", "[::]/0:*"]);
        for peer in [
            "[::ffff:0:127.0.0.1]:9090", "[::127.0.0.1]:9090", "[64:ff9b::7f00:1]:9090", "[64:ff9b:1::7f00:1]:9090", "[2002:7f00:1::]:9090",
            "[2001:0:4136:e378:8000:63bf:80ff:fffe]:9090", "[64:ff9b::7f40:1]:80", "[2002:7f7f:304::1]:80", "[::127.64.0.1]:80",
        ] {
            assert!(!may(&rules, peer), "{peer}");
        }
        assert!(may(&rules, "[64:ff9b::7f00:1]:9091"));
    }

    #[test]
    fn an_address_that_leads_to_a_listed_one_is_not_listed() {
        let rules = rules(NetworkMode::AllowList, &["10.0.0.0/8:*", "169.254.169.254:80"]);
        assert!(may(&rules, "[::ffff:10.1.2.3]:80"));
        for peer in ["[2002:a01:203::1]:80", "[64:ff9b::a01:203]:80", "[64:ff9b::a9fe:a9fe]:80"] {
            assert!(!may(&rules, peer), "{peer}");
        }
        assert!(may(&self::rules(NetworkMode::Open, &["[64:ff9b::]/96:*"]), "[64:ff9b::a9fe:a9fe]:80"));
    }

    #[test]
    fn what_is_listed_is_allowed_even_link_local() {
        let rules = rules(NetworkMode::Open, &["169.254.169.254:80"]);
        assert!(may(&rules, "169.254.169.254:80"));
        assert!(!may(&rules, "169.254.169.254:81"));
    }

    #[test]
    fn a_list_allows_blocks_ports_and_names() {
        let listed = ["10.0.0.0/8:*", "192.0.2.1:443", "[2001:db8::]/32:80", "[2001:db9::1]:443", "[::ffff:192.168.7.0]/120:*", "localhost:6379"];
        let rules = rules(NetworkMode::AllowList, &listed);
        assert!(may(&rules, "10.200.3.4:1234"));
        assert!(may(&rules, "192.0.2.1:443"));
        assert!(may(&rules, "127.0.0.1:6379"));
        assert!(may(&rules, "[2001:db8:1::1]:80"));
        assert!(may(&rules, "[2001:db9::1]:443"));
        assert!(may(&rules, "192.168.7.9:1"));
        for peer in ["[2001:db9::]:80", "[2001:db8:1::1]:81", "[2001:db9::2]:443", "192.168.8.9:1", "11.0.0.1:1234", "192.0.2.1:80", "192.0.2.2:443", "127.0.0.1:6380"] {
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
    fn an_address_that_cannot_be_asked_about_may_be_ours() {
        let bound = |error| may_be_ours(Err(std::io::Error::from_raw_os_error(error)));
        assert!(!bound(libc::EADDRNOTAVAIL));
        for error in [libc::EMFILE, libc::ENFILE, libc::ENOMEM, libc::EACCES, libc::EADDRINUSE] {
            assert!(bound(error), "{error}");
        }
        assert!(may_be_ours(Ok(())));
    }

    #[test]
    fn none_is_none() {
        assert!(!may(&rules(NetworkMode::None, &[]), "93.184.216.34:80"));
    }
}
