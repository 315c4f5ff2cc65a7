//! From the arguments to stacks: reads the files, tells their faults, and refuses two stacks that would take each
//! other's resources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use jiff::Timestamp;
use plan::naming::Names;
use plan::render::{Page, escaped};
use plan::spec::{Diagnostic, MAX_FILE_SIZE, Spec};

use super::Specs;
use super::folder::{Folder, NotRead};
use crate::file;
use crate::ui::Ui;

/// One spec file, loaded.
#[derive(Debug, Clone)]
pub struct Stack {
    /// The file, as it was named.
    pub origin: String,
    /// Its folder: paths in the spec are relative to it.
    pub folder: PathBuf,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// What it says.
    pub spec: Spec,
    /// Where it sets what a plan may have to point at: line and column, by key.
    pub places: BTreeMap<String, (usize, usize)>,
}

/// A file with its diagnostics, for JSON.
#[derive(Debug, serde::Serialize)]
pub struct Checked {
    /// The file.
    pub spec: String,
    /// Whether it can be used.
    pub valid: bool,
    /// Its faults and warnings.
    pub diagnostics: Vec<serde_json::Value>,
}

/// Whether the warnings of usable specs are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warnings {
    /// Where the spec itself is looked at.
    InFull,
    /// A line each, where the spec is about to be put into effect.
    InShort,
    /// Where it is in effect, and something else is asked.
    Untold,
}

/// All that the arguments name.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The usable specs, in the order of the arguments.
    pub stacks: Vec<Stack>,
    /// Each file's diagnostics.
    pub checked: Vec<Checked>,
    /// Whether some file can't be used. Its faults have been told.
    pub failed: bool,
}

/// Loads all specs and tells every fault of every file; the warnings too where they are of use.
pub fn load(specs: &Specs, warnings: Warnings, ui: Ui) -> Loaded {
    let mut loaded = Loaded::default();
    let mut seen = BTreeSet::new();
    for path in &specs.specs {
        match sources(path) {
            // A file that is named twice, or by its folder as well, is one stack.
            Ok(sources) => sources
                .iter()
                .filter(|source| {
                    seen.insert(std::fs::canonicalize(&source.path).unwrap_or_else(|_| source.path.clone()))
                })
                .for_each(|source| load_file(&mut loaded, source, specs, warnings, ui)),
            Err(why) => {
                ui.error(&why, &[]);
                loaded.failed = true;
            }
        }
    }
    refuse_overlaps(&mut loaded, ui);
    loaded
}

/// Where a spec is read from.
struct Source {
    path: PathBuf,
    /// The folder that was named in its place.
    folder: Option<Rc<Folder>>,
}

/// The file itself, or a folder's YAML files in the order of their names.
fn sources(path: &Path) -> Result<Vec<Source>, String> {
    let failed = |error: std::io::Error| format!("{} can't be read: {error}", told(path));
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![Source { path: path.to_owned(), folder: None }]);
    }
    let folder = Rc::new(Folder::open(path).map_err(failed)?);
    let found = folder.entries().map_err(failed)?;
    if found.is_empty() {
        return Err(format!("{} has no .yaml or .yml file", told(path)));
    }
    Ok(found.into_iter().map(|path| Source { path, folder: Some(Rc::clone(&folder)) }).collect())
}

/// A path for people. Whoever named a file in a folder may have meant its name for the terminal.
fn told(path: &Path) -> String {
    escaped(&path.display().to_string())
}

fn load_file(loaded: &mut Loaded, source: &Source, specs: &Specs, warnings: Warnings, ui: Ui) {
    let path = &source.path;
    let origin = told(path);
    let text = match read(source) {
        Ok(text) => text,
        Err(why) => {
            ui.error(&why, &[]);
            loaded.failed = true;
            return;
        }
    };
    let read = match warnings {
        Warnings::InFull | Warnings::InShort => plan::spec::load_at(&origin, &text, Timestamp::now()),
        // Whoever asks about a stack, or takes it away, may do so after its schedule is over.
        Warnings::Untold => plan::spec::load(&origin, &text),
    };
    let (spec, diagnostics) = match read {
        Ok(usable) => (Some((usable.spec, usable.places)), usable.warnings),
        Err(diagnostics) => (None, diagnostics),
    };
    match warnings {
        _ if diagnostics.is_empty() => {}
        Warnings::InShort if spec.is_some() => ui.note(&in_short(&origin, &text, &diagnostics, ui)),
        Warnings::Untold if spec.is_some() => {}
        _ => ui.note(&plan::spec::render(&origin, &text, &diagnostics, ui.err_colored)),
    }
    let is_denied = specs.deny.is_some() && !diagnostics.is_empty();
    if is_denied && spec.is_some() {
        ui.error(&format!("{origin} has warnings, and `--deny warnings` makes them errors"), &[]);
    }
    let spec = spec.filter(|_| !is_denied);
    loaded.failed |= spec.is_none();
    let diagnostics = diagnostics.iter().map(|one| serde_json::json!(one.locate(&origin, &text))).collect();
    loaded.checked.push(Checked { spec: origin.clone(), valid: spec.is_some(), diagnostics });
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    let sha256 = plan::saved::sha256(text.as_bytes());
    loaded.stacks.extend(spec.map(|(spec, places)| Stack { origin, folder, sha256, spec, places }));
}

/// A line for each warning; `deploy validate` has them with their places and mends.
fn in_short(origin: &str, text: &str, diagnostics: &[Diagnostic], ui: Ui) -> Page {
    let (attention, faint) = (ui.err.attention(), ui.err.faint());
    let mut page = Page::new();
    for one in diagnostics {
        let place = one.locate(origin, text);
        let place = format!("{origin}:{}:{}", place.line, place.column);
        let _ = writeln!(page, "{attention}warning{attention:#}: {}  {faint}{place}{faint:#}", one.message);
    }
    page.blank();
    page
}

fn read(Source { path, folder }: &Source) -> Result<String, String> {
    let failed = |why: NotRead| format!("{} {why}", told(path));
    let read = match folder {
        Some(folder) => folder.read(path, MAX_FILE_SIZE),
        None => file::read(path, MAX_FILE_SIZE).map_err(NotRead::from),
    };
    let Some(bytes) = read.map_err(failed)? else {
        let limit = MAX_FILE_SIZE / 1024;
        return Err(format!("{} is too large: a spec has {limit} KiB at most; one file is one stack", told(path)));
    };
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let at = error.valid_up_to();
        format!("{} is not UTF-8: the byte at offset {at} begins no character", told(path))
    })?;
    Ok(text.to_owned())
}

/// Two stacks of one account that would own the same thing would undo each other for ever.
fn refuse_overlaps(loaded: &mut Loaded, ui: Ui) {
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    let mut refused = Vec::new();
    for stack in &loaded.stacks {
        for claim in claims(&stack.spec) {
            if let Some(other) = owners.get(&claim.key).filter(|other| **other != stack.origin) {
                ui.error(&format!("{} and {other} both claim the {}", stack.origin, claim.told), &[]);
                refused.extend([stack.origin.clone(), other.clone()]);
            } else {
                owners.insert(claim.key, stack.origin.clone());
            }
        }
    }
    loaded.failed |= !refused.is_empty();
    loaded.stacks.retain(|stack| !refused.contains(&stack.origin));
}

/// A name that a stack takes in its account.
struct Claim {
    /// The same for two names that AWS does not tell apart.
    key: String,
    told: String,
}

/// All names that a stack takes. With a function's goes its log group's, and with a schedule group's all that are in it.
fn claims(spec: &Spec) -> Vec<Claim> {
    let names = Names::of(spec);
    let place = format!("of account {} in {}", spec.account, spec.region);
    let exact = |told: String| Claim { key: told.clone(), told };
    // Roles are no region's, and IAM tells no names apart that differ in case alone.
    // <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>
    let role = |name: &str| {
        let told = format!("role {name} of account {}", spec.account);
        Claim { key: told.to_ascii_lowercase(), told }
    };
    vec![
        exact(format!("secret {} {place}", spec.secret.name)),
        role(&spec.role.name),
        role(&names.invoke_role()),
        exact(format!("function {} {place}", spec.function.name)),
        exact(format!("schedule group {} {place}", names.schedule_group())),
    ]
}
