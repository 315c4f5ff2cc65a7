//! The process's memory holds the secret's first value for a while: nobody is to find it there.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Has a crash leave no core file, and on Linux has no other process of the same user read this one's memory. What the
/// system refuses is left as it is: no command is worth less for it.
pub fn seal() {
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    // A core file that goes to a pipe, as to systemd's collector, knows no limit of size.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
