//! Adds `"wasm_enriched": true` to a payload that is an object, and the header X-Wasm-Enriched. Standard library only.
use std::io::{stdin, stdout, Read, Write};

/// Where the JSON value that begins at `start` ends: the host sends valid JSON.
fn end_of_value(text: &[u8], start: usize) -> usize {
    let (mut depth, mut in_string, mut at) = (0, false, start);
    while at < text.len() {
        match text[at] {
            b'\\' if in_string => at += 1,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string && depth > 0 => depth -= 1,
            b',' | b'}' if !in_string && depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    at
}

/// The value of a member of the outermost object, byte for byte. Names are taken as they are written.
fn member<'a>(text: &'a str, name: &str) -> &'a str {
    let mut at = 0;
    while let Some((begin, rest)) = text[at..].split_once('"').map(|(before, rest)| (at + before.len() + 1, rest)) {
        let (found, after) = match rest.split_once('"') {
            Some(parts) => parts,
            None => break,
        };
        let value = begin + found.len() + 1 + after.find(':').map_or(after.len(), |colon| colon + 1);
        let end = end_of_value(text.as_bytes(), value);
        if found == name {
            return text[value..end].trim();
        }
        at = end;
    }
    "null"
}

/// An object with one member more, in front; other values as they are.
fn with_member(object: &str, member: &str) -> String {
    match object.strip_prefix('{').map(str::trim_start) {
        Some("}") => format!("{{{member}}}"),
        Some(rest) => format!("{{{member},{rest}"),
        None => object.to_owned(),
    }
}

fn main() -> std::io::Result<()> {
    let mut envelope = String::new();
    stdin().read_to_string(&mut envelope)?;
    let payload = with_member(member(&envelope, "payload"), "\"wasm_enriched\":true");
    let headers = match member(&envelope, "headers") {
        "null" => "{}",
        object => object,
    };
    let headers = with_member(headers, "\"X-Wasm-Enriched\":\"true\"");
    stdout().write_all(format!("{{\"payload\":{payload},\"headers\":{headers}}}").as_bytes())
}
