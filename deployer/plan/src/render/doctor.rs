//! What an examination found, as a person reads it.

use super::page::{Page, Palette};
use crate::doctor::{Finding, Level};
use crate::spec::Spec;

/// One line a finding, with why and what next under what is not good, and a summary.
#[must_use]
pub fn doctor(spec: &Spec, findings: &[Finding], palette: &Palette) -> Page {
    let (strong, faint) = (palette.strong(), palette.faint());
    let place = format!("account {}, {}", spec.account, spec.region);
    let mut out = Page::new();
    let _ = writeln!(out, "{strong}{}{strong:#}  {faint}{place}{faint:#}", spec.name);
    out.blank();
    for finding in findings {
        let (sign, style) = match finding.level {
            Level::Good => ("✓", palette.good()),
            Level::Notice => ("!", palette.attention()),
            Level::Problem => ("✗", palette.bad()),
        };
        let _ = writeln!(out, "  {style}{sign}{style:#} {:<17}  {}", finding.address, finding.what);
        for line in &finding.why {
            let _ = writeln!(out, "      {faint}{line}{faint:#}");
        }
        if let Some(next) = &finding.mend {
            let _ = writeln!(out, "      next: {next}");
        }
    }
    out.blank();
    summary(&mut out, findings, palette);
    out
}

fn summary(out: &mut Page, findings: &[Finding], palette: &Palette) {
    let count = |level: Level, word: &str| {
        let count = findings.iter().filter(|finding| finding.level == level).count();
        format!("{count} {word}{}", if count == 1 { "" } else { "s" })
    };
    let (problems, notices) = (count(Level::Problem, "problem"), count(Level::Notice, "notice"));
    let is_healthy = findings.iter().all(|finding| finding.level != Level::Problem);
    let (style, word) = if is_healthy { (palette.good(), "Healthy:") } else { (palette.bad(), "Not healthy:") };
    let _ = writeln!(out, "{style}{word}{style:#} {problems}, {notices}.");
}
