//! Installs packages by apt, dnf or yum.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::run;
use crate::facts::PackageManager;
use crate::fleet::script::Script;
use crate::fleet::{ActionError, Connection, Progress, package_manager};
use crate::plan::Outcome;

/// A server package is large, and mirrors are slow.
const INSTALL: Duration = Duration::from_mins(15);
const WHAT: &str = "package installation";

/// How long another apt is waited for. The one that runs after a host's first boot takes some minutes.
const PATIENCE: Duration = Duration::from_mins(5);

/// How often it is tried again.
const AGAIN: Duration = Duration::from_secs(2);

/// How the script ends when another apt has a lock that it needs.
const LOCKED: i32 = 75;

/// The lists are fetched anew only when what is wanted is not in them, or cannot be fetched as they
/// say. Configuration files are never asked about. apt could wait for the lock of dpkg itself, but not for that of
/// its lists, and would say nothing meanwhile. What dpkg had begun when its host lost its power is ended first:
/// apt does nothing else before.
const APT: &str = r#"
heard() {
    words=$(mktemp) || return
    status=0
    "$@" >&2 2>"$words" || status=$?
    cat "$words" >&2
    if [ "$status" -ne 0 ] && grep -q 'Could not get lock' "$words"; then status=75; fi
    interrupted=no
    if grep -q 'dpkg was interrupted' "$words"; then interrupted=yes; fi
    rm -f "$words"
    return "$status"
}
apt() {
    apt_once && return
    status=$?
    [ "$interrupted" = yes ] || return "$status"
    dpkg --force-confold --configure -a >&2 && apt_once
}
apt_once() {
    heard apt-get -q -y -o Dpkg::Options::=--force-confold -o Acquire::Retries=3 \
        --no-install-recommends install -- $packages
}
by_apt() {
    export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a
    if apt-cache show -- $packages >/dev/null 2>&1; then
        apt
        status=$?
        case $status in 0 | 75) return "$status" ;; esac
    fi
    heard apt-get -q -o Acquire::Retries=3 update || return
    apt
}
"#;

/// dnf and yum see to their lists themselves, wait for another one that runs as long as it takes (so it is
/// the bound of the whole that ends it), and never ask about configuration files. yum ends well when it
/// found one package of several, so what is there is read back.
const RPM: &str = r#"
by_rpm() {
    "$@" $packages >&2 || return
    missing=
    for package in $packages; do
        rpm_installed "$package" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    echo "$1 ended well, and rpm knows no package$missing" >&2
    return 1
}
"#;

/// As the distribution is read for the facts.
const INSTALL_BY_WHAT_IS_THERE: &str = r"
if [ -r /etc/os-release ]; then . /etc/os-release; fi
package_manager
case $manager in
apt-get) by_apt ;;
dnf) by_rpm dnf -y --setopt=install_weak_deps=False install ;;
yum) by_rpm yum -y install ;;
*)
    echo 'no package manager' >&2
    exit 1
    ;;
esac
";

/// Installs what is missing.
pub(super) async fn install(
    connection: &Connection,
    packages: &[String],
    progress: &dyn Progress,
) -> Result<Outcome, ActionError> {
    let begun = Instant::now();
    let installed = loop {
        let attempt = run(connection, WHAT, script(packages), INSTALL).await;
        match &attempt {
            Err(ActionError::Script { status, stderr, .. })
                if *status == LOCKED && begun.elapsed() < PATIENCE =>
            {
                let text = format!("waiting for another apt{}", holder(stderr));
                progress.tell(&connection.host, &text);
                sleep(AGAIN).await;
            }
            _ => break attempt,
        }
    };
    match installed {
        Ok(_) => Ok(Outcome::Changed),
        Err(ActionError::Script {
            host,
            what,
            status,
            stderr,
            ..
        }) => {
            let hint = hint(&stderr, packages);
            Err(ActionError::Script {
                host,
                what,
                status,
                stderr,
                hint,
            })
        }
        Err(other) => Err(other),
    }
}

/// Who has the lock, in apt's words: ` (process 19040, apt-get)`; empty where it does not say.
fn holder(stderr: &str) -> String {
    let held = stderr.split_once("It is held by process ");
    let named = held.and_then(|(_, rest)| rest.split_once(')')?.0.split_once(" ("));
    named.map_or_else(String::new, |(pid, name)| {
        format!(" (process {pid}, {name})")
    })
}

fn script(packages: &[String]) -> Script {
    Script::new("")
        .set("packages", &packages.join(" "))
        .line(package_manager::FIND)
        .line(package_manager::RPM)
        .line(APT)
        .line(RPM)
        .line(INSTALL_BY_WHAT_IS_THERE)
}

/// What to do about the end of what was said. A mirror that is not reached comes before a package that is not
/// found: dnf passes over a repository where its configuration lets it, and then finds nothing.
fn hint(stderr: &str, packages: &[String]) -> Option<String> {
    let names = packages.join(", ");
    let rows: [(&[&str], String); 6] = [
        (
            &["Unable to locate package", "has no installation candidate"],
            format!(
                "the host's apt sources have no {names}; add the repository that has it, or name other packages under `server: packages:`"
            ),
        ),
        (
            &["Could not get lock"],
            "another apt ran for more than five minutes; run again when it is done".to_owned(),
        ),
        (
            &["Temporary failure resolving", "Could not connect"],
            "the host does not reach its apt mirror".to_owned(),
        ),
        (
            &[
                "Failed to download metadata",
                "Cannot find a valid baseurl",
                "Curl error",
            ],
            "the host does not reach its package mirror; look at /etc/yum.repos.d there".to_owned(),
        ),
        (
            &[
                "Unable to find a match",
                "No match for argument",
                "No package ",
                "rpm knows no package",
            ],
            format!(
                "the host's enabled repositories do not have all of {names}; add or enable the one that has it (/etc/yum.repos.d), or name other packages"
            ),
        ),
        (
            &["no package manager"],
            format!(
                "hactl knows {}; install {names} by hand",
                PackageManager::KNOWN
            ),
        ),
    ];
    let says = |texts: &[&str]| texts.iter().any(|text| stderr.contains(text));
    rows.into_iter()
        .find(|(texts, _)| says(texts))
        .map(|(_, hint)| hint)
}

#[cfg(test)]
mod tests {
    use super::super::last_lines;
    use super::*;
    use crate::fleet::package_manager::recorded::{DEBIAN, ROCKY, RPM_SAYS, run};

    /// dnf 4.14.0 on a host with a repository of one package, as recorded; a second one that runs holds the
    /// lock at first. `--setopt=install_weak_deps=False` is dnf.conf(5)'s.
    const DNF: &str = r#"
[ "$1 $2 $3" = "-y --setopt=install_weak_deps=False install" ] || exit 9
shift 3
case " $* " in
*" nosuch "*)
    echo "Last metadata expiration check: 0:00:05 ago on Sat Nov 21 22:14:19 2026."
    echo "No match for argument: nosuch"
    echo "Error: Unable to find a match: nosuch" >&2
    exit 1
    ;;
esac
echo "Running transaction check"
echo "Waiting for process with pid 19040 to finish."
echo "Transaction check succeeded."
echo "Complete!"
: >"$installed"
"#;

    /// yum 3.4.3, not recorded: the sentence is from its source (cli.py), that the rest is installed with status
    /// 0 is from memory.
    const YUM: &str = r#"
[ "$1 $2" = "-y install" ] || exit 9
shift 2
case "$*" in
nosuch)
    echo "No package nosuch available."
    echo "Error: Nothing to do" >&2
    exit 1
    ;;
*" nosuch") echo "No package nosuch available." ;;
esac
echo "Complete!"
: >"$installed"
"#;

    /// The status, and the hint that goes with what was said.
    fn installed(program: (&str, &str), packages: &[&str]) -> (i32, Option<String>) {
        let packages: Vec<String> = packages.iter().map(|name| (*name).to_owned()).collect();
        let programs = [program, ("rpm", RPM_SAYS)];
        let (status, said, errors) = run(ROCKY, &programs, &script(&packages));
        assert_eq!(said, "");
        (status, hint(&last_lines(&errors), &packages))
    }

    fn no_match(names: &str) -> String {
        format!(
            "the host's enabled repositories do not have all of {names}; add or enable the one that has it \
             (/etc/yum.repos.d), or name other packages"
        )
    }

    #[test]
    fn dnf_installs_and_waits_for_another() {
        assert_eq!(installed(("dnf", DNF), &["mariadb-server"]), (0, None));
        assert_eq!(installed(("dnf", DNF), &["provided"]), (0, None));
        let missing = installed(("dnf", DNF), &["mariadb-server", "nosuch"]);
        assert_eq!(missing, (1, Some(no_match("mariadb-server, nosuch"))));
    }

    /// An end without a failure is no proof.
    #[test]
    fn what_yum_left_out_is_noticed() {
        assert_eq!(installed(("yum", YUM), &["mariadb-server"]), (0, None));
        assert_eq!(
            installed(("yum", YUM), &["nosuch"]),
            (1, Some(no_match("nosuch")))
        );
        let half = installed(("yum", YUM), &["mariadb-server", "nosuch"]);
        assert_eq!(half, (1, Some(no_match("mariadb-server, nosuch"))));
    }

    #[test]
    fn a_host_without_a_package_manager() {
        let (status, hint) = installed(("other", ""), &["a"]);
        assert_eq!(status, 1);
        assert_eq!(
            hint.as_deref(),
            Some("hactl knows apt, dnf and yum; install a by hand")
        );
    }

    /// apt 2.6.1, its words as recorded.
    const APT_GET: &str = r#"
case "$*" in
*update*) exit 9 ;;
esac
if [ "$(cat "$installed" 2>/dev/null)" = interrupted ]; then
    echo "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem." >&2
    exit 100
fi
[ -e "$installed" ] && exit
echo "Reading package lists..."
echo "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 19040 (apt-get)" >&2
echo "N: Be aware that removing the lock file is not a solution and may break your system." >&2
echo "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?" >&2
exit 100
"#;

    /// What came of it on a host with this apt.
    fn by_apt(apt_get: &str, wanted: &[String]) -> (i32, String) {
        let programs = [
            ("apt-get", apt_get),
            ("apt-cache", ""),
            (
                "dpkg",
                "[ \"$2\" = --configure ] && echo whole >\"$installed\"",
            ),
            ("mktemp", "exec /bin/mktemp"),
            ("grep", "exec /bin/grep \"$@\""),
            ("cat", "exec /bin/cat \"$@\""),
            ("rm", "exec /bin/rm \"$@\""),
        ];
        let (status, _, errors) = run(DEBIAN, &programs, &script(wanted));
        (status, errors)
    }

    #[test]
    fn what_a_dpkg_had_begun_is_ended() {
        let begun = format!("[ -e \"$installed\" ] || echo interrupted >\"$installed\"\n{APT_GET}");
        let (status, errors) = by_apt(&begun, &["mariadb-server".to_owned()]);
        assert_eq!(status, 0, "{errors}");
    }

    #[test]
    fn another_apt_is_named_and_what_is_wrong_is_not_looked_for_elsewhere() {
        let wanted = ["mariadb-server".to_owned()];
        let (status, errors) = by_apt(APT_GET, &wanted);
        let errors = last_lines(&errors);
        assert_eq!(status, LOCKED, "{errors}");
        assert_eq!(holder(&errors), " (process 19040, apt-get)");
        let said = hint(&errors, &wanted);
        assert!(said.is_some_and(|hint| hint.contains("another apt")));
        assert_eq!(holder("E: Could not get lock /var/lib/dpkg/lock"), "");
    }

    /// dnf 4.14.0 as recorded, with the repository skipped where it may be and not; dnf5 5.1 as in
    /// <https://github.com/rpm-software-management/dnf5/issues/1390>.
    #[test]
    fn other_refusals() {
        let hint = |stderr: &str| hint(&last_lines(stderr), &["x".to_owned()]);
        let unreachable = Some(
            "the host does not reach its package mirror; look at /etc/yum.repos.d there".to_owned(),
        );
        let failed = "\
Errors during downloading metadata for repository 'far':
  - Curl error (6): Couldn't resolve host name for http://mirror.invalid/x/repodata/repomd.xml [Could not resolve host: mirror.invalid]
Error: Failed to download metadata for repo 'far': Cannot download repomd.xml: Cannot download repodata/repomd.xml: All mirrors were tried
";
        assert_eq!(hint(failed), unreachable);
        // The package may be in the repository that was passed over.
        let skipped = "\
Ignoring repositories: far
Error: Unable to find a match: x
";
        assert_eq!(hint(&format!("{failed}{skipped}")), unreachable);
        assert_eq!(
            hint("Error: Unable to find a match: x\n"),
            Some(no_match("x"))
        );
        let dnf5 = "\
Failed to resolve the transaction:
No match for argument: x
You can try to add to command line:
  --skip-unavailable to skip unavailable packages
";
        assert_eq!(hint(dnf5), Some(no_match("x")));
        assert_eq!(hint("Error: GPG check FAILED\n"), None);
        let apt = "E: Unable to locate package x";
        assert!(hint(apt).is_some_and(|hint| hint.contains("apt sources have no x")));
    }
}
