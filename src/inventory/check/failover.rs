//! Checks of `failover` and `hooks`.
//!
//! It must never accept times with which a watcher would take a lost packet for a death.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::raw::{RawFailover, RawFence, RawHooks};
use super::super::{FailoverPolicy, FenceCommand, HookPoint, Hooks, duration};
use super::time::Span;
use super::{Checker, wrong};

/// How long a program on this machine may take. Clients wait for it.
const PROGRAM: Span = Span {
    default: Duration::from_secs(10),
    least: (
        Duration::from_millis(100),
        "hardly any program ends so soon",
    ),
    most: (
        Duration::from_mins(5),
        "clients cannot write while it is waited for",
    ),
};

const PROBE_INTERVAL: Span = Span {
    default: Duration::from_millis(500),
    least: (
        Duration::from_millis(100),
        "the questions themselves would load the servers",
    ),
    most: (
        Duration::from_secs(10),
        "a silent primary would be noticed too late",
    ),
};

const SILENCE: Span = Span {
    default: Duration::from_millis(1500),
    least: (
        Duration::from_secs(1),
        "a packet that is lost and sent again takes up to a second",
    ),
    most: (
        Duration::from_mins(1),
        "clients cannot write while it is waited for",
    ),
};

const IN_PLACE_WAIT: Span = Span {
    default: Duration::from_secs(10),
    least: (
        Duration::from_secs(1),
        "no server starts and recovers in less",
    ),
    most: (
        Duration::from_mins(10),
        "clients cannot write while it is waited for",
    ),
};

const MIN_INTERVAL: Span = Span {
    default: Duration::from_hours(1),
    least: (
        Duration::from_secs(1),
        "a fault that comes back would move the primary without end",
    ),
    most: (
        Duration::from_hours(168),
        "a second death within a week would not be acted on",
    ),
};

impl Checker<'_> {
    pub(super) fn failover(&mut self, raw: RawFailover) -> FailoverPolicy {
        let at = |key| ["failover", key];
        let probe_interval = self.time(
            &at("probe_interval"),
            raw.probe_interval.as_ref(),
            &PROBE_INTERVAL,
        );
        let silence = self.time(&at("silence"), raw.silence.as_ref(), &SILENCE);
        if let (Some(probe_interval), Some(silence)) = (probe_interval, silence)
            && silence < 2 * probe_interval
        {
            self.silence_too_short(probe_interval, silence);
        }
        let (in_place_wait, min_interval) = (
            self.time(
                &at("in_place_wait"),
                raw.in_place_wait.as_ref(),
                &IN_PLACE_WAIT,
            ),
            self.time(
                &at("min_interval"),
                raw.min_interval.as_ref(),
                &MIN_INTERVAL,
            ),
        );
        // What is wrong was reported, and no cluster is made of it.
        FailoverPolicy {
            probe_interval: probe_interval.unwrap_or(PROBE_INTERVAL.default),
            silence: silence.unwrap_or(SILENCE.default),
            prefer: raw.prefer,
            in_place_wait: in_place_wait.unwrap_or(IN_PLACE_WAIT.default),
            min_interval: min_interval.unwrap_or(MIN_INTERVAL.default),
            fence: raw.fence.map(|fence| self.fence(fence)),
        }
    }

    fn silence_too_short(&mut self, probe_interval: Duration, silence: Duration) {
        // One of the two is written, since the defaults fit; the caret goes to that one.
        let written = |key| self.document.node(&["failover", key]).is_some();
        let double = duration::text(2 * probe_interval);
        let (key, help) = if written("silence") {
            ("silence", format!("write {double} or more"))
        } else {
            let half = duration::text(silence / 2);
            (
                "probe_interval",
                format!("write {half} or less, or add `silence: {double}`"),
            )
        };
        self.value(
            &["failover", key],
            wrong(
                format!(
                    "`silence` of {} is shorter than two of `probe_interval`, {}",
                    duration::text(silence),
                    duration::text(probe_interval)
                ),
                "one lost answer would count as silence",
                help,
            ),
        );
    }

    fn fence(&mut self, raw: RawFence) -> FenceCommand {
        let at = |key| ["failover", "fence", key];
        self.command(&at("command"), &raw.command);
        FenceCommand {
            timeout: self
                .time(&at("timeout"), raw.timeout.as_ref(), &PROGRAM)
                .unwrap_or(PROGRAM.default),
            command: raw.command,
            contract: raw.contract,
        }
    }

    pub(super) fn hooks(&mut self, raw: RawHooks) -> Hooks {
        let timeout = self.time(&["hooks", "timeout"], raw.timeout.as_ref(), &PROGRAM);
        let written = [
            (HookPoint::BeforeFence, raw.before_fence),
            (HookPoint::AfterFence, raw.after_fence),
            (HookPoint::BeforePromote, raw.before_promote),
            (HookPoint::AfterPromote, raw.after_promote),
            (HookPoint::Failed, raw.failed),
        ];
        let mut commands = BTreeMap::new();
        for (hook, command) in written {
            if let Some(command) = command {
                self.command(&["hooks", &hook.to_string()], &command);
                commands.insert(hook, command);
            }
        }
        Hooks {
            commands,
            timeout: timeout.unwrap_or(PROGRAM.default),
        }
    }

    fn command(&mut self, path: &[&str], text: &str) {
        if text.trim().is_empty() || text.contains('\0') {
            self.value(
                path,
                wrong(
                    "not a command",
                    "`/bin/sh -c` could not run it",
                    "write a command line, such as /usr/local/bin/fence, or remove the key",
                ),
            );
        }
    }
}
