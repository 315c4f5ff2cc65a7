//! The real function, between a Secrets Manager and a proxy that fail to order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rotator::store::{CURRENT, PENDING};
use serde_json::{Value, json};

use crate::answer;
use crate::bench::{Mode, Plan};
use crate::lambda::{ARN, Aws, Fault, Lambda, Reply, error};
use crate::model::State;
use crate::proxy::Proxy;
use crate::servers::ADMIN_PASSWORD;
use crate::trouble::{Planned, Ran, Trouble};

/// As a function has it by default.
const TIME: Duration = Duration::from_secs(30);

type Kill = Box<dyn Fn() + Send + Sync>;

/// What Secrets Manager is to do, and has done, in this invocation.
struct Control {
    trouble: Mutex<Trouble>,
    calls: AtomicUsize,
    late_calls: AtomicUsize,
    kill: Mutex<Option<Kill>>,
}

impl Control {
    fn before(&self) -> Option<Reply> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        match *self.trouble.lock().unwrap() {
            Trouble::Throttled(from) if call >= from => {
                Some(Some((400, error("ThrottlingException", "Rate exceeded"))))
            }
            Trouble::Lost(from) if call >= from => Some(None),
            Trouble::KilledBeforeCall(at) if call == at => {
                self.kill();
                Some(None)
            }
            _ => None,
        }
    }

    fn after(&self) -> Option<Reply> {
        let call = self.late_calls.fetch_add(1, Ordering::SeqCst);
        match *self.trouble.lock().unwrap() {
            Trouble::Unanswered(at) if call == at => Some(None),
            Trouble::KilledAfterCall(at) if call == at => {
                self.kill();
                Some(None)
            }
            _ => None,
        }
    }

    fn kill(&self) {
        self.kill.lock().unwrap().iter().for_each(|kill| kill());
    }
}

/// A function, which goes on from case to case as in Lambda, until it is killed.
pub struct Worker<'a> {
    pub plan: Plan<'a>,
    pub aws: Arc<Aws>,
    pub proxy: Proxy,
    control: Arc<Control>,
    function: Option<Lambda>,
    /// What it has written in this case.
    output: String,
}

impl<'a> Worker<'a> {
    pub fn new(plan: Plan<'a>) -> Self {
        let control = Arc::new(Control {
            trouble: Mutex::new(Trouble::None),
            calls: AtomicUsize::new(0),
            late_calls: AtomicUsize::new(0),
            kill: Mutex::default(),
        });
        let proxy = Proxy::start(plan.server.engine(), plan.server.port());
        let (before, after) = (Arc::clone(&control), Arc::clone(&control));
        let (fault, late_fault): (Fault, Fault) =
            (Box::new(move |_, _| before.before()), Box::new(move |_, _| after.after()));
        let mut aws = Aws::of(State::default(), fault, late_fault);
        aws.others.push(Plan::admin_secret(proxy.port()));
        Self { plan, aws: Arc::new(aws), proxy, control, function: None, output: String::new() }
    }

    /// Begins another case, with another user.
    pub fn begin(&mut self, number: usize, mode: Mode) {
        self.proxy.close_all();
        self.output.clear();
        *self.aws.state.lock().unwrap() = self.plan.state(self.proxy.port(), number, mode);
    }

    pub fn state(&self) -> State {
        self.aws.state.lock().unwrap().clone()
    }

    /// One invocation with one trouble; `None` where the function was killed.
    pub fn invoke(&mut self, event: Value, trouble: Trouble) -> (Option<Value>, Ran) {
        *self.control.trouble.lock().unwrap() = trouble;
        self.control.calls.store(0, Ordering::SeqCst);
        self.control.late_calls.store(0, Ordering::SeqCst);
        let cut = if let Trouble::At(message, cut) = trouble { Some((message, cut)) } else { None };
        let control = Arc::clone(&self.control);
        self.proxy.arm(cut, move || control.kill());
        let (aws, setting, control) = (&self.aws, &self.plan.setting(), &self.control);
        let start = || Lambda::start(aws, setting, |kill| *control.kill.lock().unwrap() = Some(kill));
        let answer = self.function.get_or_insert_with(start).invoke(event, TIME);
        if answer.is_none() {
            self.end();
        }
        *self.control.trouble.lock().unwrap() = Trouble::None;
        (answer, Ran { calls: self.control.calls.load(Ordering::SeqCst), messages: self.proxy.messages() })
    }

    /// Ends the function, as Lambda does when it likes.
    pub fn end(&mut self) {
        if let Some(function) = self.function.take() {
            self.output.push_str(&function.end());
        }
    }

    /// An attempt of the `request`th rotation: the last invocation's answer, and what each did.
    pub fn rotate(&mut self, mode: Mode, request: usize, planned: Option<Planned>) -> (Option<Value>, Vec<Ran>) {
        let trouble = |step| planned.filter(|planned| planned.step == step).map_or(Trouble::None, |it| it.trouble);
        if mode != Mode::Managed {
            let time = format!("2026-11-23T06:{request:02}:00Z");
            let event = json!({"action": "rotate", "secretArn": ARN, "scheduleArn": "arn:aws:scheduler:x", "scheduledTime": time});
            let (answer, ran) = self.invoke(event, trouble(0));
            return (answer, vec![ran]);
        }
        let token = self.announce(request);
        let (mut last, mut all) = (None, Vec::new());
        for (step, name) in ["createSecret", "setSecret", "testSecret", "finishSecret"].into_iter().enumerate() {
            let event = json!({"Step": name, "SecretId": ARN, "ClientRequestToken": token});
            let (answer, ran) = self.invoke(event, trouble(step));
            all.push(ran);
            let is_done = answer.as_ref().is_some_and(|answer| answer.get("outcome").is_some());
            last = answer;
            if !is_done {
                return (last, all);
            }
        }
        let mut state = self.aws.state.lock().unwrap();
        if state.holder(PENDING) == Some(&token) && state.holder(CURRENT) == Some(&token) {
            state.labels.remove(PENDING);
        }
        drop(state);
        (last, all)
    }

    /// What Secrets Manager does first: the same version again, unless it was discarded.
    fn announce(&self, request: usize) -> String {
        let mut state = self.aws.state.lock().unwrap();
        let id = |attempt| format!("00000000-0000-4000-8000-{request:06}{attempt:06}");
        let is_labelled = |state: &State, id: &str| state.labels.values().any(|holder| holder == id);
        let mut attempt = 0;
        while state.values.contains_key(&id(attempt)) && !is_labelled(&state, &id(attempt)) {
            attempt += 1;
        }
        let token = id(attempt);
        if state.holder(CURRENT) != Some(&token) {
            state.announce(&token);
        }
        token
    }

    pub fn check(&mut self) -> Option<Value> {
        self.invoke(json!({"action": "self-check", "secretArn": ARN}), Trouble::None).0
    }

    /// What the function has written in this case, which holds no value.
    pub fn output(&mut self) -> &str {
        if let Some(function) = &self.function {
            self.output.push_str(&function.written());
        }
        for value in crate::bench::values(&self.aws) {
            let password = value["password"].as_str().unwrap();
            for hidden in [password, ADMIN_PASSWORD, answer::TEXT] {
                assert!(!self.output.contains(hidden), "{}", self.output);
            }
        }
        &self.output
    }
}
