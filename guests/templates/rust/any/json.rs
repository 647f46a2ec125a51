//! Finds members of a JSON object without a library: a value is a slice of the text, which the host has checked. A guest of more than a
//! page would take serde_json, and be built by cargo.

/// Where the name or value that begins at `start` ends: at what follows it.
fn end_of(text: &[u8], start: usize) -> usize {
    let (mut depth, mut in_string, mut at) = (0, false, start);
    while at < text.len() {
        match text[at] {
            b'\\' if in_string => at += 1,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 0 => depth -= 1,
            b',' | b':' | b'}' | b']' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// The value of a member, byte for byte; "null" if there is none. Names are compared as they are written.
pub fn member<'a>(object: &'a str, name: &str) -> &'a str {
    let inside = match object.trim_start().strip_prefix('{') {
        Some(inside) => inside,
        None => return "null",
    };
    let mut at = 0;
    while at < inside.len() {
        let colon = end_of(inside.as_bytes(), at);
        if !inside[colon..].starts_with(':') {
            break;
        }
        let end = end_of(inside.as_bytes(), colon + 1);
        if inside[at..colon].trim().trim_matches('"') == name {
            return inside[colon + 1..end].trim();
        }
        at = end + 1;
    }
    "null"
}
