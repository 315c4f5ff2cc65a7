//! The code that is live, as a person reads it.

use super::page::{Page, Palette};
use crate::package::{LiveCode, Noted, Package};

/// Characters of a hash that are shown where it need only be told from another: 72 bits.
const SHORT: usize = 12;

/// What is live and who put it there, after `label`; then, as far in, a line for each thing that is worth knowing about it.
#[must_use]
pub fn live_code(label: &str, code: &LiveCode, palette: &Palette) -> Page {
    let (faint, attention) = (palette.faint(), palette.attention());
    let hash = short(&code.code_sha256);
    let mut out = Page::new();
    let _ = match &code.noted {
        Some(Noted { deploy, .. }) if !code.is_altered => {
            writeln!(out, "{label}{hash}  {faint}put there by deploy {deploy}{faint:#}")
        }
        _ => writeln!(out, "{label}{hash}"),
    };
    let mut note = |text: &str| {
        let _ = writeln!(out, "{:width$}{attention}{text}{attention:#}", "", width = label.chars().count());
    };
    if let Some(noted) = code.noted.as_ref().filter(|_| code.is_altered) {
        let (deploy, hash) = (&noted.deploy, short(&noted.code_sha256));
        note(&match &code.carried {
            // An apply may have been killed before it could note this.
            Some(Package { deployer, .. }) if !code.is_outdated => {
                format!("not the {hash} that deploy {deploy} noted, but what deploy {deployer} carries")
            }
            _ => format!("not the {hash} that deploy {deploy} put there: somebody else has put other code there since"),
        });
    }
    if let Some(Package { deployer, code_sha256, .. }) = code.carried.as_ref().filter(|_| code.is_outdated) {
        note(&format!("the next apply would change it to {}, by deploy {deployer}", short(code_sha256)));
    }
    out
}

fn short(hash: &str) -> String {
    match hash.char_indices().nth(SHORT) {
        Some((at, _)) => format!("{}…", &hash[..at]),
        None => hash.to_owned(),
    }
}
