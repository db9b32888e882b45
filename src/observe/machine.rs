//! From the probe's answers to facts of the machine.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Fields;
use super::answers::{fields, first};
use crate::facts::{
    ClockOffset, FileFacts, InterfaceAddress, Login, Mark, MarkKind, Marks, OsFacts, PackageFacts,
    PackageManager, PathFacts, PathKind, Process, RootAccess, ServerProgram, UnitFacts, UnitState,
};
use crate::fleet::ssh::Whoami;

/// Who knows what the installed server program is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KnownBy {
    /// It was asked, and this is the answer.
    Itself(ServerProgram),
    /// The server, which runs from that file.
    Server,
    /// An earlier look over the same connection.
    Connection,
}

/// What a probe's output says.
#[derive(Clone, Debug)]
pub(super) struct Answers {
    /// All but the server program.
    pub(super) os: OsFacts,
    /// Whether the server has a process.
    pub(super) process: Process,
    /// `None` where no server program is installed.
    pub(super) program: Option<KnownBy>,
}

/// Reads a probe's output.
pub(super) fn read(text: &str, whoami: &Whoami) -> Answers {
    let fields = fields(text);
    let number = |name: &str| first(&fields, name).and_then(|value| value.parse::<u64>().ok());
    let process = match first(&fields, "process").as_deref() {
        Some("runs") => Process::Runs,
        Some("gone") => Process::Gone,
        _ => Process::Unknown,
    };
    let program = first(&fields, "server_program").map(|answer| match answer.as_str() {
        "running" => KnownBy::Server,
        "connection" => KnownBy::Connection,
        line => KnownBy::Itself(ServerProgram::of_line(line)),
    });
    let os = OsFacts {
        hostname: first(&fields, "hostname").unwrap_or_default(),
        login: login(whoami),
        distribution: first(&fields, "distribution").unwrap_or_default(),
        distribution_name: first(&fields, "distribution_name").unwrap_or_default(),
        release: first(&fields, "release").unwrap_or_default(),
        clock: clock_ms(&fields).map_or(0, |(earliest, _)| earliest / 1000),
        clock_offset: None,
        disk_free: number("disk_free").map(|kibibytes| kibibytes.saturating_mul(1024)),
        server_program: None,
        source_password_sha256: first(&fields, "source_password"),
        package_manager: first(&fields, "package_manager")
            .map(|program| PackageManager::of_program(&program)),
        packages: each(&fields, "package", package),
        files: files(&fields),
        paths: each(&fields, "path", path),
        sysctls: each(&fields, "sysctl", |line| Some(sysctl(line))),
        ports: fields
            .get("port")
            .into_iter()
            .flatten()
            .filter_map(|line| port(line))
            .collect(),
        units: units(&fields),
        interfaces: fields.get("interface").cloned().unwrap_or_default(),
        addresses: fields
            .get("address")
            .into_iter()
            .flatten()
            .filter_map(|line| address(line))
            .collect(),
        marks: marks(&fields),
        watcher: first(&fields, "watcher"),
        inspected: super::inspection::read(&fields),
    };
    Answers {
        os,
        process,
        program,
    }
}

/// By how much a machine's clock is ahead of ours, which said the one when the probe was sent and the other
/// when its answer was here, in milliseconds since the Unix epoch.
pub(super) fn clock_offset(text: &str, sent: i64, received: i64) -> Option<ClockOffset> {
    let (earliest, latest) = clock_ms(&fields(text))?;
    Some(ClockOffset {
        least_ms: earliest - received,
        most_ms: latest - sent,
    })
}

/// Between which milliseconds since the Unix epoch the machine's clock stood: `1800000000.123456789`, or
/// seconds alone where its `date` knows no more.
fn clock_ms(fields: &Fields) -> Option<(i64, i64)> {
    let text = first(fields, "clock")?;
    let (seconds, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let begun = seconds.parse::<i64>().ok()?.checked_mul(1000)?;
    let milliseconds = fraction
        .get(..3)
        .and_then(|digits| digits.parse::<i64>().ok());
    Some(match milliseconds {
        Some(milliseconds) => (begun + milliseconds, begun + milliseconds + 1),
        None => (begun, begun + 1000),
    })
}

/// `maintenance.json|1800000000|{…}`. A mark that cannot be read is a mark: somebody set it.
fn marks(fields: &Fields) -> Marks {
    let mut marks = Marks::default();
    for line in fields.get("mark").into_iter().flatten() {
        let mut parts = line.splitn(3, '|');
        let (Some(file), Some(written), Some(text)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let kind = MarkKind::ALL
            .into_iter()
            .find(|kind| kind.file_name() == file);
        let slot = match kind {
            Some(MarkKind::Maintenance) => &mut marks.maintenance,
            Some(MarkKind::Failover) => &mut marks.failover,
            Some(MarkKind::Fenced) => &mut marks.fenced,
            None => continue,
        };
        *slot = Some(serde_json::from_str(text).unwrap_or_else(|error| Mark {
            at: written.parse().unwrap_or_default(),
            by: "unknown".to_owned(),
            host: None,
            text: format!("{file} cannot be read: {error}"),
        }));
    }
    marks
}

fn login(whoami: &Whoami) -> Login {
    let root = match (whoami.script_uid, whoami.login_uid) {
        (0, 0) => RootAccess::Direct,
        (0, _) => RootAccess::Sudo,
        _ => RootAccess::None,
    };
    Login {
        user: whoami.login_user.clone(),
        uid: whoami.login_uid,
        root,
    }
}

fn each<T>(
    fields: &Fields,
    name: &str,
    read: fn(&str) -> Option<(String, T)>,
) -> BTreeMap<String, T> {
    fields
        .get(name)
        .into_iter()
        .flatten()
        .filter_map(|line| read(line))
        .collect()
}

/// `name installed 1.2` or `name candidate 1.2`, where `(none)` is apt's word for no candidate.
fn package(line: &str) -> Option<(String, PackageFacts)> {
    let mut words = line.split_whitespace();
    let name = words.next()?.to_owned();
    let kind = words.next()?;
    let version = words
        .next()
        .filter(|version| *version != "(none)")
        .map(ToOwned::to_owned);
    let facts = match kind {
        "installed" => PackageFacts {
            installed: version,
            candidate: None,
        },
        _ => PackageFacts {
            installed: None,
            candidate: version,
        },
    };
    Some((name, facts))
}

/// `path`, `path|kind` or `path|owner|group|mode`, and then `path|base64` in a field of its own.
fn files(fields: &Fields) -> BTreeMap<String, FileFacts> {
    let contents = each(fields, "content", |line| {
        let (path, encoded) = line.rsplit_once('|')?;
        let bytes = STANDARD.decode(encoded).ok()?;
        Some((
            path.to_owned(),
            String::from_utf8_lossy(&bytes).into_owned(),
        ))
    });
    let file = |line: &String| {
        let parts: Vec<_> = line.split('|').collect();
        let facts = match parts.as_slice() {
            [_] => FileFacts::Absent,
            [_, kind] => FileFacts::Other((*kind).to_owned()),
            [path, owner, group, mode] => FileFacts::Present {
                content: contents.get(*path)?.clone(),
                owner: (*owner).to_owned(),
                group: (*group).to_owned(),
                mode: (*mode).to_owned(),
            },
            _ => return None,
        };
        Some(((*parts.first()?).to_owned(), facts))
    };
    let lines = fields.get("file").into_iter().flatten();
    lines.filter_map(file).collect()
}

/// `path`, or `path|kind|owner|group|mode|what a link names`.
fn path(line: &str) -> Option<(String, PathFacts)> {
    let mut parts = line.splitn(6, '|');
    let path = parts.next()?.to_owned();
    let Some(kind) = parts.next() else {
        return Some((path, PathFacts::Absent));
    };
    let mut next = || parts.next().map(ToOwned::to_owned);
    let (owner, group, mode, target) = (next()?, next()?, next()?, next()?);
    let kind = match kind {
        "link" => PathKind::Link(target),
        "directory" => PathKind::Folder,
        "regular file" | "regular empty file" => PathKind::File,
        other => PathKind::Other(other.to_owned()),
    };
    let facts = PathFacts::Present {
        kind,
        owner,
        group,
        mode,
    };
    Some((path, facts))
}

/// `name`, or `name|value`.
fn sysctl(line: &str) -> (String, Option<String>) {
    match line.split_once('|') {
        Some((name, value)) => (name.to_owned(), Some(value.trim().to_owned())),
        None => (line.to_owned(), None),
    }
}

/// `3306 open`.
fn port(line: &str) -> Option<(u16, bool)> {
    let (port, state) = line.split_once(' ')?;
    Some((port.parse().ok()?, state == "open"))
}

/// `name|LoadState=…;ActiveState=…;UnitFileState=…;`
fn unit(line: &str) -> Option<(String, UnitFacts)> {
    let (name, properties) = line.split_once('|')?;
    let property = |key: &str| {
        properties
            .split(';')
            .find_map(|part| part.strip_prefix(key)?.strip_prefix('='))
            .unwrap_or("")
    };
    let state = match (property("LoadState"), property("ActiveState")) {
        ("not-found", _) => UnitState::NotFound,
        (_, "active") => UnitState::Active,
        (_, "activating" | "deactivating" | "reloading") => UnitState::Changing,
        (_, "failed") => UnitState::Failed,
        _ => UnitState::Inactive,
    };
    let enablement = property("UnitFileState").to_owned();
    let facts = UnitFacts {
        state,
        enablement,
        restart: property("Restart").to_owned(),
        unread: property("NeedDaemonReload") == "yes",
        stale: false,
    };
    Some((name.to_owned(), facts))
}

/// The units, and which of them run with an older configuration than their file's.
fn units(fields: &Fields) -> BTreeMap<String, UnitFacts> {
    let mut units = each(fields, "unit", unit);
    for name in fields.get("stale").into_iter().flatten() {
        if let Some(facts) = units.get_mut(name) {
            facts.stale = true;
        }
    }
    units
}

/// `eth0 10.0.0.1/24`; an interface of a pair is printed as `eth0@if7`.
fn address(line: &str) -> Option<InterfaceAddress> {
    let (interface, cidr) = line.split_once(' ')?;
    let (address, prefix_len) = cidr.split_once('/').unwrap_or((cidr, "32"));
    Some(InterfaceAddress {
        interface: interface.split('@').next()?.to_owned(),
        address: address.parse().ok()?,
        prefix_len: prefix_len.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mysql::{Dialect, Flavor, Version};

    fn whoami() -> Whoami {
        Whoami {
            login_user: "ops".to_owned(),
            login_uid: 1000,
            script_uid: 0,
            host_name: "db1".to_owned(),
        }
    }

    #[test]
    fn the_server_program_is_known_by_whoever_can_say_what_it_is() {
        let known_by = |value: &str| {
            let text = format!("server_program\t{value}\n");
            read(&text, &whoami()).program
        };
        let mysql = Dialect::new(Flavor::MySql, Version::new(9, 7, 4));
        assert_eq!(
            known_by("/usr/sbin/mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))"),
            Some(KnownBy::Itself(ServerProgram::Known(mysql)))
        );
        assert_eq!(
            known_by("a wrapper"),
            Some(KnownBy::Itself(ServerProgram::Unknown(
                "a wrapper".to_owned()
            )))
        );
        assert_eq!(known_by("running"), Some(KnownBy::Server));
        assert_eq!(known_by("connection"), Some(KnownBy::Connection));
        assert_eq!(known_by(""), None);
    }

    /// Nothing is assumed of the way: an hour's probe says little, a quick one much.
    #[test]
    fn an_offset_is_as_sure_as_the_way_was_short() {
        let offset = |text: &str, sent, received| {
            let offset = clock_offset(&format!("clock\t{text}\n"), sent, received)?;
            Some((offset.least_ms, offset.most_ms))
        };
        assert_eq!(offset("100.250999999", 100_000, 100_400), Some((-150, 251)));
        assert_eq!(offset("100", 100_000, 100_400), Some((-400, 1000)));
        assert_eq!(offset("100.%N", 100_000, 100_400), Some((-400, 1000)));
        assert_eq!(offset("noon", 1, 2), None);
    }

    #[test]
    fn a_probes_answers_become_facts() {
        let text = "motd of the day\n\
            hostname\tdb1\ndistribution\tdebian\npackage_manager\tapt-get\nrelease\tbookworm\nclock\t1800000000\n\
            interface\tlo\ninterface\teth0\naddress\teth0 10.1.2.3/24\naddress\teth0@if9 10.1.2.90/32\n\
            disk_free\t2048\n\
            package\tmariadb-server installed 1:10.11.18\npackage\tnope candidate (none)\n\
            sysctl\tvm.a|1  2 \nsysctl\tvm.b\nport\t22 open\nport\t23 closed\n\
            path\t/a\npath\t/b|directory|root|adm|755|\npath\t/c|link|root|root|777|/d|e\n\
            content\t/etc/a|aGk=\nfile\t/etc/a|root|root|644\nfile\t/etc/b\nfile\t/etc/c|directory\n\
            unit\tmariadb|LoadState=loaded;ActiveState=active;UnitFileState=enabled;\
             Restart=on-failure;NeedDaemonReload=yes;\n\
            unit\tx.socket|LoadState=not-found;ActiveState=inactive;UnitFileState=;\n\
            process\truns\nwatcher\tops@c1, pid 7, since noon: failover shop\n\
            mark\tmaintenance.json|1800000000|{ \"at\": 5, \"by\": \"ops\", \"host\": null, \"text\": \"a|b\" } \n\
            mark\tfenced.json|1800000000|{\"at\": \n\
            mark\tother.json|1800000000|{}\n\
            stale\tmariadb\n";
        let Answers {
            os,
            process,
            program,
        } = read(text, &whoami());
        assert_eq!(process, Process::Runs);
        assert_eq!(program, None);
        assert_eq!(
            os.watcher.as_deref(),
            Some("ops@c1, pid 7, since noon: failover shop")
        );
        assert_eq!(os.marks.maintenance.as_ref().unwrap().text, "a|b");
        assert_eq!(os.marks.failover, None);
        let fenced = os.marks.fenced.as_ref().unwrap();
        assert_eq!(fenced.at, 1_800_000_000);
        assert!(
            fenced.text.contains("fenced.json cannot be read"),
            "{}",
            fenced.text
        );
        assert_eq!(os.hostname, "db1");
        assert_eq!(os.login.root, RootAccess::Sudo);
        assert_eq!(os.disk_free, Some(2048 * 1024));
        assert_eq!(os.interfaces, ["lo", "eth0"]);
        assert!(os.has_address("10.1.2.90".parse().unwrap()));
        assert_eq!(os.addresses[1].interface, "eth0");
        assert_eq!(
            os.packages["mariadb-server"].installed.as_deref(),
            Some("1:10.11.18")
        );
        assert_eq!(os.packages["nope"], PackageFacts::default());
        assert_eq!(os.package_manager, Some(PackageManager::Apt));
        assert_eq!(os.files["/etc/b"], FileFacts::Absent);
        assert!(
            matches!(&os.files["/etc/a"], FileFacts::Present { content, .. } if content == "hi")
        );
        assert_eq!(os.files["/etc/c"], FileFacts::Other("directory".to_owned()));
        assert_eq!(os.sysctls["vm.a"].as_deref(), Some("1  2"));
        assert_eq!(os.sysctls["vm.b"], None);
        assert_eq!((os.ports[&22], os.ports[&23]), (true, false));
        assert_eq!(os.paths["/a"], PathFacts::Absent);
        assert!(
            matches!(&os.paths["/b"], PathFacts::Present { kind: PathKind::Folder, group, .. } if group == "adm")
        );
        assert!(
            matches!(&os.paths["/c"], PathFacts::Present { kind: PathKind::Link(to), .. } if to == "/d|e")
        );
        assert!(os.units["mariadb"].is_enabled() && os.units["mariadb"].stale);
        assert_eq!(os.units["mariadb"].restart, "on-failure");
        assert!(os.units["mariadb"].unread);
        assert!(!os.units["x.socket"].stale && !os.units["x.socket"].unread);
        assert_eq!(os.units["x.socket"].state, UnitState::NotFound);
    }
}
