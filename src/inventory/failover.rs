//! How a failover behaves: how soon a primary is taken for dead, what is tried first, and how it is
//! fenced. It must never weaken a safety rule by its defaults: what permits harm is a flag that is
//! named by the harm, not a setting.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `failover:` of the inventory, everything filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct FailoverPolicy {
    /// How often each server is asked while watching.
    pub probe_interval: Duration,
    /// After how long without any answer a server counts as silent.
    pub silence: Duration,
    /// What is tried first when only the server's process died.
    pub prefer: Prefer,
    /// How long a primary that died may take to come back by itself where that is preferred.
    pub in_place_wait: Duration,
    /// No second automatic failover within this time (S21).
    pub min_interval: Duration,
    /// How a primary that ssh does not reach is fenced.
    pub fence: Option<FenceCommand>,
}

impl Default for FailoverPolicy {
    fn default() -> Self {
        Self {
            probe_interval: Duration::from_millis(500),
            silence: Duration::from_millis(1500),
            prefer: Prefer::Fastest,
            in_place_wait: Duration::from_secs(10),
            min_interval: Duration::from_hours(1),
            fence: None,
        }
    }
}

/// What is tried first when the primary's process died and its host lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Prefer {
    /// Whatever is there first: the same server, if it is back whole before a promotion has begun;
    /// else a replica.
    #[default]
    Fastest,
    /// Wait for the same server for `in_place_wait`, then promote a replica.
    InPlace,
    /// Always promote a replica.
    Promote,
}

/// A program on the controller that makes a host harmless for certain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FenceCommand {
    /// The command line, run by `/bin/sh -c` with `HACTL_HOST`, `HACTL_ADDRESS`, `HACTL_PORT`,
    /// `HACTL_CLUSTER`, and `HACTL_SSH` (`works` or `fails`) in its environment.
    pub command: String,
    /// Which words it expects and which exit codes it gives.
    pub contract: FenceContract,
    /// How long it may take.
    pub timeout: Duration,
}

/// Which words a fence program expects, and which exit codes it gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FenceContract {
    /// No arguments; exit 0 is "harmless for certain".
    #[default]
    Hactl,
    /// MHA's `shutdown_script`: `--command=stopssh|stop --host= --ip= --port= …`, exit 0 or 10 is done.
    MhaShutdown,
    /// MHA's `master_ip_failover_script`: `--command=stop|stopssh --orig_master_host= …`, exit 0 or 10
    /// is done.
    MhaIpFailover,
}

/// Commands of the inventory that run on the controller around a failover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hooks {
    /// The command lines, run by `/bin/sh -c`.
    pub commands: std::collections::BTreeMap<HookPoint, String>,
    /// How long each may take.
    pub timeout: Duration,
}

impl Default for Hooks {
    fn default() -> Self {
        Self {
            commands: std::collections::BTreeMap::new(),
            timeout: Duration::from_secs(10),
        }
    }
}

/// When a hook runs.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum HookPoint {
    /// Before the old primary is made harmless. Its failure stops the failover.
    BeforeFence,
    /// After it.
    AfterFence,
    /// Before a replica is promoted. Its failure stops the failover.
    BeforePromote,
    /// After clients can write again.
    AfterPromote,
    /// After a failover that could not be finished.
    Failed,
}

impl fmt::Display for HookPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BeforeFence => "before_fence",
            Self::AfterFence => "after_fence",
            Self::BeforePromote => "before_promote",
            Self::AfterPromote => "after_promote",
            Self::Failed => "failed",
        })
    }
}
