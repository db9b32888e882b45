//! Machines: their clocks agree, and their disks have room. What was not measured is not judged.

use std::collections::BTreeSet;

use super::Context;
use crate::decide::{Finding, Severity};
use crate::facts::{ClockOffset, Disk};
use crate::inventory::HostName;

/// Clocks may be so far apart, in milliseconds: what is compared across hosts are seconds.
const APART_MS: i64 = 2000;

/// A disk with less than this part free is worth a word, in percent; unless that is much all the same.
const LOW_PERCENT: u64 = 10;
const MUCH: u64 = 50 << 30;

/// Less than this stops a server soon.
const FULL_PERCENT: u64 = 2;
const LITTLE: u64 = 5 << 30;

/// Files need inodes, too.
const LOW_INODES_PERCENT: u64 = 5;

/// Every clock says the same, this machine's too.
pub(super) fn clocks(context: &Context<'_>) -> Vec<Finding> {
    let offset =
        |(host, reached): (_, &crate::facts::Reached)| Some((host, reached.os.clock_offset?));
    let measured: Vec<(&HostName, ClockOffset)> =
        context.seen.all_reached().filter_map(offset).collect();
    let off: Vec<_> = measured
        .iter()
        .filter(|(_, offset)| offset.least_ms > APART_MS || offset.most_ms < -APART_MS)
        .collect();
    // Where all are off and agree with each other, it is this machine's clock that is wrong.
    let least = measured.iter().map(|(_, offset)| offset.least_ms).max();
    let most = measured.iter().map(|(_, offset)| offset.most_ms).min();
    let agree = least
        .zip(most)
        .is_some_and(|(least, most)| least <= most + APART_MS);
    let next = "let the machines keep time (`timedatectl set-ntp true`, or chrony)";
    match off.as_slice() {
        [(_, first), _, ..] if off.len() == measured.len() && agree => vec![Finding::cluster(
            Severity::Warning,
            "ClockSkew",
            format!(
                "the clock of this machine is {} those of all hosts that were reached, more than {} s: times in marks and reports are wrong",
                distance(ClockOffset {
                    least_ms: -first.most_ms,
                    most_ms: -first.least_ms,
                }),
                APART_MS / 1000
            ),
            next,
        )],
        off => off
            .iter()
            .map(|(host, offset)| {
                let message = format!(
                    "its clock is {} this machine's, more than {} s: what NOW() writes jumps at a failover",
                    distance(*offset),
                    APART_MS / 1000
                );
                Finding::on(host, Severity::Warning, "ClockSkew", message, next)
            })
            .collect(),
    }
}

/// `12.3 s ahead of`, by the middle of what is possible.
fn distance(offset: ClockOffset) -> String {
    let middle = i64::midpoint(offset.least_ms, offset.most_ms);
    let tenths = middle.unsigned_abs() / 100;
    let word = if middle < 0 { "behind" } else { "ahead of" };
    format!("{}.{} s {word}", tenths / 10, tenths % 10)
}

/// Data, logs and what replication receives have room to grow.
pub(super) fn disks(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (host, reached) in context.seen.all_reached() {
        let Some(inspected) = &reached.os.inspected else {
            continue;
        };
        let mut told = BTreeSet::new();
        for disk in &inspected.disks {
            if told.insert((&disk.id, disk.size, disk.free)) {
                findings.extend(space(host, disk));
                findings.extend(inodes(host, disk));
            }
        }
    }
    findings
}

fn space(host: &HostName, disk: &Disk) -> Option<Finding> {
    let percent = percent(disk.free, disk.size)?;
    let severity = if percent < FULL_PERCENT && disk.free < LITTLE {
        Severity::Error
    } else if percent < LOW_PERCENT && disk.free < MUCH {
        Severity::Warning
    } else {
        return None;
    };
    Some(Finding::on(
        host,
        severity,
        "DiskAlmostFull",
        format!(
            "{} has {} MiB free, {percent} % of its disk: a server on a full disk stops or hangs",
            disk.folder,
            disk.free >> 20
        ),
        "make room: old binary logs (PURGE BINARY LOGS, when every replica has them), dumps, or a larger disk",
    ))
}

fn inodes(host: &HostName, disk: &Disk) -> Option<Finding> {
    let percent = percent(disk.inodes_free, disk.inodes)?;
    (percent < LOW_INODES_PERCENT).then(|| {
        Finding::on(
            host,
            Severity::Warning,
            "InodesAlmostUsed",
            format!(
                "the disk of {} has {} inodes free, {percent} %: no file can be made without one",
                disk.folder, disk.inodes_free
            ),
            "find the folder with very many files there (`du --inodes -x`)",
        )
    })
}

/// `None` of nothing.
fn percent(part: u64, whole: u64) -> Option<u64> {
    part.saturating_mul(100).checked_div(whole)
}
