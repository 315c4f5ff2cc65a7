use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{printed, run, unprivileged};

/// Where servers and clients come from.
pub struct Programs {
    /// What `tools/setup sid` has made; `None`: what is installed.
    root: Option<PathBuf>,
}

impl Programs {
    /// What is installed on the machine.
    pub(super) fn machine() -> Self {
        Self { root: None }
    }

    /// Newer ones, of Debian's unstable suite, for the sake of this server.
    pub(super) fn newer(server: &str) -> Option<Self> {
        let ours = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/servers/sid");
        let root = PathBuf::from(std::env::var_os("SID_SERVERS").unwrap_or_else(|| ours.into()));
        if let Ok(root) = root.canonicalize() {
            return Some(Self { root: Some(root) });
        }
        assert!(std::env::var_os("CI").is_none(), "{server} is missing: run tools/setup servers");
        eprintln!("!!! NOT TESTED: {server}, which is missing: run tools/setup servers");
        None
    }

    /// For a server that refuses to be root: where its user can't come to the folder, as below /root, those of PostgreSQL
    /// are copied into `dir`.
    pub(super) fn unprivileged(self, dir: &Path) -> Self {
        let closed = |path: &Path| path.metadata().unwrap().mode() & 1 == 0;
        let Some(root) = self.root.as_ref().filter(|root| root.ancestors().any(closed) && unprivileged().is_some())
        else {
            return self;
        };
        let copied = dir.join("programs");
        std::fs::create_dir(&copied).unwrap();
        let copy =
            "cp -a --parents lib usr/lib/*-linux-gnu usr/lib/postgresql usr/share/postgresql usr/sbin/pgbouncer* ";
        let copy = format!("{copy} '{}'", copied.display());
        printed(&run(Command::new("sh").args(["-c", &copy]).current_dir(root), ""));
        Self { root: Some(copied) }
    }

    /// Whether they are not the machine's own.
    pub(super) fn are_newer(&self) -> bool {
        self.root.is_some()
    }

    /// A server or client, wherever Debian or others put it.
    pub(super) fn command(&self, name: &str) -> Command {
        let root = self.root.as_deref().unwrap_or(Path::new("/"));
        let versions = std::fs::read_dir(root.join("usr/lib/postgresql")).into_iter().flatten().flatten();
        let mut versions: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
        versions.sort();
        let others = match &self.root {
            None => std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
                .chain(["/usr/sbin".into()])
                .collect(),
            Some(root) => ["usr/bin", "usr/sbin", "opt/mariadb/usr/bin", "opt/mariadb/usr/sbin"]
                .map(|dir| root.join(dir))
                .to_vec(),
        };
        let mut dirs = versions.into_iter().rev().chain(others);
        let found = dirs.find_map(|dir| Some(dir.join(name)).filter(|file| file.is_file()));
        Command::new(found.unwrap_or_else(|| panic!("{name} is missing: run `make test`, or tools/setup servers")))
    }

    /// The folder of MariaDB's files, where they are not in their usual place.
    pub(super) fn mariadb(&self) -> Option<PathBuf> {
        self.root.as_ref().map(|root| root.join("opt/mariadb/usr"))
    }

    /// MySQL's tables as they are at first.
    pub(super) fn mysql_data(&self) -> PathBuf {
        self.root.as_ref().unwrap().join("mysql-data")
    }
}

/// What a program says of itself, in a line and without its folder.
pub(super) fn version(program: &OsStr) -> String {
    let said = printed(&run(Command::new(program).arg("--version"), ""));
    let dir = Path::new(program).parent().unwrap();
    let first = said.lines().next().unwrap_or_default();
    first.trim_start_matches(dir.to_str().unwrap()).trim_start_matches('/').to_owned()
}
