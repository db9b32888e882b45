//! Who is at work on a cluster, as it is told to others. It must never hold a secret: it is written to
//! the hosts.

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
