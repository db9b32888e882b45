//! How far each host has come: what failed where, which handlers are due, what tasks have left.

use std::collections::{BTreeMap, BTreeSet};

use super::layout::{Part, Stage};
use crate::inventory::HostName;
use crate::playbook::{Block, Failing, Results, Section, Within};

/// The state of a walk that is not its place.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    /// Hosts on which something failed that nothing caught.
    pub(super) failed: BTreeSet<HostName>,
    /// By play, block, section and host.
    failed_in: BTreeSet<(usize, usize, Section, HostName)>,
    /// Where failures were that nothing caught: by play and batch, the blocks around.
    stopped_in: Vec<(usize, usize, Vec<Within>)>,
    /// Handlers that are due, by name and host.
    pub(super) notified: BTreeSet<(String, HostName)>,
    /// What tasks have left, by host.
    pub(super) results: BTreeMap<HostName, Results>,
}

impl Progress {
    /// Something failed on a host: it goes outwards through the blocks until one catches it.
    pub(super) fn fail(
        &mut self,
        stage: &Stage<'_>,
        within: &[Within],
        host: &HostName,
    ) -> Failing {
        let blocks: &[Block] = &stage.play.blocks;
        for at in within.iter().rev() {
            self.failed_in
                .insert((stage.number, at.block, at.section, host.clone()));
            let catches = blocks
                .get(at.block)
                .is_some_and(|block| block.failure == Failing::Caught);
            if at.section == Section::Tasks && catches {
                return Failing::Caught;
            }
        }
        self.failed.insert(host.clone());
        self.stopped_in
            .push((stage.number, stage.batch, within.to_vec()));
        Failing::Passes
    }

    fn has_failed_in(
        &self,
        stage: &Stage<'_>,
        block: usize,
        section: Section,
        host: &HostName,
    ) -> bool {
        self.failed_in
            .contains(&(stage.number, block, section, host.clone()))
    }

    /// Whether a host has come to a place among the blocks.
    pub(super) fn takes_part(&self, stage: &Stage<'_>, within: &[Within], host: &HostName) -> bool {
        if stage.part == Part::Handlers {
            return true;
        }
        for at in within.iter().rev() {
            let failed = |section| self.has_failed_in(stage, at.block, section, host);
            let inside = failed(Section::Tasks) || failed(Section::Rescue);
            match at.section {
                Section::Tasks if failed(Section::Tasks) => return false,
                Section::Rescue if !failed(Section::Tasks) || failed(Section::Rescue) => {
                    return false;
                }
                Section::Always if failed(Section::Always) => return false,
                // It was in this block, whatever happened around it since.
                Section::Always if inside => return true,
                _ => {}
            }
        }
        !self.failed.contains(host)
    }

    /// Whether a stage is still to be done. After a failure that nothing caught, everybody stops but for
    /// what must happen always in the blocks that they are in, and for handlers: a changed file never
    /// waits for the next run to take effect. What concerns several hosts at once is left for the run
    /// in which all of them are well.
    pub(super) fn is_due(&self, stage: &Stage<'_>) -> bool {
        if self.stopped_in.is_empty() {
            return true;
        }
        if stage.part == Part::Handlers {
            return !stage.tasks.iter().any(|task| task.module.is_barrier());
        }
        let within = stage.tasks.first().map_or(&[][..], |task| &task.within);
        self.stopped_in.iter().any(|(play, batch, stopped)| {
            (*play, *batch) == (stage.number, stage.batch)
                && within.iter().any(|at| {
                    let inside =
                        |of: &Within| of.block == at.block && of.section != Section::Always;
                    at.section == Section::Always && stopped.iter().any(inside)
                })
        })
    }
}
