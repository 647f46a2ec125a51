//! Adds "seen": true to an event that is an object, and the header X-Seen-By.
mod json;

use std::io::{stdin, Read};

/// An object with one member more, in front; other values as they are.
fn with_member(value: &str, member: &str) -> String {
    match value.strip_prefix('{').map(str::trim_start) {
        Some("}") => format!("{{{}}}", member),
        Some(rest) => format!("{{{},{}", member, rest),
        None => value.to_owned(),
    }
}

fn main() -> std::io::Result<()> {
    let mut event = String::new();
    stdin().read_to_string(&mut event)?;
    let payload = with_member(json::member(&event, "payload"), "\"seen\":true");
    println!("{{\"payload\":{},\"headers\":{{\"X-Seen-By\":\"@NAME@\"}}}}", payload);
    Ok(())
}
