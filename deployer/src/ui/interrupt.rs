//! Ctrl-C and SIGTERM.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};

use super::Ui;
use crate::engine::Stop;
use crate::exit::Exit;

/// Listens for Ctrl-C and SIGTERM. Before anything is changed, one ends the process; after that the first begins nothing
/// more, and the second waits for nothing either.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    /// What a run looks at.
    pub stop: Stop,
    changing: Arc<AtomicBool>,
}

impl Interrupt {
    /// Begins to listen.
    #[must_use]
    pub fn listen(ui: Ui) -> Self {
        let this = Self::default();
        if let (Ok(mut interrupt), Ok(mut terminate)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        {
            let heard = this.clone();
            tokio::spawn(async move {
                loop {
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                    }
                    heard.on_signal(ui);
                }
            });
        }
        this
    }

    fn on_signal(&self, ui: Ui) {
        if !self.changing.load(Ordering::Relaxed) {
            ui.note("\nInterrupted. Nothing was changed.\n");
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
        if self.stop.gently.is_cancelled() {
            self.stop.at_once.cancel();
        } else {
            ui.note("\nInterrupted: finishing the calls in flight, and starting none. Again to wait for nothing.\n");
            self.stop.gently.cancel();
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
}
