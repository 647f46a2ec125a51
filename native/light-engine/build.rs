//! Copies Wasmtime's C headers, generated configuration included, to the directory that CMake names.
use std::{env, fs, io, path::Path};

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn main() {
    println!("cargo:rerun-if-env-changed=FISO_ENGINE_INCLUDE");
    // Set by wasmtime-c-api-impl's own build script (links = "wasmtime-c-api").
    let headers = env::var("DEP_WASMTIME_C_API_INCLUDE").expect("wasmtime-c-api-impl names its headers");
    println!("cargo:rerun-if-changed={headers}");
    if let Ok(target) = env::var("FISO_ENGINE_INCLUDE") {
        copy_tree(Path::new(&headers), Path::new(&target)).expect("headers can be copied");
    }
}
