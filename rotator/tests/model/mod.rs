//! One secret in memory, with Secrets Manager's semantics, faults to order, and a pause before each call takes effect.
#![allow(dead_code, reason = "each test file uses its own part")]

pub mod server;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use contract::PasswordPolicy;
use rotator::error::{Error, Kind, Refusal};
use rotator::rotation::{BASE_PREFIX, Done, Rotation, TICK_PREFIX};
use rotator::secret::SecretText;
use rotator::store::{CURRENT, Labels, PENDING, PREVIOUS, Put, Store, Version};
use rotator::target::{Nothing, Target};

pub const CANARY: &str = "canary-4b1d";
/// Stands for a value that is bytes.
pub const BINARY: &str = "\0";

/// What AWS keeps.
#[derive(Default, Clone)]
pub struct State {
    pub values: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,
}

impl State {
    pub fn holder(&self, label: &str) -> Option<&str> {
        self.labels.get(label).map(String::as_str)
    }

    pub fn put(&mut self, id: &str, value: &str, labels: &[&str]) -> Result<bool, &'static str> {
        if self.values.get(id).is_some_and(|old| old != value) {
            return Err("ResourceExistsException");
        }
        let first = self.values.is_empty();
        if self.values.insert(id.to_owned(), value.to_owned()).is_some() {
            return Ok(self.holder(CURRENT) == Some(id));
        }
        for label in labels {
            self.attach(label, id);
        }
        if first {
            self.attach(CURRENT, id);
        }
        Ok(first)
    }

    fn attach(&mut self, label: &str, id: &str) {
        let old = self.labels.insert(label.to_owned(), id.to_owned());
        if let (CURRENT, Some(old)) = (label, old)
            && old != id
        {
            self.labels.insert(PREVIOUS.to_owned(), old);
        }
        if label == CURRENT && self.holder(PREVIOUS) == Some(id) {
            self.labels.remove(PREVIOUS);
        }
    }

    pub fn update(&mut self, label: &str, from: Option<&str>, to: Option<&str>) -> Result<(), &'static str> {
        if from.into_iter().chain(to).any(|id| !self.values.contains_key(id)) {
            return Err("ResourceNotFoundException");
        }
        let holder = self.holder(label);
        let moved_already = to.is_some() && holder == to && from.is_none_or(|from| Some(from) == to);
        if holder != from && !moved_already {
            return Err("InvalidParameterException");
        }
        match to {
            Some(to) => self.attach(label, to),
            None => drop(self.labels.remove(label)),
        }
        Ok(())
    }

    /// What Secrets Manager does before it asks for the first step of its own rotation: a pending version without a value.
    pub fn announce(&mut self, id: &str) {
        self.attach(PENDING, id);
    }

    /// What a person does with `put-secret-value`.
    pub fn manual_change(&mut self, id: &str) {
        self.values.insert(id.to_owned(), value(&format!("{CANARY}-{id}")));
        self.attach(CURRENT, id);
    }

    pub fn of(&self, id: &str) -> Vec<String> {
        self.labels.iter().filter(|(_, holder)| *holder == id).map(|(label, _)| label.clone()).collect()
    }

    pub fn leftovers(&self) -> Vec<&String> {
        let own = |label: &str| label.starts_with(BASE_PREFIX) || label.starts_with(TICK_PREFIX);
        self.labels.keys().filter(|label| *label == PENDING || own(label)).collect()
    }
}

pub fn value(password: &str) -> String {
    format!(r#"{{"user":"{CANARY}","password":"{password}"}}"#)
}

/// What happens at one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails and has no effect.
    Before,
    /// It takes effect, and the answer is lost.
    After,
    /// A person changes the secret just before it.
    Manual,
}

/// The store, as one delivery sees it.
pub struct Model<'a> {
    pub state: &'a RefCell<State>,
    /// Calls made so far, by all that share the counter.
    pub calls: Cell<usize>,
    pub fault: Option<(usize, Fault)>,
    /// Whether each call waits once before it takes effect, so that a scheduler can put another delivery's in between.
    pub pauses: bool,
    pub log: RefCell<Vec<&'static str>>,
}

impl<'a> Model<'a> {
    pub fn new(state: &'a RefCell<State>) -> Self {
        Self { state, calls: Cell::new(0), fault: None, pauses: false, log: RefCell::default() }
    }

    pub fn with_fault(state: &'a RefCell<State>, call: usize, fault: Fault) -> Self {
        Self { fault: Some((call, fault)), ..Self::new(state) }
    }

    async fn call<R>(
        &self,
        action: &'static str,
        effect: impl FnOnce(&mut State) -> Result<R, Kind>,
    ) -> Result<R, Kind> {
        if self.pauses {
            pause().await;
        }
        let number = self.calls.replace(self.calls.get() + 1);
        self.log.borrow_mut().push(action);
        let fault = self.fault.filter(|(at, _)| *at == number).map(|(_, fault)| fault);
        let lost = Kind::Unreachable { action, what: "no answer in time" };
        match fault {
            Some(Fault::Before) => return Err(lost),
            Some(Fault::Manual) => self.state.borrow_mut().manual_change("manual"),
            _ => {}
        }
        let result = effect(&mut self.state.borrow_mut());
        if fault == Some(Fault::After) { Err(lost) } else { result }
    }
}

/// Gives way once.
pub async fn pause() {
    let mut waited = false;
    poll_fn(|_| if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

fn refused(action: &'static str, code: &str) -> Kind {
    Kind::Refused(Refusal { action, code: code.to_owned(), request_id: "r".to_owned() })
}

fn version(state: &State, id: &str) -> Result<Version, Kind> {
    let value = Some(&state.values[id]).filter(|value| *value != BINARY).ok_or(Kind::Binary)?;
    Ok(Version { id: id.to_owned(), value: value.clone().into(), labels: state.of(id), created: Some(1) })
}

impl Store for Model<'_> {
    async fn labels(&self) -> Result<Labels, Kind> {
        self.call("labels", |state| {
            let ids = state.labels.values().map(|id| (id.clone(), state.of(id)));
            Ok(Labels(ids.collect::<HashMap<_, _>>()))
        })
        .await
    }

    async fn staged(&self, label: &str) -> Result<Option<Version>, Kind> {
        let action = match label {
            CURRENT => "current",
            PREVIOUS => "previous",
            _ => "staged",
        };
        self.call(action, |state| state.holder(label).map(|id| version(state, id)).transpose()).await
    }

    async fn version(&self, id: &str) -> Result<Option<Version>, Kind> {
        self.call("version", |state| state.values.contains_key(id).then(|| version(state, id)).transpose()).await
    }

    async fn put(&self, id: &str, value: &SecretText, labels: &[&str]) -> Result<Put, Kind> {
        self.call("put", |state| match state.put(id, value.expose(), labels) {
            Ok(current) => Ok(Put::Stored { current }),
            Err(_) => Ok(Put::Exists),
        })
        .await
    }

    async fn move_current(&self, from: Option<&str>, to: &str) -> Result<(), Kind> {
        let action = "move";
        self.call(action, |state| state.update(CURRENT, from, Some(to)).map_err(|code| refused(action, code))).await
    }

    async fn remove_label(&self, label: &str, from: &str) -> Result<(), Kind> {
        let action = "remove";
        self.call(action, |state| state.update(label, Some(from), None).map_err(|code| refused(action, code))).await
    }
}

/// One delivery of a tick, for target none.
pub async fn tick(store: &Model<'_>, token: &str) -> Result<Done, Error> {
    tick_at(store, &Nothing, token).await
}

/// One delivery of a tick.
pub async fn tick_at(store: &Model<'_>, target: &impl Target, token: &str) -> Result<Done, Error> {
    let (policy, derived) = (PasswordPolicy::default(), BTreeMap::new());
    let rotation = Rotation { store, target, field: Some("password"), policy: &policy, derived: &derived };
    rotation.run(token).await.map(|(_, done)| done)
}

/// Runs a future that waits for nothing but its own pauses.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    loop {
        if let Poll::Ready(result) = poll(future.as_mut()) {
            return result;
        }
    }
}

/// Lets a future go on to its next pause.
pub fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A secret with one value, or with none yet.
pub fn secret(with_value: bool) -> RefCell<State> {
    let mut state = State::default();
    if with_value {
        state.manual_change("base");
    }
    RefCell::new(state)
}

/// One step of Secrets Manager's own rotation.
pub fn managed_step(
    state: &RefCell<State>,
    target: &impl Target,
    step: contract::ManagedStep,
    token: &str,
) -> Result<Done, Error> {
    let (policy, derived) = (PasswordPolicy::default(), BTreeMap::new());
    let store = &Model::new(state);
    let rotation = Rotation { store, target, field: Some("password"), policy: &policy, derived: &derived };
    run(rotation.managed_step(step, token))
}
