//! The code that is live, as a person reads it.

use super::Palette;
use crate::package::{LiveCode, Noted, Package};

/// Characters of a hash that are shown where it need only be told from another: 72 bits.
const SHORT: usize = 12;

/// What is live and who put it there; then a line for each thing that is worth knowing about it.
#[must_use]
pub fn live_code(code: &LiveCode, palette: &Palette) -> Vec<String> {
    let (faint, attention) = (palette.faint(), palette.attention());
    let hash = short(&code.code_sha256);
    let mut lines = vec![match &code.noted {
        Some(Noted { deploy, .. }) if !code.is_altered => {
            format!("{hash}  {faint}put there by deploy {}{faint:#}", plain(deploy))
        }
        _ => hash,
    }];
    if let Some(noted) = code.noted.as_ref().filter(|_| code.is_altered) {
        let (deploy, hash) = (plain(&noted.deploy), short(&noted.code_sha256));
        let what = match &code.carried {
            // An apply may have been killed before it could note this.
            Some(Package { deployer, .. }) if !code.is_outdated => {
                format!("not the {hash} that deploy {deploy} noted, but what deploy {deployer} carries")
            }
            _ => format!("not the {hash} that deploy {deploy} put there: somebody else has put other code there since"),
        };
        lines.push(format!("{attention}{what}{attention:#}"));
    }
    if let Some(Package { deployer, code_sha256, .. }) = code.carried.as_ref().filter(|_| code.is_outdated) {
        let hash = short(code_sha256);
        lines.push(format!("{attention}the next apply would change it to {hash}, by deploy {deployer}{attention:#}"));
    }
    lines
}

fn short(hash: &str) -> String {
    let hash = plain(hash);
    match hash.char_indices().nth(SHORT) {
        Some((at, _)) => format!("{}…", &hash[..at]),
        None => hash,
    }
}

/// Tags are whoever's that may tag: none may break the line, or speak to the terminal.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}
