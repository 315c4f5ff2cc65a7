//! Whatever a server answers to a change, and whether or not it has made it: a double of each kind of server gives every
//! documented error, breaks off, keeps silent, or has the client library panic.
#![cfg(all(feature = "postgres", feature = "mysql", feature = "redis"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod model;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use contract::{Connection, Login, ManagedStep, PasswordPolicy, Strategy};
use model::{Model, State};
use rotator::error::{Class, Error, Kind};
use rotator::rotation::{Done, Rotation};
use rotator::secret::SecretText;
use rotator::store::{CURRENT, PENDING};
use rotator::target::answer::Row;
use rotator::target::database::{Change, Database, Driver};
use rotator::target::{Credentials, Engine, Target as _, Values, mysql, postgres, redis};
use serde_json::{Value, json};

const T1: &str = "11111111-1111-5111-8111-111111111111";
const T2: &str = "22222222-2222-5222-8222-222222222222";
const ADMIN: &str = "dba";
const CANARY: &str = "canary";

/// How a kind of server keeps passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeps {
    One,
    /// The new one and, where it is named, the present one.
    Two,
}

/// What the client gets for the first change.
#[derive(Debug, Clone)]
enum Answer {
    Error(Kind),
    Panic,
    Silence,
}

/// What becomes of a login with the pending value once it was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Fine,
    /// A pooler with passwords of its own.
    Refused,
    /// A client library that can't do it.
    Panics,
    /// Logged in, and then no query is served.
    NotServed,
}

#[derive(Debug, Clone)]
struct Trouble {
    answer: Option<Answer>,
    is_done: bool,
    /// Whether the session on which the change was sent is lost by it.
    breaks: bool,
    test: Test,
}

/// A server in memory.
struct Server {
    keeps: Keeps,
    users: RefCell<BTreeMap<String, Vec<String>>>,
    trouble: RefCell<Option<Trouble>>,
    /// The password that the first change was to.
    pending: RefCell<Option<String>>,
    logins: RefCell<Vec<(String, String)>>,
    /// Whether the clone user of each change was known to be the secret's.
    known: RefCell<Vec<bool>>,
}

#[derive(Clone)]
struct Double(Rc<Server>);

struct Session {
    user: String,
    is_alive: Cell<bool>,
    is_served: bool,
}

impl Server {
    fn accepts(&self, user: &str, password: &str) -> bool {
        self.users.borrow().get(user).is_some_and(|passwords| passwords.iter().any(|known| known == password))
    }

    fn test(&self, who: &Credentials) -> Test {
        let is_pending = self.pending.borrow().as_deref() == Some(who.password.expose());
        self.trouble.borrow().as_ref().filter(|_| is_pending).map_or(Test::Fine, |trouble| trouble.test)
    }

    fn apply(&self, change: &Change<'_>) {
        let mut passwords = vec![change.password.expose().to_owned()];
        if self.keeps == Keeps::Two {
            passwords.extend(change.present.map(|present| present.expose().to_owned()));
        }
        self.users.borrow_mut().insert(change.user.to_owned(), passwords);
    }
}

impl Driver for Double {
    type Session = Session;
    const ENGINE: Engine = Engine { names: &["double"], port: 1, takes_user: |_| true };

    async fn login(&self, who: &Credentials) -> Result<Option<Session>, Kind> {
        let Self(server) = self;
        server.logins.borrow_mut().push((who.host.clone(), who.user.clone()));
        if who.host != "db" || !server.accepts(&who.user, who.password.expose()) {
            return Ok(None);
        }
        let test = server.test(who);
        match test {
            Test::Refused => Ok(None),
            Test::Panics => std::panic::panic_any(CANARY),
            Test::Fine | Test::NotServed => {
                let is_served = test == Test::Fine;
                Ok(Some(Session { user: who.user.clone(), is_alive: Cell::new(true), is_served }))
            }
        }
    }

    async fn query(&self, session: &mut Session) -> Result<(), Kind> {
        if session.is_served && session.is_alive.get() { Ok(()) } else { Err(Kind::TargetUnfit("not served")) }
    }

    async fn preflight(&self, _session: &mut Session, _change: &Change<'_>) -> Result<(), Kind> {
        Ok(())
    }

    async fn set_password(
        &self,
        session: &mut Session,
        change: &Change<'_>,
        is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        let Self(server) = self;
        if !session.is_alive.get() {
            return Err(Kind::TargetUnreachable("the connection broke off"));
        }
        assert!(session.user == ADMIN || session.user == change.user, "{} may not", session.user);
        is_due().await?;
        let is_first = server.pending.borrow().is_none();
        let trouble = server.trouble.borrow().clone().filter(|_| is_first);
        if is_first {
            server.pending.replace(Some(change.password.expose().to_owned()));
        }
        if trouble.as_ref().is_none_or(|trouble| trouble.is_done) {
            server.apply(change);
        }
        let Some(Trouble { answer, breaks, .. }) = trouble else { return Ok(()) };
        session.is_alive.set(!breaks);
        match answer {
            None => Ok(()),
            Some(Answer::Error(kind)) => Err(kind),
            Some(Answer::Panic) => std::panic::panic_any(CANARY),
            Some(Answer::Silence) => std::future::pending().await,
        }
    }

    async fn set_clone(
        &self,
        admin: &mut Session,
        _user: &str,
        change: &Change<'_>,
        is_due: impl AsyncFn() -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        self.0.known.borrow_mut().push(change.known);
        self.set_password(admin, change, is_due).await
    }
}

fn login(user: &str, password: &str) -> String {
    json!({"host": "db", "username": user, "password": password}).to_string()
}

/// A secret, a server, and how the one is rotated on the other.
struct Bench {
    state: RefCell<State>,
    server: Rc<Server>,
    login: Login,
    admin: Option<SecretText>,
    policy: PasswordPolicy,
}

impl Bench {
    fn new(keeps: Keeps, strategy: Strategy, admin: bool) -> Self {
        let mut state = State::default();
        state.put("base", &login("app", "first"), &[CURRENT]).unwrap();
        let users = [("app", "first"), (ADMIN, "admin's")];
        let users = users.map(|(user, password)| (user.to_owned(), vec![password.to_owned()]));
        let server = Server {
            keeps,
            users: RefCell::new(users.into()),
            trouble: RefCell::default(),
            pending: RefCell::default(),
            logins: RefCell::default(),
            known: RefCell::default(),
        };
        let connection = Connection { host: "db".to_owned(), port: None, username: "app".to_owned(), dbname: None };
        Self {
            state: RefCell::new(state),
            server: Rc::new(server),
            login: Login { strategy, connection: Some(connection), ..Login::default() },
            admin: admin.then(|| login(ADMIN, "admin's").into()),
            policy: PasswordPolicy::default(),
        }
    }

    fn target(&self) -> Database<Double> {
        let admin = self.admin.as_ref().map(|admin| SecretText::concat(&[admin.expose()]));
        Database::of(Double(Rc::clone(&self.server)), "password", &self.login, admin)
    }

    async fn rotate<R>(&self, work: impl AsyncFnOnce(&Rotation<'_, Model<'_>, Database<Double>>) -> R) -> R {
        let (store, target, derived) = (Model::new(&self.state), self.target(), BTreeMap::new());
        let (field, policy) = (Some("password"), &self.policy);
        work(&Rotation { store: &store, target: &target, field, policy, derived: &derived }).await
    }

    async fn deliver(&self, token: &str) -> Result<Done, Error> {
        self.rotate(async |rotation| rotation.run(token).await).await.map(|(_, done)| done)
    }

    /// One step of Secrets Manager's own rotation, an invocation of its own.
    async fn step(&self, step: ManagedStep, token: &str) -> Result<Done, Error> {
        self.rotate(async |rotation| rotation.managed_step(step, token).await).await
    }

    /// The steps of an attempt, as far as they go.
    async fn managed(&self, token: &str) -> Result<(), Error> {
        self.state.borrow_mut().announce(token);
        for step in
            [ManagedStep::CreateSecret, ManagedStep::SetSecret, ManagedStep::TestSecret, ManagedStep::FinishSecret]
        {
            self.step(step, token).await?;
        }
        // Secrets Manager takes its own label away.
        self.state.borrow_mut().labels.remove(PENDING);
        Ok(())
    }

    fn logs_in(&self, label: &str) -> bool {
        let state = self.state.borrow();
        let Some(value) = state.holder(label).and_then(|id| state.values.get(id)) else { return false };
        let value: Value = serde_json::from_str(value).unwrap();
        self.server.accepts(value["username"].as_str().unwrap(), value["password"].as_str().unwrap())
    }

    fn leftovers(&self) -> Vec<String> {
        self.state.borrow().leftovers().into_iter().cloned().collect()
    }
}

/// The double panics on purpose, thousands of times.
fn hide_the_double_s_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload().downcast_ref::<&str>() != Some(&CANARY) {
            usual(panic);
        }
    }));
}

/// Every documented error, and what is none.
fn answers(keeps: Keeps) -> Vec<Answer> {
    let tables: &[&[Row]] = match keeps {
        Keeps::One => &[postgres::ERRORS, mysql::ERRORS],
        Keeps::Two => &[mysql::ERRORS, redis::ERRORS],
    };
    let documented = tables.iter().copied().flatten().map(|row| Answer::Error(row.kind("the change", row.code)));
    let unknown = Kind::TargetFailed { what: "the change", code: rotator::error::TargetCode::new("4711") };
    let broken = Kind::TargetUnreachable("the connection broke off");
    documented.chain([Answer::Error(unknown), Answer::Error(broken), Answer::Panic, Answer::Silence]).collect()
}

fn troubles(keeps: Keeps) -> Vec<Trouble> {
    let mut troubles = Vec::new();
    for (is_done, breaks) in [(true, true), (true, false), (false, true), (false, false)] {
        for test in [Test::Fine, Test::Refused, Test::Panics, Test::NotServed] {
            let answers = answers(keeps).into_iter().map(Some).chain([None]);
            troubles.extend(answers.map(|answer| Trouble { answer, is_done, breaks, test }));
        }
    }
    troubles
}

const WAYS: [(Strategy, bool); 3] =
    [(Strategy::SingleUser, false), (Strategy::SingleUser, true), (Strategy::AlternatingUsers, true)];

/// Whether nobody can restore the current password: the only session is lost, and the new password is one that the client
/// can't log in with.
fn is_hopeless(keeps: Keeps, admin: bool, trouble: &Trouble) -> bool {
    let can_log_in = matches!(trouble.test, Test::Fine | Test::NotServed);
    keeps == Keeps::One && !admin && trouble.is_done && trouble.breaks && !can_log_in
}

#[tokio::test(start_paused = true)]
async fn whatever_a_change_is_answered_the_server_accepts_what_the_secret_has() {
    hide_the_double_s_panics();
    let (mut cases, mut locked_out) = (0, 0);
    for keeps in [Keeps::One, Keeps::Two] {
        for ((strategy, admin), trouble) in
            WAYS.into_iter().flat_map(|way| troubles(keeps).into_iter().map(move |it| (way, it)))
        {
            let bench = Bench::new(keeps, strategy, admin);
            bench.server.trouble.replace(Some(trouble.clone()));
            let first = bench.deliver(T1).await;
            let context = format!("{keeps:?}, {strategy:?}, admin: {admin}, {trouble:?}: {first:?}");
            cases += 1;

            let is_locked_out = first.as_ref().is_err_and(|error| error.kind.is_locked_out());
            if is_hopeless(keeps, admin, &trouble) {
                locked_out += 1;
                assert!(is_locked_out, "{context}");
                assert_eq!(first.unwrap_err().class(), Class::Lockout, "{context}");
                assert!(bench.logs_in(PENDING), "the only clue is kept: {context}");
                continue;
            }
            assert!(!is_locked_out, "{context}");
            assert!(bench.logs_in(CURRENT), "{context}");
            if first.is_ok() {
                assert_eq!(bench.leftovers(), [""; 0], "{context}");
            }

            bench.server.trouble.replace(None);
            let second = bench.deliver(T1).await;
            assert!(bench.logs_in(CURRENT), "{context}, then {second:?}");
            let third = bench.deliver(T2).await;
            assert!(third.is_ok() && bench.logs_in(CURRENT), "{context}, then {second:?}, then {third:?}");
            assert_eq!(bench.state.borrow().holder(CURRENT), Some(T2), "{context}");
            assert_eq!(bench.leftovers(), [""; 0], "{context}");
        }
    }
    println!("{cases} cases, of which {locked_out} nobody could heal");
    assert!(cases > 5000 && locked_out * 20 < cases, "{cases} cases, {locked_out} locked out");
}

#[tokio::test(start_paused = true)]
async fn the_same_in_secrets_manager_s_own_steps() {
    hide_the_double_s_panics();
    for keeps in [Keeps::One, Keeps::Two] {
        for ((strategy, admin), trouble) in
            WAYS.into_iter().flat_map(|way| troubles(keeps).into_iter().map(move |it| (way, it)))
        {
            let bench = Bench::new(keeps, strategy, admin);
            bench.server.trouble.replace(Some(trouble.clone()));
            let first = bench.managed(T1).await;
            let context = format!("{keeps:?}, {strategy:?}, admin: {admin}, {trouble:?}: {first:?}");
            // The step that tries the value is an invocation of its own, without the session of the one before.
            let no_session = Trouble { breaks: true, ..trouble.clone() };
            if is_hopeless(keeps, admin, &no_session) {
                continue;
            }
            assert!(bench.logs_in(CURRENT), "{context}");
            bench.server.trouble.replace(None);
            // Secrets Manager goes on with the version that is pending, and else begins another.
            let pending = bench.state.borrow().holder(PENDING).map(str::to_owned);
            let second = bench.managed(pending.as_deref().unwrap_or(T2)).await;
            assert!(second.is_ok() && bench.logs_in(CURRENT), "{context}, then {second:?}");
            assert_eq!(bench.leftovers(), [""; 0], "{context}");
        }
    }
}

/// Every way by which the function logs in as the admin, with a value that whoever may write the secret has written.
#[tokio::test]
async fn no_value_leads_the_admin_elsewhere() {
    for (strategy, managed) in
        [Strategy::SingleUser, Strategy::AlternatingUsers].into_iter().flat_map(|it| [(it, false), (it, true)])
    {
        let user = |host: &str, user: &str| json!({"host": host, "username": user, "password": "x"}).to_string();
        for (written, label) in [
            (user("evil", "app"), CURRENT),
            (user("evil", "app"), PENDING),
            (user("evil", ADMIN), CURRENT),
            (user("db", ADMIN), CURRENT),
            (user("db", "root"), PENDING),
            (json!({"host": "db", "port": 2, "username": "app", "password": "x"}).to_string(), CURRENT),
        ] {
            let bench = Bench::new(Keeps::One, strategy, true);
            // What an abandoned rotation left is settled, which may take the admin too.
            bench.state.borrow_mut().put("written", &written, &[label, "rotator-base-older"]).unwrap();
            if managed {
                let _ = bench.managed(T1).await;
            } else {
                let _ = bench.deliver(T1).await;
            }
            let target = bench.target();
            let written: SecretText = written.into();
            let values = |current, pending| Values { current, pending, previous: Some(&written), is_new: false };
            let first: SecretText = login("app", "first").into();
            for values in [values(&written, &first), values(&first, &written), values(&written, &written)] {
                let _ = target.set(values, async || Ok(())).await;
                let _ = target.test(values, async || Ok(())).await;
                let _ = target.preflight(values).await;
                let _ = target.settle(values.current, Some(values.pending), None, async || Ok(())).await;
                let _ = target.check(values.current).await;
                let _ = target.check_admin().await;
            }
            let logins = bench.server.logins.borrow();
            let elsewhere = logins.iter().find(|(host, _)| host != "db");
            assert_eq!(elsewhere, None, "{strategy:?}, managed: {managed}");
            let who = logins.iter().find(|(_, user)| !["app", "app_clone", ADMIN].contains(&user.as_str()));
            assert_eq!(who, None, "{strategy:?}, managed: {managed}");
            let users = bench.server.users.borrow();
            assert_eq!(users[ADMIN], ["admin's"], "nor is its password changed");
        }
    }
}

/// What whoever may write the secret names or claims there is not believed before it has logged in.
#[tokio::test(start_paused = true)]
async fn a_written_value_proves_nothing_before_it_logs_in() {
    // A clone user is no user of a single-user stack's.
    let bench = Bench::new(Keeps::One, Strategy::SingleUser, true);
    bench.server.users.borrow_mut().insert("app_clone".to_owned(), vec!["somebody's".to_owned()]);
    bench.state.borrow_mut().put("written", &login("app_clone", "x"), &[CURRENT]).unwrap();
    assert_eq!(bench.deliver(T1).await.unwrap_err().kind, Kind::NoLogin);
    assert_eq!(bench.server.users.borrow()["app_clone"], ["somebody's"]);

    // A password that is not the user's is not kept as its second one.
    let bench = Bench::new(Keeps::Two, Strategy::SingleUser, true);
    bench.state.borrow_mut().put("written", &login("app", "known"), &[CURRENT]).unwrap();
    assert!(bench.deliver(T1).await.is_ok());
    assert!(bench.logs_in(CURRENT) && !bench.server.accepts("app", "known"));

    // A clone user is the secret's own only if a value of its own logs in.
    for (password, known) in [("x", false), ("clone's", true)] {
        let bench = Bench::new(Keeps::One, Strategy::AlternatingUsers, true);
        bench.server.users.borrow_mut().insert("app_clone".to_owned(), vec!["clone's".to_owned()]);
        bench.state.borrow_mut().put("written", &login("app_clone", password), &[CURRENT]).unwrap();
        bench.state.borrow_mut().put("again", &login("app", "first"), &[CURRENT]).unwrap();
        assert!(bench.deliver(T1).await.is_ok());
        assert_eq!(*bench.server.known.borrow(), [known]);
    }
}

/// A person changes the password on the server and in the secret, while a delivery is between *set* and *test*.
#[tokio::test(start_paused = true)]
async fn a_change_by_a_person_is_never_taken_back() {
    for (keeps, admin) in [(Keeps::One, false), (Keeps::One, true), (Keeps::Two, true)] {
        let bench = Bench::new(keeps, Strategy::SingleUser, admin);
        let target = bench.target();
        let (current, pending): (SecretText, SecretText) = (login("app", "first").into(), login("app", "new").into());
        let values = Values { current: &current, pending: &pending, previous: None, is_new: true };
        target.set(values, async || Ok(())).await.unwrap();
        bench.server.users.borrow_mut().insert("app".to_owned(), vec!["person's".to_owned()]);
        assert_eq!(target.test(values, async || Err(Kind::Changed)).await, Err(Kind::Changed));
        assert_eq!(bench.server.users.borrow()["app"], ["person's"]);
        // Nor does a late delivery do anything to it.
        assert_eq!(target.set(values, async || Err(Kind::Changed)).await, Err(Kind::Changed));
        let settled = target.settle(&current, Some(&pending), None, async || Err(Kind::Changed)).await;
        assert!(settled.is_err());
        assert_eq!(bench.server.users.borrow()["app"], ["person's"]);
    }
}

/// A value that nobody set becomes current, while a rotation is cut off: the previous value is the way on.
#[tokio::test(start_paused = true)]
async fn a_wrong_current_value_heals_by_the_previous_one_beside_a_stray() {
    let bench = Bench::new(Keeps::One, Strategy::SingleUser, false);
    let answer = Some(Answer::Error(Kind::TargetUnreachable("the connection broke off")));
    bench.server.trouble.replace(Some(Trouble { answer, is_done: false, breaks: true, test: Test::Fine }));
    assert!(bench.deliver(T1).await.is_err());
    bench.state.borrow_mut().put("typo", &login("app", "frist"), &[CURRENT]).unwrap();
    let done = bench.deliver(T2).await;
    assert!(done.is_ok() && bench.logs_in(CURRENT), "{done:?}");
    assert_eq!(bench.leftovers(), [""; 0]);
}

#[test]
fn the_admin_s_login_has_one_gate() {
    let sources = [
        include_str!("../src/target/database.rs"),
        include_str!("../src/target/database/recovery.rs"),
        include_str!("../src/target/database/session.rs"),
    ];
    let calls = |of: &str| sources.iter().map(|source| source.matches(of).count()).sum::<usize>();
    // A session of the admin's for a change, one for a restoration, and the self-check's question.
    assert_eq!(calls("binding.admin()"), 3);
    assert_eq!(calls("admin_session("), 2, "where it is made, and where the user is looked at first");
    assert_eq!(calls("session_for("), 3);
    let gate = include_str!("../src/target/binding.rs");
    assert_eq!(gate.matches("Credentials::read(").count(), 3, "nothing else reads a login out of a value");
    assert_eq!(calls("Credentials::read("), 0);
}

/// A value that can't succeed, or that an earlier spec has made, gives way by itself.
#[tokio::test(start_paused = true)]
async fn a_pending_value_of_an_earlier_spec_blocks_nobody() {
    for (strategy, admin) in WAYS {
        for is_set in [false, true] {
            let mut bench = Bench::new(Keeps::One, strategy, admin);
            // Cut off before or after the server was told.
            let answer = Some(Answer::Error(Kind::TargetUnreachable("the connection broke off")));
            let trouble = Trouble { answer, is_done: is_set, breaks: true, test: Test::Fine };
            bench.server.trouble.replace(Some(trouble));
            let first = bench.deliver(T1).await;
            bench.policy.length = 48;
            let context = format!("{strategy:?}, admin: {admin}, set: {is_set}: {first:?}");
            let second = bench.deliver(T2).await;
            assert!(second.is_ok() && bench.logs_in(CURRENT), "{context}, {second:?}");
            assert_eq!(bench.leftovers(), [""; 0], "{context}");
            let state = bench.state.borrow();
            let current: Value = serde_json::from_str(&state.values[state.holder(CURRENT).unwrap()]).unwrap();
            assert_eq!(current["password"].as_str().unwrap().len(), 48, "{context}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn another_strategy_takes_over_from_a_pending_value_of_the_one_before() {
    for (before, after) in
        [(Strategy::SingleUser, Strategy::AlternatingUsers), (Strategy::AlternatingUsers, Strategy::SingleUser)]
    {
        for managed in [false, true] {
            let mut bench = Bench::new(Keeps::One, before, true);
            let answer = Some(Answer::Error(Kind::TargetUnreachable("the connection broke off")));
            bench.server.trouble.replace(Some(Trouble { answer, is_done: false, breaks: true, test: Test::Fine }));
            let first = if managed { bench.managed(T1).await } else { bench.deliver(T1).await.map(drop) };
            assert!(first.is_err());
            bench.login.strategy = after;
            let second = if managed {
                let outdated = bench.managed(T1).await.unwrap_err();
                assert_eq!(outdated.kind, Kind::Outdated);
                assert_eq!(bench.leftovers(), [""; 0]);
                bench.managed(T2).await
            } else {
                bench.deliver(T2).await.map(drop)
            };
            assert!(second.is_ok() && bench.logs_in(CURRENT), "{before:?}, managed: {managed}: {second:?}");
            assert_eq!(bench.leftovers(), [""; 0]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pending_value_that_nobody_can_use_is_discarded() {
    for value in ["canary", "{}", r#"{"host":"evil","username":"app","password":"x"}"#, r#"{"username":7}"#] {
        for base in ["rotator-base-base", "rotator-base-older", "custom"] {
            let bench = Bench::new(Keeps::One, Strategy::SingleUser, false);
            bench.state.borrow_mut().put(T1, value, &[PENDING, base]).unwrap();
            let done = bench.deliver(T2).await;
            assert!(done.is_ok(), "{value}, {base}: {done:?}");
            assert_eq!(bench.leftovers(), [""; 0], "{value}, {base}");
            assert_eq!(bench.state.borrow().holder(CURRENT), Some(T2));
        }
    }
}
