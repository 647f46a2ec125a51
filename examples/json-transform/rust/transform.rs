//! Adds "total", price times quantity, to an order. The standard library alone, so that rustc is enough to build it; a program of more
//! than a page would take serde_json and be built by cargo.
use std::io::{stdin, Read};

/// What follows `"name":` as a whole number; 0 if there is none.
fn number(json: &str, name: &str) -> i64 {
    let quoted = format!("\"{}\"", name);
    let value = json.split_once(&quoted).map_or("", |(_, rest)| rest.trim_start().trim_start_matches(':').trim_start());
    let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    value[..end].parse().unwrap_or(0)
}

/// The object that follows `"payload":`, without its opening brace. The orders of this example have no braces in their texts.
fn inside_of_payload(json: &str) -> Option<&str> {
    let (_, rest) = json.split_once("\"payload\"")?;
    let object = &rest[rest.find('{')? + 1..];
    Some(&object[..object.find('}')?])
}

fn main() -> std::io::Result<()> {
    let mut event = String::new();
    stdin().read_to_string(&mut event)?;
    let payload = inside_of_payload(&event).expect("an order is an object");
    let total = number(payload, "price") * number(payload, "quantity");
    println!("{{\"payload\":{{\"total\":{},{}}},\"headers\":{{\"X-Transformed-By\":\"Rust\"}}}}", total, payload);
    Ok(())
}
