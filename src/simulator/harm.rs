//! Files that no process may start over: damaged, cut off, gone with their log left.

use std::path::{Path, PathBuf};

use rand::Rng;
use rand::rngs::StdRng;

use crate::sandbox::Sandbox;

use super::SimulationError;
use super::gate::Gate;
use super::world::World;

/// What became of the database's file while no process was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Harm {
    /// Half of it is gone.
    CutOff,
    /// Its beginning is overwritten.
    Beginning,
    /// Every page behind the first is.
    Pages,
    /// It is gone, and its log is there.
    Gone,
}

impl Harm {
    pub(super) fn draw(dice: &mut StdRng) -> Harm {
        const ALL: [Harm; 4] = [Harm::CutOff, Harm::Beginning, Harm::Pages, Harm::Gone];
        ALL[dice.random_range(0..ALL.len())]
    }

    fn done_to(self, file: &Path, whole: &[u8]) -> Result<(), SimulationError> {
        let half = whole.len() / 2;
        match self {
            Harm::CutOff => std::fs::write(file, &whole[..half])?,
            Harm::Beginning => std::fs::write(file, [&[0x5a; 100], &whole[100..]].concat())?,
            Harm::Pages => {
                std::fs::write(file, [&whole[..4_096], &vec![0x5a; whole.len() - 4_096]].concat())?
            }
            Harm::Gone => {
                std::fs::remove_file(file)?;
                std::fs::write(log_of(file), b"what was written last")?;
            }
        }
        Ok(())
    }
}

fn log_of(file: &Path) -> PathBuf {
    let mut log = file.to_owned().into_os_string();
    log.push("-wal");
    log.into()
}

impl World {
    /// Starts a process over a harmed file, which must be refused and touch nothing; then the file is whole again. What
    /// was not as it must be, in words.
    pub(super) async fn start_over(
        &self,
        harm: Harm,
        far: &Sandbox,
        gate: &Gate,
    ) -> Result<Option<String>, SimulationError> {
        let file = self.path().join("straits.db");
        let whole = std::fs::read(&file)?;
        harm.done_to(&file, &whole)?;
        let before = std::fs::read(&file).ok();
        let found = match self.boot(far, gate, 1).await {
            Ok((store, _)) => {
                store.close().await;
                Some(format!("a process started over {harm:?}"))
            }
            Err(_) if std::fs::read(&file).ok() != before => {
                Some(format!("a start over {harm:?} changed the file"))
            }
            Err(_) => None,
        };
        for left in [log_of(&file), file.with_extension("db-shm")] {
            if left.exists() {
                std::fs::remove_file(left)?;
            }
        }
        std::fs::write(&file, whole)?;
        Ok(found)
    }
}
