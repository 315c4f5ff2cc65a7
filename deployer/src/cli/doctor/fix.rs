//! The safe mends: labels, one by one, each only as long as it is still called for.

use plan::doctor::{Finding, Fix};
use plan::render::Page;
use serde::Serialize;

use super::gather::Gathered;
use crate::cli::failure::explain;
use crate::ui::{Interrupt, Ui};

/// What became of a mend.
#[derive(Debug, Serialize)]
pub struct Fixed {
    #[serde(flatten)]
    fix: Fix,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Done,
    Skipped,
    Failed,
    /// The run was interrupted before.
    NotStarted,
    /// It was begun, and no one waited for its end.
    Unknown,
}

impl Fixed {
    /// Whether it could not be done.
    pub fn is_failure(&self) -> bool {
        self.outcome == Outcome::Failed
    }
}

/// Whether all mends of a finding are done.
pub fn is_done(finding: &Finding, fixed: &[Fixed]) -> bool {
    let is_done = |fix: &Fix| fixed.iter().any(|one| one.fix == *fix && one.outcome == Outcome::Done);
    !finding.fixes.is_empty() && finding.fixes.iter().all(is_done)
}

/// Does what the findings offer, in their order, and tells it.
pub async fn all(gathered: &Gathered, findings: &[Finding], interrupt: &Interrupt, ui: Ui) -> Vec<Fixed> {
    let mut fixed = Vec::new();
    for fix in findings.iter().flat_map(|finding| &finding.fixes) {
        let not = |outcome, why: &str| Fixed { fix: fix.clone(), outcome, reason: Some(why.to_owned()) };
        let one = if interrupt.is_interrupted() {
            not(Outcome::NotStarted, "the run was stopped before")
        } else {
            let carried_out = interrupt.changing(carry_out(gathered, fix.clone())).await;
            carried_out.unwrap_or_else(|| not(Outcome::Unknown, "no answer was waited for"))
        };
        tell(&one, ui);
        fixed.push(one);
    }
    fixed
}

async fn carry_out(gathered: &Gathered, fix: Fix) -> Fixed {
    let (clients, spec) = (&gathered.planned.clients, &gathered.planned.stack.spec);
    let secret = gathered.planned.live.secret.as_ref().map_or(spec.secret.name.as_str(), |live| live.arn.as_str());
    let (outcome, reason) = match clients.carry_out(secret, &fix, spec.trigger.managed().is_some()).await {
        Ok(true) => (Outcome::Done, None),
        Ok(false) => (Outcome::Skipped, Some("the labels have moved since".to_owned())),
        Err(error) => (Outcome::Failed, Some(explain(&error))),
    };
    Fixed { fix, outcome, reason }
}

fn tell(fixed: &Fixed, ui: Ui) {
    let (version, label) = fixed.fix.removal();
    let reason = fixed.reason.as_deref().unwrap_or_default();
    match fixed.outcome {
        Outcome::Done => {
            let good = ui.err.good();
            let mut page = Page::new();
            let _ = writeln!(page, "  {good}✓{good:#} removed {label} from version {version}");
            ui.progress(&page);
        }
        Outcome::Skipped | Outcome::NotStarted => {
            ui.note(&Page::of(&format!("  left {label} on version {version}: {reason}")));
        }
        Outcome::Unknown => ui.error(&format!("{label} may still be on version {version}"), &[reason.to_owned()]),
        Outcome::Failed => ui.error(&format!("{label} is still on version {version}"), &[reason.to_owned()]),
    }
}
