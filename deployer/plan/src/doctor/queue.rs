//! The dead-letter queue: what EventBridge Scheduler gave up.

use super::{Address, Evidence, Finding, Queue};

pub(super) fn examine(evidence: &Evidence<'_>) -> Option<Finding> {
    let address = Address::DeadLetterQueue;
    Some(match &evidence.queue {
        Queue::Unnamed => return None,
        Queue::Absent => Finding::problem(address, "the queue is not there: what can't be delivered is lost")
            .why(evidence.spec.schedule.dead_letter_queue.clone().unwrap_or_default())
            .mend("create the queue, or correct the spec's `schedule.dead_letter_queue`"),
        Queue::Holds(0) => Finding::good(address, "empty"),
        Queue::Holds(count) => Finding::notice(address, format!("it holds {count} of what could not be delivered"))
            .why("each message's attributes ERROR_CODE and ERROR_MESSAGE say why")
            .mend("read the messages, then purge the queue"),
        Queue::Unread(why) => Finding::notice(address, "it can't be read").unread(why),
    })
}
