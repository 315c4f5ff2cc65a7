//! Ctrl-C, SIGTERM, and a terminal that goes away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use plan::render::Page;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Ui;
use crate::engine::Stop;
use crate::exit::Exit;

/// Listens for signals. The first begins nothing more, and the second waits for nothing either; before anything is
/// changed the first waits for nothing already.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    /// What a run looks at.
    pub stop: Stop,
    changing: Arc<AtomicBool>,
}

impl Interrupt {
    /// Begins to listen. Until then a signal ends the process, so it comes after what may block, as reading a file.
    #[must_use]
    pub fn listen(ui: Ui) -> Self {
        let this = Self::default();
        for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
            this.hear(kind, move |this| this.on_signal(ui));
        }
        // Who starts a command with `nohup` wants it to outlive the terminal.
        if !is_ignored(SignalKind::hangup()) {
            // A terminal that goes away may tell so twice, by the kernel and by the shell: that is no second wish.
            this.hear(SignalKind::hangup(), move |this| {
                if !this.is_interrupted() {
                    this.on_signal(ui);
                }
            });
        }
        this
    }

    fn hear(&self, kind: SignalKind, act: impl Fn(&Self) + Send + 'static) {
        let Ok(mut signals): std::io::Result<Signal> = signal(kind) else { return };
        let heard = self.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                act(&heard);
            }
        });
    }

    fn on_signal(&self, ui: Ui) {
        let is_changing = self.changing.load(Ordering::Relaxed);
        if !self.stop.gently.is_cancelled() {
            ui.note(&Page::of(if is_changing {
                "\nInterrupted: finishing the calls in flight, and starting none. Again to wait for nothing."
            } else {
                "\nInterrupted. Nothing was changed."
            }));
            self.stop.gently.cancel();
        } else if is_changing && !self.stop.at_once.is_cancelled() {
            self.stop.at_once.cancel();
        } else {
            // The report should have come by now.
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
    }

    /// From now on there is something to report.
    pub fn changes_begin(&self) {
        self.changing.store(true, Ordering::Relaxed);
    }

    /// Whether a signal came.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.stop.gently.is_cancelled()
    }

    /// What `work` comes to; `None` once a signal has come. For work that changes nothing.
    pub async fn reading<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.stop.gently.cancelled() => None,
            done = work => Some(done),
        }
    }

    /// What `work` comes to; `None` once a second signal has come. For work whose end should be known.
    pub async fn changing<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.stop.at_once.cancelled() => None,
            done = work => Some(done),
        }
    }
}

/// Whether the process was started with that signal ignored; where the system doesn't tell, it was not.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or_default();
    mask >> (kind.as_raw_value() - 1) & 1 == 1
}
