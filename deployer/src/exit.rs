//! Exit codes: one table, printed by `--help` and by the documentation.

/// What a run came to, from best to worst; of several stacks the worst counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done, or nothing to do.
    Done,
    /// `plan --detailed-exitcode`: there are changes.
    Changes,
    /// A saved plan no longer fits what is live.
    Stale,
    /// A foreign resource, another account, or a protected one: nothing of it was touched.
    Refused,
    /// Something failed.
    Error,
    /// Stopped by Ctrl-C, SIGTERM or SIGHUP, whatever was done by then.
    Interrupted,
}

impl Exit {
    /// The process's exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Error => 1,
            Self::Changes => 2,
            Self::Refused => 3,
            Self::Stale => 4,
            Self::Interrupted => 130,
        }
    }
}

/// The table as `--help` shows it.
pub const TABLE: &str = "\
Exit codes:
  0    done, or no changes
  1    error
  2    changes pending (plan --detailed-exitcode)
  3    refused: foreign resource, wrong account, or protected
  4    saved plan is stale
  130  interrupted";

#[cfg(test)]
mod tests {
    use super::{Exit, TABLE};

    #[test]
    fn the_table_names_every_code() {
        for exit in [Exit::Done, Exit::Changes, Exit::Stale, Exit::Refused, Exit::Error, Exit::Interrupted] {
            assert!(TABLE.lines().any(|line| line.trim_start().starts_with(&format!("{} ", exit.code()))));
        }
    }
}
