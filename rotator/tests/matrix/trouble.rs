//! What may happen in a rotation, and when.

use crate::answer::{self, Message};
use crate::bench::Engine;
use crate::proxy::Cut;

/// What happens, at which call or message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// Secrets Manager throttles this call and all after it.
    Throttled(usize),
    /// Secrets Manager drops this call and all after it.
    Lost(usize),
    /// This call takes effect, and its answer is lost.
    Unanswered(usize),
    /// The function is killed when it makes this call.
    KilledBeforeCall(usize),
    /// The function is killed when this call has taken effect.
    KilledAfterCall(usize),
    /// What happens at a message to the server.
    At(usize, Cut),
}

impl Trouble {
    /// Whether the function waits for long.
    pub fn is_slow(self) -> bool {
        matches!(self, Self::At(_, Cut::Silent | Cut::Swallowed))
    }

    /// Whether the answer may say that the server refuses the password for what it is.
    pub fn is_password_refused(self) -> bool {
        match self {
            Self::At(_, Cut::Replaced(code) | Cut::NotDone(code)) => answer::is_password_refused(code),
            _ => false,
        }
    }
}

impl Planned {
    /// Whether a client that is gone without a word may have a lock.
    pub fn may_keep_lock(self, ran: &[Ran]) -> bool {
        let Trouble::At(at, _) = self.trouble else { return false };
        self.trouble.is_slow() && ran[self.step].messages.get(at).is_none_or(|message| !message.is_login)
    }
}

/// What an invocation did when nothing happened.
#[derive(Debug, Clone, Default)]
pub struct Ran {
    pub calls: usize,
    pub messages: Vec<Message>,
}

/// A trouble in one of the invocations of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    pub step: usize,
    pub trouble: Trouble,
}

/// All troubles, those of one sort together; those of a change first, if there is one. `every_error`: of a change there is
/// each error, as other messages have one each.
fn sorts(engine: Engine, ran: &[Ran], every_error: bool) -> Vec<Vec<Planned>> {
    let mut sorts: Vec<Vec<Planned>> = Vec::new();
    let calls: [fn(usize) -> Trouble; 5] =
        [Trouble::Throttled, Trouble::Lost, Trouble::Unanswered, Trouble::KilledBeforeCall, Trouble::KilledAfterCall];
    for trouble in calls {
        let of = |(step, ran): (usize, &Ran)| (0..ran.calls).map(move |call| Planned { step, trouble: trouble(call) });
        sorts.push(ran.iter().enumerate().flat_map(of).collect());
    }
    let messages: Vec<(usize, usize, Message)> = ran
        .iter()
        .enumerate()
        .flat_map(|(step, ran)| ran.messages.iter().enumerate().map(move |(at, message)| (step, at, *message)))
        .collect();
    let mut at = |cut: Cut, wanted: &dyn Fn(usize, Message) -> bool| {
        let messages = messages.iter().enumerate().filter(|(number, (.., message))| wanted(*number, *message));
        let planned = |(step, at)| Planned { step, trouble: Trouble::At(at, cut) };
        let (mut changes, others): (Vec<_>, Vec<_>) =
            messages.map(|(_, message)| *message).partition(|(.., message)| message.is_change);
        changes.extend(others);
        sorts.push(changes.into_iter().map(|(step, at, _)| planned((step, at))).collect());
    };
    for cut in [Cut::Before, Cut::After, Cut::KillBefore, Cut::KillAfter, Cut::Down, Cut::Silent, Cut::Swallowed] {
        at(cut, &|_, message| message.is_answered || !matches!(cut, Cut::Silent | Cut::Swallowed));
    }
    let codes = answer::codes(engine);
    for (turn, code) in codes.iter().enumerate() {
        for (shift, cut) in [Cut::Replaced(code), Cut::NotDone(code)].into_iter().enumerate() {
            let in_turn = |number: usize| (number + shift) % codes.len() == turn;
            // To a right password no server says that it is wrong.
            let fits = |message: Message| message.is_answered && (message.is_change || *code != "1045");
            at(cut, &|number, message| fits(message) && (every_error && message.is_change || in_turn(number)));
        }
    }
    sorts.retain(|sort| !sort.is_empty());
    sorts
}

/// All that may happen.
pub fn all(engine: Engine, ran: &[Ran], every_error: bool) -> Vec<Planned> {
    sorts(engine, ran, every_error).concat()
}

/// One of each sort, at another place for each seed, and of the errors a few; then every `stride`th of these. Slow ones are
/// left out.
pub fn sample(engine: Engine, ran: &[Ran], seed: usize, stride: usize) -> Vec<Planned> {
    let (mut sample, mut errors) = (Vec::new(), Vec::new());
    for (number, sort) in sorts(engine, ran, true).into_iter().enumerate() {
        let one = sort[(seed * 7 + number * 5) % sort.len()];
        match one.trouble {
            // The first are those of a change.
            Trouble::At(_, Cut::Replaced(_) | Cut::NotDone(_)) => errors.push(sort[seed % sort.len().min(3)]),
            trouble if trouble.is_slow() => {}
            _ => sample.push(one),
        }
    }
    sample.extend(errors.iter().cycle().skip(seed * 3).take(3));
    sample.into_iter().skip(seed % stride).step_by(stride).collect()
}

/// A slow one, another for each seed.
pub fn slow(engine: Engine, ran: &[Ran], seed: usize) -> Planned {
    let slow: Vec<Planned> = all(engine, ran, false).into_iter().filter(|planned| planned.trouble.is_slow()).collect();
    slow[seed * 11 % slow.len()]
}
