//! What would make a bootstrap fail halfway, found before anything is changed and said all at once.

use std::net::IpAddr;

use crate::decide::verify::duplicate_uuids;
use crate::decide::versions::{installable, older_to_be};
use crate::decide::{Finding, Severity, silent_server};
use crate::facts::{
    HostView, Observation, OsFacts, Reached, RootAccess, ServerProgram, ServerView,
};
use crate::inventory::{Cluster, Host, HostName};
use crate::mysql::Dialect;

/// Distributions whose package manager and file layout hactl knows.
const DISTRIBUTIONS: [&str; 2] = ["debian", "ubuntu"];
/// Less free space than this where the data will be is a mistake in any case: an empty server takes
/// about 300 MiB with its logs.
const LEAST_DISK: u64 = 1024 * 1024 * 1024;

/// Everything that stands in the way, as errors; warnings are for the person to read, and stop nothing.
pub fn preflight(cluster: &Cluster, seen: &Observation) -> Vec<Finding> {
    let mut findings = Vec::new();
    for host in cluster.hosts.values() {
        match seen.view(&host.name) {
            Some(HostView::Reached(reached)) => findings.extend(of_host(cluster, host, reached)),
            Some(HostView::Unreachable(why)) => {
                findings.push(Finding::unreachable(&host.name, why));
            }
            None => findings.push(error(
                &host.name,
                "HostUnreachable",
                "was not looked at",
                "run again",
            )),
        }
    }
    findings.extend(duplicate_uuids(seen));
    findings.extend(foreign_vip(cluster, seen));
    findings.extend(older_to_be(cluster, seen));
    findings
}

fn error(
    host: &HostName,
    code: &'static str,
    message: impl Into<String>,
    next: impl Into<String>,
) -> Finding {
    Finding::on(host, Severity::Error, code, message, next)
}

fn of_host(cluster: &Cluster, host: &Host, reached: &Reached) -> Vec<Finding> {
    let os = &reached.os;
    let name = &host.name;
    let mut findings = Vec::new();
    if os.login.root == RootAccess::None {
        findings.push(error(
            name,
            "NoRootAccess",
            format!("logged in as {}, who does not become root", os.login.user),
            "set `ssh: become: sudo`, and `become_password` or -K where sudo wants a password",
        ));
    }
    if !DISTRIBUTIONS.contains(&os.distribution.as_str()) {
        findings.push(error(
            name,
            "DistributionUnknown",
            format!(
                "runs {}, and hactl bootstrap installs on Debian and Ubuntu: elsewhere a server's option files \
                 and units have other names and places",
                distribution(os)
            ),
            "use a Debian or Ubuntu host; `hactl run` with `package:` works with apt, dnf and yum",
        ));
    }
    if let Some(free) = os.disk_free.filter(|free| *free < LEAST_DISK) {
        findings.push(error(
            name,
            "DiskFull",
            format!(
                "{} MiB free for data, at least {} are needed",
                free >> 20,
                LEAST_DISK >> 20
            ),
            "free some space, or mount a larger disk at /var/lib/mysql",
        ));
    }
    findings.extend(vip_interface(cluster, name, reached));
    findings.extend(wrong_flavor(cluster, name, reached));
    findings.extend(wrong_version(cluster, name, reached));
    if let ServerView::Refused(fault) = &reached.server
        && !fault.is_access_denied()
    {
        findings.push(silent_server::finding(cluster, host, reached, fault));
    }
    findings
}

/// As the machine calls itself.
fn distribution(os: &OsFacts) -> String {
    let words = [os.distribution.as_str(), os.release.as_str()];
    match os.distribution_name.as_str() {
        "" if os.distribution.is_empty() => "a system without a name in /etc/os-release".to_owned(),
        "" => words.join(" ").trim_end().to_owned(),
        name => name.to_owned(),
    }
}

fn vip_interface(cluster: &Cluster, name: &HostName, reached: &Reached) -> Option<Finding> {
    let interface = cluster.vip_interface(name)?;
    let known = &reached.os.interfaces;
    (!known.iter().any(|known| known == interface)).then(|| {
        error(
            name,
            "InterfaceMissing",
            format!(
                "has no interface {interface} for the writer VIP; it has {}",
                known.join(", ")
            ),
            "correct `vip: writer: interface`, or set `interface` on this host",
        )
    })
}

fn wrong_flavor(cluster: &Cluster, name: &HostName, reached: &Reached) -> Option<Finding> {
    let Dialect { flavor, version } = reached.os.server_program.as_ref()?.dialect()?;
    (flavor != cluster.server.flavor).then(|| {
        error(
            name,
            "WrongFlavor",
            format!(
                "has {flavor} {version} installed, the inventory wants {}",
                cluster.server.flavor
            ),
            format!(
                "write `server: {{flavor: {flavor}}}`, or remove that server with its data by hand"
            ),
        )
    })
}

/// `server: version` is a promise, not a wish: another version is neither used nor installed.
fn wrong_version(cluster: &Cluster, name: &HostName, reached: &Reached) -> Option<Finding> {
    let wanted = cluster.server.version.as_deref()?;
    let program = reached.os.server_program.as_ref();
    let (seen, how) = match program.and_then(ServerProgram::dialect) {
        Some(installed) => (installed.version.to_string(), "is installed"),
        None => (installable(cluster, reached)?, "would be installed"),
    };
    let same = seen == wanted || seen.starts_with(&format!("{wanted}."));
    (!same).then(|| {
        error(
            name,
            "WrongVersion",
            format!("version {seen} {how}, the inventory wants {wanted}"),
            "correct `server: version`, or give the host a package source that has it",
        )
    })
}

/// The writer VIP is an own address of none of the hosts: as an address with which a host boots, it
/// could not be moved.
fn foreign_vip(cluster: &Cluster, seen: &Observation) -> Option<Finding> {
    let vip = cluster.vip.as_ref()?;
    let holders: Vec<_> = seen
        .all_reached()
        .filter(|(_, reached)| reached.os.has_address(vip.address))
        .map(|(host, _)| host)
        .collect();
    let own = |host: &&HostName| {
        cluster
            .host(host)
            .and_then(|host| host.address.ip())
            .is_some_and(|ip: IpAddr| ip == vip.address)
    };
    holders.iter().find(|host| own(host)).map(|host| {
        error(
            host,
            "VipIsOwnAddress",
            format!("the writer VIP {vip} is the address at which {host} is reached"),
            "choose an address that no host has of its own",
        )
    })
}
