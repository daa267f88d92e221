//! Who comes where, and who dies there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use straits::crash::{Point, Schedule, Verdict};
use tokio::sync::Notify;

/// Counts the points that are passed, and lets the process die at one of them.
#[derive(Debug, Default)]
pub struct Watch {
    state: Mutex<State>,
    death: Notify,
}

#[derive(Debug, Default)]
struct State {
    on: bool,
    at: Option<(Point, u32)>,
    seen: BTreeMap<Point, u32>,
}

impl Watch {
    pub fn new() -> Arc<Watch> {
        Arc::default()
    }

    /// From now on it counts, and the process dies at the n-th hit of this point.
    pub fn begin(&self, at: Option<(Point, u32)>) {
        *self.state.lock().unwrap() = State { on: true, at, seen: BTreeMap::new() };
    }

    /// What was passed since it began.
    pub fn seen(&self) -> BTreeMap<Point, u32> {
        self.state.lock().unwrap().seen.clone()
    }

    /// Resolves when the process is dead.
    pub async fn death(&self) {
        self.death.notified().await;
    }
}

#[async_trait]
impl Schedule for Watch {
    async fn reach(&self, point: Point) -> Verdict {
        let mut state = self.state.lock().unwrap();
        if !state.on {
            return Verdict::GoOn;
        }
        let hits = state.seen.entry(point).or_default();
        *hits += 1;
        let here = (point, *hits);
        if state.at == Some(here) {
            state.on = false;
            self.death.notify_one();
            return Verdict::Die;
        }
        Verdict::GoOn
    }
}
