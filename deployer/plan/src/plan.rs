//! The differences between what a stack should be and what it is, as actions.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::attribute::{Change, Effect};
use crate::desired::Desired;
use crate::doctor::error_lines;
use crate::live::Live;
use crate::ownership::{Owner, owner};
use crate::package::Package;
use crate::renamed::{Renamed, renamed};
use crate::resource::{Kind, function};
use crate::resource_policy::{Access, ResourcePolicy};
use crate::spec::{OnTeardown, Spec};
use crate::teardown::fate;

/// What is done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// It is not there, and is made.
    Create,
    /// It is changed where it is.
    Update,
    /// It is deleted and made anew.
    Replace,
    /// It is scheduled for deletion, and is brought back; then updated where it differs.
    Restore,
    /// It is deleted.
    Delete,
    /// It is left where it is, as the spec says.
    Keep,
    /// It is as it should be.
    NoOp,
}

/// Why a resource differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The spec, or the rotator that the deployer carries, has changed since the last apply.
    Spec,
    /// Neither has: someone changed the resource.
    Drift,
}

/// What is done to one resource.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Action {
    /// Its kind, and its address in the stack.
    #[serde(rename = "address")]
    pub kind: Kind,
    /// Its name in AWS.
    pub name: String,
    /// What is done.
    #[serde(rename = "action")]
    pub verb: Verb,
    /// Why, for an update or a replacement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// It was foreign, and `--adopt` takes it over.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub adopted: bool,
    /// The attributes that change.
    pub changes: Vec<Change>,
    /// What a person should know besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Action {
    /// Whether there is anything to do.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        !matches!(self.verb, Verb::NoOp | Verb::Keep)
    }

    /// Whether an attribute of that name changes.
    #[must_use]
    pub fn touches(&self, name: &str) -> bool {
        self.changes.iter().any(|change| change.attribute.name == name)
    }
}

/// A resource under our name that is not ours.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Refusal {
    /// Its kind.
    #[serde(rename = "address")]
    pub kind: Kind,
    /// Its name in AWS.
    pub name: String,
    /// The stack that owns it, where the tag tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What adopting it would change.
    pub changes: Vec<Change>,
}

/// What is to be done to a stack.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The stack.
    pub stack: String,
    /// Its account.
    pub account: String,
    /// Its region.
    pub region: String,
    /// The package that the function is to have, whether or not it has it already; a teardown has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<Package>,
    /// One action for each resource that there is or should be.
    #[serde(rename = "resources")]
    pub actions: Vec<Action>,
    /// The foreign resources under the stack's names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<Refusal>,
    /// What may be the stack's own, under names that the spec does not say any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub renamed: Vec<Renamed>,
    /// What apply does not change, and a person should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
}

/// Something about a resource that apply does not change, and a person should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// The resource's kind.
    #[serde(rename = "address")]
    pub kind: Kind,
    /// Its name in AWS.
    pub name: String,
    /// What it is.
    pub what: String,
    /// More of it, a line each.
    pub details: Vec<String>,
}

impl Plan {
    /// The same, with what the secret's resource policy says, where there is one.
    #[must_use]
    pub fn with_resource_policy(mut self, spec: &Spec, policy: &ResourcePolicy) -> Self {
        let what = match policy {
            ResourcePolicy::None => return self,
            ResourcePolicy::Unread(why) => ("its resource policy can't be read".to_owned(), error_lines(why)),
            ResourcePolicy::Document(_) => {
                let access = policy.access(&self.account);
                let what = if access.iter().any(Access::is_exposure) {
                    "its resource policy lets in principals outside of the account"
                } else {
                    "it has a resource policy, which apply leaves as it is"
                };
                (what.to_owned(), access.iter().map(ToString::to_string).collect())
            }
        };
        let (kind, name, (what, details)) = (Kind::Secret, spec.secret.name.clone(), what);
        self.notices.push(Notice { kind, name, what, details });
        self
    }

    /// Whether nothing is to be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.actions.iter().any(Action::is_pending)
    }

    /// The action for a resource.
    #[must_use]
    pub fn action(&self, kind: Kind) -> Option<&Action> {
        self.actions.iter().find(|action| action.kind == kind)
    }

    /// How many actions have that verb.
    #[must_use]
    pub fn count(&self, verb: Verb) -> usize {
        self.actions.iter().filter(|action| action.verb == verb).count()
    }
}

/// The plan that turns `live` into what `spec` asks for. `adopt` names the foreign resources that may be taken over.
///
/// `desired` must be [resolved](Desired::resolved) against `live`.
#[must_use]
pub fn apply(spec: &Spec, desired: &Desired, live: &Live, adopt: &BTreeSet<Kind>) -> Plan {
    let (mut actions, mut refusals) = (Vec::new(), Vec::new());
    for kind in Kind::ALL {
        if !kind.is_wanted(&spec.trigger) {
            actions.extend(left_over(spec, desired, live, adopt, kind));
            continue;
        }
        match resource(spec, desired, live, adopt, kind) {
            Ok(action) => actions.push(action),
            Err(refusal) => refusals.push(refusal),
        }
    }
    let package = desired.function.package.clone();
    Plan { package, ..plan(spec, actions, refusals, renamed(spec, desired, live)) }
}

/// What another trigger of the stack has left: ours goes, and what is foreign is none of it.
fn left_over(spec: &Spec, desired: &Desired, live: &Live, adopt: &BTreeSet<Kind>, kind: Kind) -> Option<Action> {
    live.attributes(kind)?;
    let adopted = foreign_owner(desired, live, kind).is_some();
    let is_foreign = adopted && !is_adopted(adopt, kind);
    let is_going = kind == Kind::ScheduleGroup && live.schedule_group.as_ref().is_some_and(|group| group.deleting);
    if is_foreign || is_going {
        return None;
    }
    let (verb, note) = fate(spec, desired, live, kind, TeardownOptions::default());
    let note = note.or_else(|| Some("another trigger starts the rotation".to_owned()));
    Some(Action { kind, name: desired.name(kind).to_owned(), verb, cause: None, adopted, changes: vec![], note })
}

/// What has no tags of its own is taken over with what it is owned through.
fn is_adopted(adopt: &BTreeSet<Kind>, kind: Kind) -> bool {
    adopt.contains(&kind) || adopt.contains(&kind.owned_through())
}

pub(crate) fn plan(spec: &Spec, actions: Vec<Action>, refusals: Vec<Refusal>, renamed: Vec<Renamed>) -> Plan {
    let Spec { name, account, region, .. } = spec;
    Plan {
        stack: name.clone(),
        account: account.clone(),
        region: region.clone(),
        package: None,
        actions,
        refusals,
        renamed,
        notices: vec![],
    }
}

fn resource(
    spec: &Spec,
    desired: &Desired,
    live: &Live,
    adopt: &BTreeSet<Kind>,
    kind: Kind,
) -> Result<Action, Refusal> {
    let name = desired.name(kind).to_owned();
    let group_is_going = live.schedule_group.as_ref().is_some_and(|group| group.deleting);
    let changes = match kind {
        Kind::ScheduleGroup | Kind::Schedule if group_is_going => None,
        Kind::Permission if is_replaced(desired, live, Kind::Function) => None,
        _ => desired.changes(kind, live),
    };
    let Some(changes) = changes else {
        let changes = desired.attributes(kind).as_creation();
        let note = creation_note(spec, kind, group_is_going);
        return Ok(Action { kind, name, verb: Verb::Create, cause: None, adopted: false, changes, note });
    };
    // What needs a function waits for one that is being made.
    let waiting = live.function.as_ref().filter(|_| kind == Kind::Function && changes.is_empty());
    let changes = waiting.and_then(function::Live::waiting).map_or(changes, |change| vec![change]);
    let owner = foreign_owner(desired, live, kind);
    if let (Some(owner), false) = (&owner, is_adopted(adopt, kind)) {
        return Err(Refusal { kind, name, owner: owner.stack(), changes });
    }
    let deleted = live.secret.as_ref().and_then(|secret| secret.deleted.as_ref()).filter(|_| kind == Kind::Secret);
    let verb = match () {
        () if deleted.is_some() => Verb::Restore,
        () if changes.iter().any(|change| change.effect == Effect::Replaces) => Verb::Replace,
        () if changes.is_empty() => Verb::NoOp,
        () => Verb::Update,
    };
    let is_change = matches!(verb, Verb::Update | Verb::Replace);
    // Of a permission all but the secret's ARN follows from the function's own names.
    let noted = if kind == Kind::Permission { Kind::Function } else { kind };
    let cause = is_change.then(|| match live.applied(noted) {
        Some(applied) if applied == desired.fingerprint(noted) => Cause::Drift,
        _ => Cause::Spec,
    });
    let note = deleted.map(|date| format!("scheduled for deletion ({date}); its value is kept"));
    let note = note.or_else(|| is_taken_over(spec, desired, live, kind).then(|| TAKEN_OVER.to_owned()));
    Ok(Action { kind, name, verb, cause, adopted: owner.is_some(), changes, note })
}

/// What is said of a resource that has the ownership tag, and was not, or not yet, applied as part of this stack.
const TAKEN_OVER: &str = "is there already with this stack's tag, and is taken over: a cut-off apply or a teardown left it, or \
                          somebody else made it";

/// Whether a resource carries the ownership tag and may be nobody's work of ours. The tag of what was applied comes with the
/// creation, and who sets the one may set the other; so where most of the stack is still to be created, neither says enough.
fn is_taken_over(spec: &Spec, desired: &Desired, live: &Live, kind: Kind) -> bool {
    let tagged = |kind: &Kind| kind.is_wanted(&spec.trigger) && kind.owned_through() == *kind;
    let is_ours = |kind: Kind| live.tags(kind).is_some_and(|tags| owner(desired.tags(kind), tags) == Owner::Us);
    let (wanted, ours) = Kind::ALL
        .into_iter()
        .filter(tagged)
        .fold((0, 0), |(wanted, ours), one| (wanted + 1, ours + usize::from(is_ours(one))));
    tagged(&kind) && is_ours(kind) && (live.applied(kind).is_none() || ours * 2 < wanted)
}

/// Whether it is made anew. A function's policy goes with the function.
fn is_replaced(desired: &Desired, live: &Live, kind: Kind) -> bool {
    desired.changes(kind, live).unwrap_or_default().iter().any(|change| change.effect == Effect::Replaces)
}

/// Whose a resource is, where it is there and not ours.
pub(crate) fn foreign_owner(desired: &Desired, live: &Live, kind: Kind) -> Option<Owner> {
    Some(owner(desired.tags(kind), live.tags(kind)?)).filter(|owner| *owner != Owner::Us)
}

fn creation_note(spec: &Spec, kind: Kind, group_is_going: bool) -> Option<String> {
    use crate::spec::Initial;
    match kind {
        Kind::Secret => Some(match &spec.secret.initial {
            Initial::Generate => "its first value is generated, and never shown".to_owned(),
            Initial::Env(name) => format!("its first value is read from the environment variable {name}"),
            Initial::File(path) => format!("its first value is read from the file {}", path.display()),
            Initial::Prompt => "its first value is asked for on the terminal".to_owned(),
        }),
        Kind::ScheduleGroup if group_is_going => Some("waits until the old group is gone".to_owned()),
        _ => None,
    }
}

/// How teardown treats the secret, where the spec's word is overruled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TeardownOptions {
    /// Delete the secret at once and for ever, whatever the spec says.
    pub force_delete_secret: bool,
}

impl TeardownOptions {
    /// What becomes of the secret.
    #[must_use]
    pub fn on_secret(self, spec: &Spec) -> OnTeardown {
        if self.force_delete_secret { OnTeardown::Force } else { spec.secret.on_teardown }
    }
}
