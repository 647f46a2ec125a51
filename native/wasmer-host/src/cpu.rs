//! The CPU features that compiled code may use here.
use wasmer::sys::CpuFeature;

pub fn features() -> String {
    let mut names: Vec<String> = CpuFeature::for_host().iter().map(|feature| feature.to_string()).collect();
    names.sort();
    format!("{} {}", std::env::consts::ARCH, names.join("+"))
}
