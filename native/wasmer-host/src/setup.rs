//! What the parent wants run: the words of the setup message as a struct.
//!
//! Every entry is a key and a fixed number of values: see `parse`. Bounds and defaults are the parent's business.
use std::net::SocketAddr;

use anyhow::{Context, Result, bail};

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Kind {
    /// Serves `run` messages, a child each.
    ForkServer,
    /// Runs the guest itself: stdio on 0 to 2, the control socket is the status socket too.
    #[default]
    Alone,
}

#[derive(Clone, Debug)]
pub struct Mount {
    pub guest: String,
    pub host: String,
    pub read_only: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum NetworkMode {
    Open,
    AllowList,
    #[default]
    None,
}

/// `listen` of the configuration: a port as the guest calls it, and where it really is.
#[derive(Clone, Copy, Debug)]
pub struct Listen {
    pub guest_port: u16,
    pub host: SocketAddr,
}

#[derive(Clone, Default, Debug)]
pub struct NetworkSetup {
    pub mode: NetworkMode,
    pub dns: bool,
    pub allow: Vec<String>,
    pub refused_ports: Vec<u16>,
    pub listen: Vec<Listen>,
    /// That it may open itself.
    pub sockets: u64,
}

#[derive(Clone, Default, Debug)]
pub struct Setup {
    pub kind: Kind,
    pub name: String,
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
    pub mounts: Vec<Mount>,
    pub memory: u64,
    /// All files of the in-memory root together.
    pub files_memory: u64,
    /// How many files, directories and links it may hold.
    pub files: u64,
    pub stack: u64,
    pub threads: usize,
    pub descriptors: u64,
    pub stdin_file: bool,
    pub network: NetworkSetup,
}

impl Setup {
    pub fn parse(words: &[String]) -> Result<Setup> {
        let mut setup = Setup::default();
        let mut words = words.iter();
        while let Some(key) = words.next() {
            let mut value = || words.next().with_context(|| format!("setup: {key} without a value"));
            match key.as_str() {
                "kind" => setup.kind = parse_kind(value()?)?,
                "name" => setup.name = value()?.clone(),
                "arg" => setup.args.push(value()?.clone()),
                "env" => setup.env.push((value()?.clone(), value()?.clone())),
                "mount" => setup.mounts.push(Mount { read_only: value()? == "ro", guest: value()?.clone(), host: value()?.clone() }),
                "memory" => setup.memory = value()?.parse()?,
                "files-memory" => setup.files_memory = value()?.parse()?,
                "files" => setup.files = value()?.parse()?,
                "stack" => setup.stack = value()?.parse()?,
                "threads" => setup.threads = value()?.parse()?,
                "descriptors" => setup.descriptors = value()?.parse()?,
                "stdin-file" => setup.stdin_file = value()? == "yes",
                "network" => setup.network.mode = parse_mode(value()?)?,
                "dns" => setup.network.dns = value()? == "yes",
                "allow" => setup.network.allow.push(value()?.clone()),
                "refuse-port" => setup.network.refused_ports.push(value()?.parse()?),
                "sockets" => setup.network.sockets = value()?.parse()?,
                "listen" => setup.network.listen.push(Listen { guest_port: value()?.parse()?, host: value()?.parse()? }),
                _ => bail!("setup: unknown key {key}"),
            }
        }
        Ok(setup)
    }
}

fn parse_kind(text: &str) -> Result<Kind> {
    match text {
        "fork-server" => Ok(Kind::ForkServer),
        "alone" => Ok(Kind::Alone),
        _ => bail!("setup: unknown kind {text}"),
    }
}

fn parse_mode(text: &str) -> Result<NetworkMode> {
    match text {
        "open" => Ok(NetworkMode::Open),
        "allowlist" => Ok(NetworkMode::AllowList),
        "none" => Ok(NetworkMode::None),
        _ => bail!("setup: unknown network mode {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn every_entry_has_its_place() {
        let setup = Setup::parse(&words(
            "kind fork-server name a.wasm arg x env K V mount ro /g /h memory 65536 stack 131072 threads 4 network allowlist dns yes \
             allow db:5432 refuse-port 9090 sockets 8 listen 8080 127.64.0.1:9001",
        ))
        .unwrap();
        assert_eq!(setup.kind, Kind::ForkServer);
        assert_eq!(setup.env, [("K".to_owned(), "V".to_owned())]);
        assert!(setup.mounts[0].read_only);
        assert_eq!(setup.stack, 131072);
        assert_eq!(setup.network.mode, NetworkMode::AllowList);
        assert_eq!(setup.network.sockets, 8);
        assert_eq!(setup.network.listen[0].host.to_string(), "127.64.0.1:9001");
    }

    #[test]
    fn an_unknown_key_or_a_missing_value_is_an_error() {
        assert!(Setup::parse(&words("colour blue")).is_err());
        assert!(Setup::parse(&words("memory")).is_err());
        assert!(Setup::parse(&words("memory much")).is_err());
    }
}
