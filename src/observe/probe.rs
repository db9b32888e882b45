//! The script that asks a host everything in one round trip. It changes nothing, and it must not be
//! slow on a healthy host: package managers are asked only about packages that are missing.

use std::collections::BTreeSet;

use super::inspection;
use crate::facts::{Inspection, MarkKind, Needs};
use crate::fleet::script::Script;
use crate::fleet::{lock, package_manager, server_process};
use crate::inventory::ClusterName;
use crate::mysql::Dialect;

/// Prints `field<TAB>value` lines; a field may repeat.
const PUT: &str = r#"put() { printf '%s\t%s\n' "$1" "$2"; }"#;

/// What the shell itself can find out starts no
/// other program: on a busy host each of them takes a millisecond or more.
const STANDING: &str = r#"
{ read -r hostname </proc/sys/kernel/hostname; } 2>/dev/null
put hostname "$hostname"
if [ -r /etc/os-release ]; then . /etc/os-release; fi
put distribution "${ID-}"
put distribution_name "${PRETTY_NAME-}"
put release "${VERSION_CODENAME:-${VERSION_ID-}}"
put clock "$(date +%s.%N)"
for link in /sys/class/net/*; do put interface "${link##*/}"; done
ip -o addr show 2>/dev/null | while read -r _ name family address _; do
    case $family in inet | inet6) put address "$name $address" ;; esac
done
process=gone
runs_program=
for pid in $(server_processes); do
    process=runs
    [ ! "/proc/$pid/exe" -ef "$program" ] || runs_program=yes
done
put process "$process"
for mark in "$marks"/*.json; do
    [ -f "$mark" ] || continue
    text=
    while IFS= read -r line || [ -n "$line" ]; do text="$text$line "; done 2>/dev/null <"$mark"
    put mark "${mark##*/}|$(stat -c %Y "$mark")|$text"
done
# Its first line is the process that made it; the lock is held as long as that has it open.
if [ -f "$watch" ]; then
    { read -r pid; read -r holder; } <"$watch"
    if [ "/proc/$pid/fd/9" -ef "$watch" ]; then put watcher "$holder"; fi
fi
"#;

/// The folder of a server that was never installed is not there.
const DISK: &str = r#"
for folder in /var/lib/mysql /var/lib /; do
    [ -d "$folder" ] || continue
    put disk_free "$(df -Pk "$folder" | awk 'NR == 2 { print $4 }')"
    break
done
# The sixth line is the password that this replica uses; only its digest leaves the host.
if [ -f /var/lib/mysql/master.info ]; then
    put source_password "$(sed -n 6p /var/lib/mysql/master.info | tr -d '\n' | sha256sum | cut -d ' ' -f 1)"
fi
"#;

/// Loading the server program takes longer than all the rest, so it is asked only where nothing else
/// knows what it is.
const PROGRAM: &str = r#"
if [ -n "$program" ]; then
    put server_program "${program_known_by:-$("$program" --version 2>/dev/null | head -n 1)}"
fi
"#;

/// A server that runs from the program's file says what that is: an upgrade would have replaced the file.
const RUNNING: &str = "program_known_by=${runs_program:+running}";

/// Each package, given as arguments. Only apt knows offline what it would install; dnf and yum may fetch
/// their lists first.
const PACKAGES: &str = r#"
packages() {
    [ $# -gt 0 ] || return 0
    package_manager
    put package_manager "${manager:-none}"
    for package in "$@"; do
        if [ "$manager" != apt-get ]; then
            if rpm_installed "$package"; then
                put package "$package installed $installed"
            else
                put package "$package candidate (none)"
            fi
            continue
        fi
        state=$(dpkg-query -W -f '${db:Status-Abbrev} ${Version}' "$package" 2>/dev/null)
        case $state in
        ii*) put package "$package installed ${state##* }" ;;
        *) put package "$package candidate $(apt-cache policy "$package" 2>/dev/null | awk '$1 == "Candidate:" { print $2 }')" ;;
        esac
    done
}
"#;

/// The outside of all that are files is asked at once.
const FILES: &str = r#"
files() {
    left=$#
    while [ "$left" -gt 0 ]; do
        file=$1
        shift
        left=$((left - 1))
        if [ -f "$file" ]; then
            put content "$file|$(base64 -w 0 <"$file")"
            set -- "$@" "$file"
        elif [ -e "$file" ] || [ -L "$file" ]; then
            put file "$file|$(stat -c %F "$file")"
        else
            put file "$file"
        fi
    done
    [ $# -eq 0 ] || stat --printf 'file\t%n|%U|%G|%a\n' "$@"
}
"#;

/// The outside of paths. A link is itself, not what it names.
const PATHS: &str = r#"
paths() {
    for path in "$@"; do
        if [ -L "$path" ]; then
            put path "$path|link|$(stat -c '%U|%G|%a' "$path")|$(readlink "$path")"
        elif [ -e "$path" ]; then
            put path "$path|$(stat -c '%F|%U|%G|%a' "$path")|"
        else
            put path "$path"
        fi
    done
}
"#;

/// In a parameter's name `.` stands for `/`. Listening sockets have the state 0A, ports are four
/// hexadecimal digits.
const KERNEL: &str = r#"
sysctls() {
    for name in "$@"; do
        file=/proc/sys/$(printf %s "$name" | tr . /)
        if [ -r "$file" ]; then
            put sysctl "$name|$(tr '\n\t' '  ' <"$file")"
        else
            put sysctl "$name"
        fi
    done
}
ports() {
    [ $# -gt 0 ] || return 0
    listening=" $(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
        awk '$4 == "0A" { sub(/.*:/, "", $2); print $2 }' | tr '\n' ' ') "
    for port in "$@"; do
        case $listening in
        *" $(printf %04X "$port") "*) put port "$port open" ;;
        *) put port "$port closed" ;;
        esac
    done
}
"#;

/// One question to systemd for all units; an empty line stands between their answers.
const UNITS: &str = r#"
units() {
    [ $# -gt 0 ] || return 0
    systemctl show -p LoadState -p ActiveState -p UnitFileState \
        -p Restart -p NeedDaemonReload -- "$@" 2>/dev/null | {
        answer=
        while read -r property; do
            if [ -n "$property" ]; then answer="$answer$property;"; continue; fi
            put unit "$1|$answer"
            answer=
            shift
        done
        [ -z "$answer" ] || put unit "$1|$answer"
    }
}
"#;

/// A hactl that was killed between writing a file and restarting the server leaves this. Times of
/// files have nanoseconds, those of units seconds. A file of the future (the clock was set back)
/// would be newer after any restart.
const STALE: &str = r#"
stale() {
    [ -e "$3" ] && [ "$2" -nt "$3" ] && [ "$(stat -c %Y "$2")" -le "$(date +%s)" ] || return 0
    put stale "$1"
}
"#;

/// Which server is meant: marks have the cluster's name, locks the server's port.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) cluster: &'a ClusterName,
    pub(super) port: Option<u16>,
}

/// Everything about one host.
pub(super) fn whole(place: Place<'_>, needs: &Needs, expected: Dialect) -> Script {
    let inspection = needs.inspection.as_ref();
    let mut script = standing(place, expected, inspection)
        .line(RUNNING)
        .line(PROGRAM)
        .line(DISK)
        .line(package_manager::FIND)
        .line(package_manager::RPM)
        .line(PACKAGES)
        .command(call("packages", &needs.packages))
        .line(FILES)
        .command(call("files", &needs.files))
        .line(PATHS)
        .command(call("paths", &needs.paths))
        .line(KERNEL)
        .command(call("sysctls", &needs.sysctls))
        .command(call(
            "ports",
            &needs.ports.iter().map(u16::to_string).collect(),
        ))
        .line(UNITS)
        .command(call("units", &needs.units))
        .line(STALE);
    for (unit, (file, made)) in &needs.configurations {
        script = script.command(["stale", unit.as_str(), file.as_str(), made.as_str()]);
    }
    inspection::end(script, inspection).line("true")
}

/// What changes from one moment to the next. The server program is asked what it is where that is not
/// known before, although a server may run that will say it: it may be frozen. systemd is slow to answer,
/// and has nothing to say of a server that has a process and lets us in.
pub(super) fn lean(place: Place<'_>, expected: Dialect, known: Option<Dialect>) -> Script {
    let known_by = known.map_or("", |_| "connection");
    standing(place, expected, None)
        .set("program_known_by", known_by)
        .line(PROGRAM)
        .line(UNITS)
        .set("unit", expected.service_unit())
        .line("[ \"$process\" = runs ] || units \"$unit\"")
}

/// The server program alone.
pub(super) fn program(expected: Dialect) -> Script {
    server_process::script(expected)
        .line(PUT)
        .set("program_known_by", "")
        .line(PROGRAM)
}

/// The server's unit alone.
pub(super) fn unit(expected: Dialect) -> Script {
    Script::new(PUT)
        .line(UNITS)
        .command(["units", expected.service_unit()])
}

fn standing(place: Place<'_>, expected: Dialect, inspection: Option<&Inspection>) -> Script {
    let watch = place.port.map(|port| lock::path(&lock::watch_name(port)));
    let script = server_process::script(expected)
        .set("marks", &MarkKind::folder(place.cluster))
        .set("watch", &watch.unwrap_or_default())
        .line(PUT);
    inspection::begin(script, inspection).line(STANDING)
}

fn call(function: &str, names: &BTreeSet<String>) -> Vec<String> {
    std::iter::once(function.to_owned())
        .chain(names.iter().cloned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::package_manager::recorded::{DEBIAN, ROCKY, RPM_SAYS, run};

    fn packages(os_release: &str, programs: &[(&str, &str)], names: &[&str]) -> Vec<String> {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let script = Script::new(PUT)
            .line(". /etc/os-release")
            .line(package_manager::FIND)
            .line(package_manager::RPM)
            .line(PACKAGES)
            .command(call("packages", &names));
        let (status, said, errors) = run(os_release, programs, &script);
        assert_eq!((status, errors.as_str()), (0, ""), "{said}");
        said.lines().map(|line| line.replace('\t', " ")).collect()
    }

    #[test]
    fn rpm_is_asked_by_name_and_by_what_is_provided() {
        let is_there = RPM_SAYS.replace("[ -e \"$installed\" ] &&", "");
        let programs = [("dnf", "exit 9"), ("rpm", is_there.as_str())];
        let names = ["kernel", "mariadb-server", "nosuch", "provided"];
        assert_eq!(
            packages(ROCKY, &programs, &names),
            [
                "package_manager dnf",
                "package kernel installed 5.14.0-427.el9",
                "package mariadb-server installed 10.11.6-1.el9",
                "package nosuch candidate (none)",
                "package provided installed 10.11.6-1.el9",
            ]
        );
    }

    #[test]
    fn a_machine_without_a_package_manager_says_so() {
        assert_eq!(
            packages("ID=alpine\n", &[], &["a"]),
            ["package_manager none", "package a candidate (none)"]
        );
        assert_eq!(packages("ID=alpine\n", &[], &[]), [""; 0]);
    }

    #[test]
    fn dpkg_is_asked_on_debian() {
        let dpkg = "[ \"$4\" = mariadb-server ] && printf 'ii  1:10.11.18-0+deb12u1'";
        let programs = [
            ("apt-get", "exit 9"),
            ("dnf", "exit 9"),
            ("dpkg-query", dpkg),
        ];
        assert_eq!(
            packages(DEBIAN, &programs, &["mariadb-server"]),
            [
                "package_manager apt-get",
                "package mariadb-server installed 1:10.11.18-0+deb12u1"
            ]
        );
    }
}
