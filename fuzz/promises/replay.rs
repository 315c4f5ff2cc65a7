//! The corpora without a fuzzer.

use std::fs;
use std::path::Path;

/// Holds a target's promises against each file of its corpus.
pub fn all(target: &str, hold: fn(&[u8])) {
    let corpus = Path::new("fuzz/corpus").join(target);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().find(|folder| folder.join(&corpus).is_dir());
    let files = fs::read_dir(root.expect("the corpus is there").join(&corpus)).unwrap();
    let files: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 10, "{} files in {}", files.len(), corpus.display());
    for file in files {
        // What panics says which file it was.
        eprintln!("{}", file.display());
        hold(&fs::read(file).unwrap());
    }
}
