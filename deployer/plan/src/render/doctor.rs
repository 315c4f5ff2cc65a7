//! What an examination found, as a person reads it.

use std::fmt::Write as _;

use super::Palette;
use crate::doctor::{Finding, Level};
use crate::spec::Spec;

/// One line a finding, with why and what next under what is not good, and a summary.
#[must_use]
pub fn doctor(spec: &Spec, findings: &[Finding], palette: &Palette) -> String {
    let (strong, faint) = (palette.strong(), palette.faint());
    let place = format!("account {}, {}", spec.account, spec.region);
    let mut out = format!("{strong}{}{strong:#}  {faint}{place}{faint:#}\n\n", spec.name);
    for finding in findings {
        let (sign, style) = match finding.level {
            Level::Good => ("✓", palette.good()),
            Level::Notice => ("!", palette.attention()),
            Level::Problem => ("✗", palette.bad()),
        };
        let _ = writeln!(out, "  {style}{sign}{style:#} {:<17}  {}", finding.address, finding.what);
        for line in &finding.why {
            let _ = writeln!(out, "      {faint}{}{faint:#}", line.replace('\n', "\n      "));
        }
        if let Some(next) = &finding.mend {
            let _ = writeln!(out, "      next: {next}");
        }
    }
    let _ = writeln!(out, "\n{}", summary(findings, palette));
    out
}

fn summary(findings: &[Finding], palette: &Palette) -> String {
    let count = |level: Level, word: &str| {
        let count = findings.iter().filter(|finding| finding.level == level).count();
        format!("{count} {word}{}", if count == 1 { "" } else { "s" })
    };
    let (problems, notices) = (count(Level::Problem, "problem"), count(Level::Notice, "notice"));
    let is_healthy = findings.iter().all(|finding| finding.level != Level::Problem);
    let (style, word) = if is_healthy { (palette.good(), "Healthy:") } else { (palette.bad(), "Not healthy:") };
    format!("{style}{word}{style:#} {problems}, {notices}.")
}
