//! Saved plans on disk: written by `plan --out`, and found by `apply` among what it is given.

use std::fs::{File, Metadata, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use plan::render;
use plan::saved::{Saved, SpecFile, is_saved, sha256};
use zeroize::Zeroizing;

use super::Specs;
use super::failure::Failure;
use super::planning::{Adopt, Planned, Result, adopted};
use crate::{VERSION, file};

/// Bytes of a saved plan, at most; what is larger is taken for a spec, and refused as one.
const MAX_FILE_SIZE: usize = 4 << 20;

/// Writes a plan to a file that only its owner may read: at once or not at all, and over nothing but a saved plan.
///
/// # Errors
/// Why it can't be written.
pub fn write(file: &Path, planned: &Planned, adopt: &[Adopt]) -> std::result::Result<(), String> {
    if std::fs::symlink_metadata(file).is_ok() && read(file).is_none() {
        return Err(format!("{} is there already, and is no saved plan: name another file", file.display()));
    }
    let stack = &planned.stack;
    let spec = SpecFile { path: stack.origin.clone(), sha256: stack.sha256.clone() };
    let saved = Saved::of(&planned.plan, &planned.live, spec, adopted(adopt, &stack.spec.name), VERSION);
    replace(file, &saved.text()).map_err(|error| format!("{} can't be written: {error}", file.display()))
}

fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let new = file.with_file_name(name);
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).and_then(|mut open: File| {
        open.write_all(text.as_bytes())?;
        open.sync_all()
    });
    let done = written.and_then(|()| std::fs::rename(&new, file));
    if done.is_err() {
        let _ = std::fs::remove_file(&new);
    }
    done
}

/// The content of a saved plan, and what is known of its file. A pipe can be read but once, and is left to be read as a
/// spec.
fn read(path: &Path) -> Option<(Zeroizing<Vec<u8>>, Metadata)> {
    let (open, metadata) = file::open_regular(path).ok()??;
    let content = file::read_open(open, MAX_FILE_SIZE).ok()??;
    is_saved(&content).then_some((content, metadata))
}

/// Takes a saved plan out of what is named, and puts the spec that it was made of in its place. After an error nothing is
/// named any more.
///
/// # Errors
/// The file or its stack, and why it can't be carried out.
pub fn take(specs: &mut Specs, adopt: &[Adopt]) -> Result<Option<Saved>> {
    let found = specs.specs.iter().find_map(|path| Some((path.clone(), read(path)?)));
    let Some((path, (content, metadata))) = found else { return Ok(None) };
    let named = std::mem::take(&mut specs.specs);
    let file = path.display().to_string();
    let refused = |why: String| Err((file.clone(), Failure::NoSavedPlan(why)));
    // It is carried out without a question, so it has to be the caller's.
    if let Err(why) = file::check_own(&path, &metadata) {
        return refused(why.to_string());
    }
    if named.len() > 1 {
        return refused("a saved plan is applied by itself".to_owned());
    }
    if !adopt.is_empty() || specs.deny.is_some() {
        return refused(
            "what is planned is in the file: `--adopt` and `--deny` belong to `deploy plan --out`".to_owned(),
        );
    }
    let saved = match Saved::parse(&content, VERSION) {
        Ok(saved) => saved,
        Err(why) => return refused(why.to_string()),
    };
    let spec = Path::new(&saved.spec.path);
    let now = file::read(spec, plan::spec::MAX_FILE_SIZE).map(|content| content.map(|content| sha256(&content)));
    let why = match now {
        Ok(now) if now.as_ref() == Some(&saved.spec.sha256) => {
            specs.specs.push(spec.to_owned());
            return Ok(Some(saved));
        }
        Ok(_) => format!("the spec {} has changed since the plan", spec.display()),
        Err(error) => format!("the spec {} can't be read: {error}", spec.display()),
    };
    Err((saved.stack().to_owned(), Failure::Stale { why, details: vec![] }))
}

/// Whether all is as it was, and the same would be done about it.
///
/// # Errors
/// The stack, and what is otherwise.
pub fn check(saved: &Saved, planned: &Planned) -> Result<()> {
    let stale = |why: &str, details| {
        Err((planned.plan.stack.clone(), Failure::Stale { why: format!("{why} since the plan"), details }))
    };
    let differences = saved.differences(&planned.live);
    if !differences.is_empty() {
        return stale("resources have changed", render::differences(&differences));
    }
    if !saved.is(&planned.plan) {
        return stale("what is to be done has changed", saved.other_actions(&planned.plan));
    }
    Ok(())
}
