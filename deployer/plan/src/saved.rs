//! Saved plans: a file by which exactly the plan that was reviewed is carried out, or nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use crate::attribute::{Attributes, Value};
use crate::live::Live;
use crate::plan::Plan;
use crate::resource::Kind;

/// The files' format; it rises when a field changes its meaning or goes.
pub const FORMAT: u64 = 1;

/// The function's own mark of its last change.
const REVISION: &str = "revision_id";

/// What a live resource looked like: its attributes, and what tells one resource from another with the same ones.
pub type Fields = BTreeMap<String, Json>;
/// The fields of each resource that was there.
pub type Fingerprints = BTreeMap<Kind, Fields>;

/// A plan, and all that it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saved {
    /// Version of the deployer that made it.
    pub deployer: String,
    /// The spec that was planned.
    pub spec: SpecFile,
    /// The foreign resources that are taken over.
    pub adopt: BTreeSet<Kind>,
    /// What was live.
    pub live: Fingerprints,
    /// The plan, as it was shown.
    pub plan: Json,
}

/// A spec file, as it was planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecFile {
    /// As it was named.
    pub path: String,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
}

/// Why a file is no saved plan that this deployer may carry out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not what was written.
    #[error("it was altered or cut off after it was written")]
    Damaged,
    /// Of another format.
    #[error("its format is {0}, and this deployer reads {FORMAT}")]
    Format(u64),
    /// Of another deployer, which may plan otherwise.
    #[error("deploy {made} wrote it, and this is deploy {this}")]
    Version {
        /// The version that wrote it.
        made: String,
        /// This one.
        this: String,
    },
}

/// What surrounds a saved plan in its file. `format` comes first: by it the file is known.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    format: u64,
    sha256: String,
    content: Json,
}

/// SHA-256 in hex.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// Whether a file's content is meant to be a saved plan. No spec begins like one.
#[must_use]
pub fn is_saved(content: &[u8]) -> bool {
    let inside = content.trim_ascii_start().strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    inside.is_some_and(|inside| inside.starts_with(b"\"format\""))
}

impl Envelope {
    fn of(content: Json) -> Self {
        Self { format: FORMAT, sha256: sha256(content.to_string().as_bytes()), content }
    }

    fn text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

impl Saved {
    /// A plan of `live`.
    #[must_use]
    pub fn of(plan: &Plan, live: &Live, spec: SpecFile, adopt: BTreeSet<Kind>, deployer: &str) -> Self {
        let live = Kind::ALL.into_iter().filter_map(|kind| Some((kind, fields(&seen(live, kind)?)))).collect();
        Self { deployer: deployer.to_owned(), spec, adopt, live, plan: to_do(plan) }
    }

    /// The file's content.
    #[must_use]
    pub fn text(&self) -> String {
        Envelope::of(json!(self)).text()
    }

    /// Reads a file's content; `deployer` is this deployer's version.
    ///
    /// # Errors
    /// Whatever is not, byte for byte, what this version has written.
    pub fn parse(content: &[u8], deployer: &str) -> Result<Self, Refused> {
        let document: Json = serde_json::from_slice(content).map_err(|_| Refused::Damaged)?;
        match document["format"].as_u64() {
            Some(FORMAT) => {}
            Some(other) => return Err(Refused::Format(other)),
            None => return Err(Refused::Damaged),
        }
        let envelope: Envelope = serde_json::from_value(document).map_err(|_| Refused::Damaged)?;
        let made = envelope.content["deployer"].as_str().unwrap_or_default().to_owned();
        // It is written again: so no space, and no key given twice, can differ either.
        if Envelope::of(envelope.content.clone()).text().as_bytes() != content {
            return Err(Refused::Damaged);
        }
        if made != deployer {
            return Err(Refused::Version { made, this: deployer.to_owned() });
        }
        serde_json::from_value(envelope.content).map_err(|_| Refused::Damaged)
    }

    /// The name of its stack.
    #[must_use]
    pub fn stack(&self) -> &str {
        self.plan["stack"].as_str().unwrap_or_default()
    }

    /// What is live otherwise than it was.
    #[must_use]
    pub fn differences(&self, live: &Live) -> Vec<Difference> {
        Kind::ALL.into_iter().flat_map(|kind| differences(kind, self.live.get(&kind), live)).collect()
    }

    /// The package where it is another, and the resources to which `plan` does something else: address, then what was and
    /// what is to be done.
    #[must_use]
    pub fn other_actions(&self, plan: &Plan) -> Vec<String> {
        let now = to_do(plan);
        let word = |action: Option<&Json>| action.and_then(|a| a["action"].as_str()).unwrap_or("nothing").to_owned();
        let told = Kind::ALL.into_iter().filter_map(|kind| {
            let (saved, now) = (action(&self.plan, kind), action(&now, kind));
            let (was, is) = (word(saved), word(now));
            match () {
                () if saved == now => None,
                () if was == is => Some(format!("{kind}: {was}, but not to the same values")),
                () => Some(format!("{kind}: {was} was planned, and now it would be {is}")),
            }
        });
        let hash = |plan: &Json| plan["package"]["code_sha256"].as_str().unwrap_or("none").to_owned();
        let (was, is) = (hash(&self.plan), hash(&now));
        let package = (was != is).then(|| format!("package: {was} was planned, and now it would be {is}"));
        package.into_iter().chain(told).collect()
    }

    /// Whether `plan` is the saved one.
    #[must_use]
    pub fn is(&self, plan: &Plan) -> bool {
        self.plan == to_do(plan)
    }
}

/// A plan without what it only says: of that nothing is carried out, and it may change at any time.
fn to_do(plan: &Plan) -> Json {
    json!(Plan { notices: Vec::new(), ..plan.clone() })
}

fn action(plan: &Json, kind: Kind) -> Option<&Json> {
    plan["resources"].as_array()?.iter().find(|action| action["address"] == kind.address())
}

/// One way in which a resource is not as it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The resource.
    pub kind: Kind,
    /// What differs.
    pub what: What,
}

/// What differs of a resource.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// It was not there, and is now.
    Appeared,
    /// It was there, and is not any more.
    Gone,
    /// One of its fields.
    Field {
        /// Its name, as a plan shows it.
        name: String,
        /// What it was; `None` is absent.
        before: Option<Value>,
        /// What it is.
        after: Option<Value>,
    },
}

/// How one resource differs from what was saved of it; `None` is absent.
#[must_use]
pub fn differences(kind: Kind, saved: Option<&Fields>, live: &Live) -> Vec<Difference> {
    let what = match (saved, seen(live, kind)) {
        (None, None) => vec![],
        (None, Some(_)) => vec![What::Appeared],
        (Some(_), None) => vec![What::Gone],
        (Some(saved), Some(now)) => changed(saved, &now),
    };
    what.into_iter().map(|what| Difference { kind, what }).collect()
}

fn changed(saved: &Fields, now: &Attributes) -> Vec<What> {
    let values: BTreeMap<String, &Value> = now.iter().map(|(name, value)| (name.to_string(), value)).collect();
    let now = fields(now);
    let names: BTreeSet<&String> = saved.keys().chain(now.keys()).collect();
    let mut differing: Vec<&String> = names.into_iter().filter(|name| saved.get(*name) != now.get(*name)).collect();
    // The end of an update that was in progress gives the function a revision, and changes nothing.
    differing.retain(|name| *name != REVISION || saved.contains_key(REVISION));
    // A revision tells that something has changed, and not what.
    if differing.len() > 1 {
        differing.retain(|name| *name != REVISION);
    }
    let field = |name: &String| {
        let after = values.get(name).copied().cloned();
        What::Field { name: name.clone(), before: saved.get(name).cloned().map(value), after }
    };
    differing.into_iter().map(field).collect()
}

/// Of all values IAM documents alone have statements.
fn value(saved: Json) -> Value {
    if saved.get("Statement").is_some() { Value::Policy(saved) } else { Value::Known(saved) }
}

fn fields(attributes: &Attributes) -> Fields {
    attributes.iter().map(|(name, value)| (name.to_string(), json!(value))).collect()
}

/// A live resource's attributes, with what is no setting and yet tells it from another. The secret's versions are not in it:
/// rotation goes on.
fn seen(live: &Live, kind: Kind) -> Option<Attributes> {
    let attributes = live.attributes(kind)?;
    Some(match kind {
        Kind::Secret => live.secret.iter().fold(attributes, |all, secret| {
            all.with("arn", secret.arn.as_str()).with_optional("deleted", secret.deleted.as_deref())
        }),
        Kind::ExecutionRole => {
            live.execution_role.iter().fold(attributes, |all, role| all.with("id", role.id.as_str()))
        }
        Kind::InvokeRole => live.invoke_role.iter().fold(attributes, |all, role| all.with("id", role.id.as_str())),
        Kind::Function => {
            let revision = live.function.as_ref().and_then(|function| function.revision_id.as_deref());
            attributes.with_optional(REVISION, revision)
        }
        Kind::ScheduleGroup => {
            let going = live.schedule_group.as_ref().filter(|group| group.deleting);
            attributes.with_optional("deleting", going.map(|_| true))
        }
        Kind::LogGroup | Kind::Schedule | Kind::Permission | Kind::Rotation => attributes,
    })
}
