//! The function's package: which one would be deployed, and which one is live.

use serde::Serialize;

use crate::ownership::{CODE_TAG, Tags, VERSION_TAG};
use crate::resource::function;

/// A zip of the function that a deployer would put there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Package {
    /// Version of the deployer.
    #[serde(rename = "deploy")]
    pub deployer: String,
    /// Base64 of the zip's SHA-256, as Lambda reports it in `CodeSha256`.
    pub code_sha256: String,
    /// Where the zip comes from.
    #[serde(flatten)]
    pub origin: Origin,
}

/// Where a zip comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "origin", rename_all = "kebab-case")]
pub enum Origin {
    /// The deployer carries it.
    Embedded,
    /// The spec names it in `function.package`.
    File {
        /// Its path.
        file: String,
    },
}

impl Package {
    /// What is noted on the function when this package is put there. Both values are of the characters that Lambda takes.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html#configuration-tags-restrictions>
    #[must_use]
    pub fn notes(&self) -> Tags {
        [(VERSION_TAG.to_owned(), self.deployer.clone()), (CODE_TAG.to_owned(), self.code_sha256.clone())].into()
    }
}

/// The code that is live, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LiveCode {
    /// Base64 of the zip's SHA-256, as Lambda reports it.
    pub code_sha256: String,
    /// What the deployer noted that last put code there; `None` where it was one that left no note.
    pub noted: Option<Noted>,
    /// The package that the next apply would see to; `None` where there is none.
    pub carried: Option<Package>,
    /// Whether the next apply would put other code there.
    #[serde(rename = "outdated")]
    pub is_outdated: bool,
    /// Whether it is other code than was noted.
    #[serde(rename = "altered")]
    pub is_altered: bool,
}

/// What a deployer noted of the code that it put there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Noted {
    /// Version of that deployer.
    pub deploy: String,
    /// Base64 of the zip's SHA-256.
    pub code_sha256: String,
}

impl LiveCode {
    /// The code of a live function, next to the package that this deployer has for its spec.
    #[must_use]
    pub fn of(live: &function::Live, carried: Option<Package>) -> Self {
        let code_sha256 = live.settings.code_sha256.clone();
        let note = |tag| live.tags.get(tag).cloned();
        let noted = note(VERSION_TAG).zip(note(CODE_TAG)).map(|(deploy, code_sha256)| Noted { deploy, code_sha256 });
        Self {
            is_outdated: carried.as_ref().is_some_and(|package| package.code_sha256 != code_sha256),
            is_altered: noted.as_ref().is_some_and(|noted| noted.code_sha256 != code_sha256),
            code_sha256,
            noted,
            carried,
        }
    }
}
