//! What a case does, as steps that any fleet carries out.

use std::time::Duration;

use hactl::facts::Observation;
use hactl::mysql::Switch;
use hactl::plan::{Action, FenceMethod, LiveVariable, OnFailure, Proof, Receiving, Step};

use super::cases::Does;
use super::name;

/// A commit that waits in vain is waited for so long.
const BOUND: Duration = Duration::from_secs(2);

/// The step. What it fetches up to is what is seen.
pub(crate) fn step(does: Does, seen: &Observation) -> Step {
    let (host, action) = action(does, seen);
    Step {
        task: "conformance".to_owned(),
        host: name(host),
        action,
        why: String::new(),
        on_failure: OnFailure::Stop,
    }
}

fn action(does: Does, seen: &Observation) -> (u32, Action) {
    match does {
        Does::Drain(host) => {
            let at_boot = Receiving::Held;
            (host, Action::Drain { at_boot })
        }
        Does::Promote(host) => (host, promote(Proof::OwnRow)),
        Does::PromoteFollowed(host) => (host, promote(Proof::Applied)),
        Does::Replicate(host, source) => {
            let (source, differs) = (name(source), Vec::new());
            (host, Action::Replicate { source, differs })
        }
        Does::Repoint(host, source) => {
            let (source, within) = (name(source), BOUND);
            (host, Action::Repoint { source, within })
        }
        Does::Demote(host) => {
            let (within, vip) = (BOUND, None);
            (host, Action::Demote { within, vip })
        }
        Does::Fence(host) => {
            let method = FenceMethod::Ssh;
            (host, Action::Fence { method })
        }
        Does::Unfence(host) => (host, Action::Unfence),
        Does::Rewind(host) => (host, Action::Rewind),
        Does::Salvage(host, from) => {
            let (from, after) = (name(from), None);
            (host, Action::Salvage { from, after })
        }
        Does::CatchUp(host, source) => {
            let source = name(source);
            let until = &seen.server(&source).expect("it is up").executed;
            let until = until.clone();
            (host, Action::CatchUp { source, until })
        }
        Does::Writable(host) => (host, set(LiveVariable::ReadOnly, Switch::Off)),
        Does::WaitForNobody(host) => (host, set(LiveVariable::SemiSyncSource, Switch::Off)),
        Does::WaitForReplicas(host) => (host, set(LiveVariable::SemiSyncSource, Switch::On)),
    }
}

fn promote(proof: Proof) -> Action {
    let within = BOUND * 5;
    Action::Promote { within, proof }
}

/// A variable of a live server.
pub(crate) fn set(variable: LiveVariable, value: Switch) -> Action {
    Action::SetVariable { variable, value }
}
