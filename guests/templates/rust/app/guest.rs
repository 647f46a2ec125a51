//! Answers /hello, and /echo with what came in.
mod json;

use std::io::{stdin, Read};

fn main() -> std::io::Result<()> {
    let mut request = String::new();
    stdin().read_to_string(&mut request)?;
    match json::member(&request, "path") {
        "\"/hello\"" => println!("{{\"status\":200,\"body\":{{\"greeting\":\"hello\"}}}}"),
        "\"/echo\"" => println!("{{\"status\":200,\"body\":{{\"received\":{}}}}}", json::member(&request, "body")),
        _ => println!("{{\"status\":404,\"body\":{{\"error\":\"no such page\"}}}}"),
    }
    Ok(())
}
