//! What is fetched is known to the byte: each Python package by its hashes, each action by its commit.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c))
}

#[test]
fn every_package_of_pypi_is_held_by_its_version_and_its_hashes() {
    let text = fs::read_to_string(root().join("tools/requirements.txt")).unwrap();
    let text = text.replace(" \\\n", " ");
    let packages: Vec<&str> = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    assert!(packages.len() > 50);
    for package in &packages {
        let mut words = package.split_whitespace();
        let (name, version) = words.next().unwrap().split_once("==").unwrap_or_else(|| panic!("{package}"));
        assert!(!name.is_empty() && version.starts_with(|c: char| c.is_ascii_digit()), "{package}");
        let hashes: Vec<&str> = words.collect();
        assert!(!hashes.is_empty(), "{name} has no hash");
        // An index, a link or an option of pip's own would stand here too.
        let is_hash = |word: &&str| word.strip_prefix("--hash=sha256:").is_some_and(|hash| is_hex(hash, 64));
        assert!(hashes.iter().all(is_hash), "{package}");
    }
    let wanted = fs::read_to_string(root().join("tools/requirements.in")).unwrap();
    for direct in wanted.lines().filter(|line| !line.starts_with('#')) {
        assert!(packages.iter().any(|package| package.split(' ').next() == Some(direct)), "{direct} is not locked");
    }
    let setup = fs::read_to_string(root().join("tools/setup")).unwrap();
    let install = setup.split("-m pip install").nth(1).unwrap();
    let install: String = install.lines().take(2).collect();
    assert!(install.contains("--require-hashes") && install.contains("--only-binary :all:"), "{install}");
}

#[test]
fn every_action_that_is_shown_is_held_by_its_commit() {
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut count = 0;
    for path in docs.chain([root().join("README.md")]) {
        for line in fs::read_to_string(&path).unwrap().lines() {
            let Some((_, action)) = line.split_once("uses: ") else { continue };
            let (_, held) = action.split_once('@').unwrap_or_else(|| panic!("{action}"));
            let (commit, version) =
                held.split_once(" # v").unwrap_or_else(|| panic!("{action} has no version beside it"));
            assert!(is_hex(commit, 40) && version.starts_with(|c: char| c.is_ascii_digit()), "{action}");
            count += 1;
        }
    }
    assert_eq!(count, 2);
}
