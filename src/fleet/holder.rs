//! Who is at work on a cluster, as it is told to others. It must never hold a secret: it is written to
//! the hosts.

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

/// Who holds a lock, as the lock file says it to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// `user@controller`.
    pub who: String,
    /// Process id on the controller.
    pub pid: u32,
    /// Since when, as text (RFC 3339).
    pub since: String,
    /// What it does, without secrets: `bootstrap shop`.
    pub command: String,
}

impl Holder {
    /// This process, now. `command` must not hold a secret: it is written to the host.
    pub fn this_process(command: impl Into<String>) -> Self {
        let uid = rustix::process::getuid().as_raw();
        let user = std::env::var("USER")
            .ok()
            .filter(|user| !user.is_empty())
            .or_else(|| name_of(uid, &std::fs::read_to_string("/etc/passwd").ok()?))
            .unwrap_or_else(|| format!("uid {uid}"));
        let host = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        Self {
            who: format!("{user}@{host}"),
            pid: std::process::id(),
            since: jiff::Timestamp::now()
                .strftime("%Y-%m-%dT%H:%M:%SZ")
                .to_string(),
            command: command.into(),
        }
    }

    /// What the lock file says.
    pub(crate) fn line(&self) -> String {
        let Self {
            who,
            pid,
            since,
            command,
        } = self;
        format!("{who}, pid {pid}, since {since}: {command}").replace(char::is_control, " ")
    }

    /// Whether the line of a lock file is of a process of the same person on this controller that has ended:
    /// the lock is on its way to be free.
    pub fn has_ended(&self, line: &str) -> bool {
        let rest = line.strip_prefix(&format!("{}, pid ", self.who));
        let pid = rest
            .and_then(|rest| rest.split_once(','))
            .and_then(|(pid, _)| pid.parse().ok())
            .and_then(Pid::from_raw);
        pid.is_some_and(|pid| test_kill_process(pid) == Err(Errno::SRCH))
    }
}

/// The login name of a user id in a passwd file: a service has no `USER` in its environment.
fn name_of(uid: u32, passwd: &str) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, id) = (fields.next()?, fields.next()?, fields.next()?);
        (id == uid.to_string() && !name.is_empty()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_as_the_passwd_file_says() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\n# 10\n+::::::\nops:x:10:100::/:/bin/sh\n";
        assert_eq!(name_of(10, passwd).as_deref(), Some("ops"));
        assert_eq!(name_of(0, passwd).as_deref(), Some("root"));
        assert_eq!(name_of(1, passwd), None, "10 is not 1, 0 is not 10");
    }

    #[test]
    fn only_a_process_of_this_controller_is_known_to_have_ended() {
        let own = Holder::this_process("bootstrap");
        let gone = Holder {
            // Above what Linux gives (proc(5), pid_max).
            pid: 1 << 23,
            ..own.clone()
        };
        assert!(own.has_ended(&gone.line()));
        assert!(!own.has_ended(&own.line()));
        let init = Holder {
            pid: 1,
            ..own.clone()
        };
        assert!(!own.has_ended(&init.line()), "of somebody else, and alive");
        let far = Holder {
            who: "root@elsewhere".to_owned(),
            ..gone
        };
        for line in [&far.line(), "", "somebody who has not yet written a name"] {
            assert!(!own.has_ended(line), "{line}");
        }
    }

    #[test]
    fn a_holder_is_one_line() {
        let holder = Holder {
            who: "ops@c1".to_owned(),
            pid: 7,
            since: "noon".to_owned(),
            command: "failover\nshop".to_owned(),
        };
        assert_eq!(holder.line(), "ops@c1, pid 7, since noon: failover shop");
    }
}
