//! Reads what ssh, sudo and login shells say, and names the fault.
//!
//! Text is all they give. The wording is that of OpenSSH 8 to 10 and sudo 1.9, in the C locale; what
//! is not recognised stays [`LinkFault::Other`] with its last line, and is never taken for success.

use super::error::{LinkFault, Unreachable};
use super::target::SshTarget;

/// What our own wrapper prints when there is no sudo.
pub(super) const NO_SUDO: &str = "hactl: no sudo on this host";

/// A fault and the line that decided it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Diagnosis {
    pub(super) fault: LinkFault,
    pub(super) line: String,
}

/// Why the master did not come up, from its log.
///
/// Host keys come first: after refusing one, ssh also says that the connection failed. With a jump
/// host the inner ssh's line stands before the outer one's, which only says that the way was closed.
pub(super) fn connecting(log: &str, target: &SshTarget) -> Diagnosis {
    let own = || target.known_hosts_name();
    if let Some(line) = find(
        log,
        &[
            "IDENTIFICATION HAS CHANGED",
            " has changed and you have requested",
        ],
    ) {
        let named = find(log, &[" has changed and you have requested"]);
        let name = named
            .and_then(|line| between(line, "Host key for ", " has changed"))
            .map_or_else(own, Into::into);
        let offending = find(log, &["Offending "])
            .and_then(|line| line.split_once(" in "))
            .map(|(_, at)| at.to_owned());
        return Diagnosis {
            fault: LinkFault::HostKeyChanged { name, offending },
            line: named.unwrap_or(line).into(),
        };
    }
    if let Some(line) = find(
        log,
        &["host key is known for", "Host key verification failed"],
    ) {
        let name =
            between(line, "host key is known for ", " and you have").map_or_else(own, Into::into);
        return Diagnosis {
            fault: LinkFault::HostKeyUnknown { name },
            line: line.into(),
        };
    }
    if let Some(line) = find(
        log,
        &["Permission denied (", "Too many authentication failures"],
    ) {
        // A key that cannot be read is the reason; the refusal is only what followed.
        let line = find(
            log,
            &[
                "no such identity:",
                " not accessible: ",
                "UNPROTECTED PRIVATE KEY",
                "Load key \"",
            ],
        )
        .unwrap_or(line);
        return Diagnosis {
            fault: LinkFault::AuthenticationFailed,
            line: line.into(),
        };
    }
    for (reason, texts) in UNREACHABLE {
        if let Some(line) = find(log, texts) {
            return Diagnosis {
                fault: LinkFault::Unreachable(*reason),
                line: line.into(),
            };
        }
    }
    Diagnosis {
        fault: LinkFault::Other,
        line: last(log),
    }
}

/// In order of how much they explain: "closed" also follows from a jump host that was not reached.
const UNREACHABLE: &[(Unreachable, &[&str])] = &[
    (Unreachable::UnknownName, &["Could not resolve hostname"]),
    (Unreachable::Refused, &["Connection refused"]),
    (
        Unreachable::NoRoute,
        &["No route to host", "Network is unreachable"],
    ),
    (Unreachable::TimedOut, &["timed out"]),
    (
        Unreachable::Closed,
        &[
            "Connection closed by",
            "Connection reset by",
            "kex_exchange_identification",
            "Broken pipe",
        ],
    ),
];

/// Why a script never began, from what sudo and the login shell wrote (the latter often on standard
/// output), and the shell's exit status.
pub(super) fn starting(written: &str, status: i32) -> Diagnosis {
    let known: [(LinkFault, &[&str]); 4] = [
        (LinkFault::SudoMissing, &[NO_SUDO]),
        (
            LinkFault::SudoPasswordWrong,
            &["incorrect password attempt", "no password was provided"],
        ),
        (
            LinkFault::SudoNeedsPassword,
            &["a password is required", "no askpass program"],
        ),
        (
            LinkFault::SudoRefused,
            &[
                "must have a tty",
                "not in the sudoers",
                "not allowed to execute",
                "may not run sudo",
                "sudo: ",
            ],
        ),
    ];
    for (fault, texts) in known {
        if let Some(line) = find(written, texts) {
            return Diagnosis {
                fault,
                line: line.into(),
            };
        }
    }
    Diagnosis {
        fault: LinkFault::ShellRefused { status },
        line: last(written),
    }
}

fn find<'a>(text: &'a str, needles: &[&str]) -> Option<&'a str> {
    text.lines()
        .map(str::trim)
        .find(|line| needles.iter().any(|needle| line.contains(needle)))
}

fn between<'a>(line: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(before)?;
    rest.split_once(after).map(|(name, _)| name)
}

fn last(text: &str) -> String {
    text.lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty())
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::error::{LinkFault, Unreachable};
    use super::super::target::SshTarget;
    use super::{NO_SUDO, connecting, starting};

    fn fault(log: &str) -> LinkFault {
        connecting(log, &SshTarget::new("db1")).fault
    }

    #[test]
    fn ways_to_be_unreachable() {
        for (log, reason) in [
            (
                "ssh: connect to host 10.0.0.1 port 22: Connection refused\r\n",
                Unreachable::Refused,
            ),
            (
                "ssh: connect to host 10.0.0.1 port 22: Connection timed out\r\n",
                Unreachable::TimedOut,
            ),
            (
                "Connection timed out during banner exchange\r\n",
                Unreachable::TimedOut,
            ),
            (
                "ssh: connect to host 10.0.0.1 port 22: No route to host\r\n",
                Unreachable::NoRoute,
            ),
            (
                "ssh: connect to host 10.0.0.1 port 22: Network is unreachable\r\n",
                Unreachable::NoRoute,
            ),
            (
                "ssh: Could not resolve hostname db9: Name or service not known\r\n",
                Unreachable::UnknownName,
            ),
            (
                "kex_exchange_identification: read: Connection reset by peer\r\n",
                Unreachable::Closed,
            ),
            (
                "Connection closed by 10.0.0.1 port 22\r\n",
                Unreachable::Closed,
            ),
        ] {
            assert_eq!(fault(log), LinkFault::Unreachable(reason), "{log}");
        }
    }

    #[test]
    fn a_jump_host_that_refuses_is_the_reason_not_what_follows_from_it() {
        let log = "ssh: connect to host bastion port 22: Connection refused\r\n\
                   kex_exchange_identification: Connection closed by remote host\r\n\
                   Connection closed by UNKNOWN port 65535\r\n";
        let seen = connecting(log, &SshTarget::new("db1"));
        assert_eq!(seen.fault, LinkFault::Unreachable(Unreachable::Refused));
        assert_eq!(
            seen.line,
            "ssh: connect to host bastion port 22: Connection refused"
        );
    }

    #[test]
    fn an_unknown_key_names_the_host_it_belongs_to() {
        let log = "No ED25519 host key is known for [bastion]:2222 and you have requested strict checking.\r\n\
                   Host key verification failed.\r\n\
                   kex_exchange_identification: Connection closed by remote host\r\n";
        assert_eq!(
            fault(log),
            LinkFault::HostKeyUnknown {
                name: "[bastion]:2222".into()
            }
        );
    }

    #[test]
    fn a_changed_key_is_never_taken_for_an_unknown_one() {
        let log = "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\n\
                   Offending ED25519 key in /root/.ssh/known_hosts:3\r\n\
                   Host key for db1 has changed and you have requested strict checking.\r\n\
                   Host key verification failed.\r\n";
        let offending = Some("/root/.ssh/known_hosts:3".to_owned());
        assert_eq!(
            fault(log),
            LinkFault::HostKeyChanged {
                name: "db1".into(),
                offending
            }
        );
    }

    #[test]
    fn a_key_that_is_not_there_explains_the_refused_login() {
        let log = "no such identity: /k: No such file or directory\r\nroot@db1: Permission denied (publickey).\r\n";
        let seen = connecting(log, &SshTarget::new("db1"));
        assert_eq!(seen.fault, LinkFault::AuthenticationFailed);
        assert!(seen.line.starts_with("no such identity"), "{}", seen.line);
    }

    #[test]
    fn what_nobody_knows_stays_other_with_its_last_line() {
        let seen = connecting(
            "Unable to negotiate with 10.0.0.1 port 22: no matching cipher\r\n\r\n",
            &SshTarget::new("db1"),
        );
        assert_eq!(seen.fault, LinkFault::Other);
        assert!(seen.line.starts_with("Unable to negotiate"));
    }

    #[test]
    fn sudo_speaks() {
        for (stderr, fault) in [
            (
                "sudo: a password is required\n",
                LinkFault::SudoNeedsPassword,
            ),
            (NO_SUDO, LinkFault::SudoMissing),
            (
                "sudo: sorry, you must have a tty to run sudo\n",
                LinkFault::SudoRefused,
            ),
            ("ops is not in the sudoers file.\n", LinkFault::SudoRefused),
            (
                "This account is currently not available.\n",
                LinkFault::ShellRefused { status: 1 },
            ),
        ] {
            assert_eq!(starting(stderr, 1).fault, fault, "{stderr}");
        }
    }
}
