//! Nobody finds the first value in what is left of a process, or reads it out of one that runs.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const CANARY: &str = "cAnArY-of-a-first-value";
/// Somebody who is not root.
const NOBODY: u32 = 65534;

/// A command that waits for a spec which never comes, with the canary in its memory. Core files are allowed to it.
fn waiting(command: &str, folder: &Path) -> Child {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -c unlimited; mkfifo spec; exec {command} spec")]);
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        shell.uid(NOBODY).gid(NOBODY);
    }
    shell.current_dir(folder).env("FIRST", CANARY).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = shell.spawn().unwrap();
    let name = Path::new(command.split(' ').next().unwrap()).file_name().unwrap().to_str().unwrap();
    let (stat, start) = (format!("/proc/{}/stat", child.id()), Instant::now());
    // Begun, and asleep.
    while !fs::read_to_string(&stat).unwrap().contains(&format!("({name}) S")) {
        assert!(start.elapsed() < Duration::from_secs(10), "{}", fs::read_to_string(&stat).unwrap());
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

fn deploy(folder: &Path) -> Child {
    fs::copy(env!("CARGO_BIN_EXE_deploy"), folder.join("deploy")).unwrap();
    waiting("./deploy validate", folder)
}

/// A folder that everybody may write to.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    folder
}

#[test]
fn a_process_that_runs_cannot_be_read_by_its_own_user_and_may_leave_no_core_file() {
    let (theirs, ours) = (folder(), folder());
    for (mut child, is_ours) in [(waiting("cat", theirs.path()), false), (deploy(ours.path()), true)] {
        let of = |file: &str| format!("/proc/{}/{file}", child.id());
        let limits = fs::read_to_string(of("limits")).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().skip(4).take(2).all(|limit| limit == "0"), is_ours, "{core}");
        // The kernel gives to root what belongs to a process that must not be dumped.
        assert_eq!(fs::metadata(of("mem")).unwrap().uid() == 0, is_ours);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn a_process_that_breaks_leaves_no_core_file() {
    let dumped = |mut child: Child, folder: &TempDir| {
        let status = Command::new("kill").args(["-ABRT", &child.id().to_string()]).status().unwrap();
        let ended = child.wait().unwrap();
        assert!(status.success() && ended.signal() == Some(6), "{ended}");
        let files = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
        let has = |file: &Path| fs::read(file).unwrap().windows(CANARY.len()).any(|part| part == CANARY.as_bytes());
        let cores = files.filter(|file| file.file_name().unwrap().to_string_lossy().starts_with("core"));
        (ended.core_dumped(), cores.filter(|file| has(file)).count())
    };
    let (theirs, ours) = (folder(), folder());
    // Where nothing leaves a core file this says little; the limits above say it in any case.
    println!("another process: {:?}", dumped(waiting("cat", theirs.path()), &theirs));
    assert_eq!(dumped(deploy(ours.path()), &ours), (false, 0));
}
