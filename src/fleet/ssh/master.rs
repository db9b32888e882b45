//! Starts the `ssh` master process behind a control socket.
//!
//! Options on the command line win over `~/.ssh/config`, so only what the inventory names or safety
//! demands is put there. It must never ask a question: there may be nobody to answer.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::diagnosis;
use super::error::{Effect, LinkError, LinkFault};
use super::target::{HostKeys, SshTarget};
use crate::fleet::script::quote_sh;

/// How long an idle master stays for the next run, in seconds.
const PERSIST: u32 = 60;
/// A silent peer is given up after about `ALIVE_INTERVAL * ALIVE_COUNT` seconds.
const ALIVE_INTERVAL: u32 = 3;
const ALIVE_COUNT: u32 = 3;
/// What a login may take on top of the connection itself (slow PAM, slow DNS on the host).
const LOGIN: Duration = Duration::from_secs(10);

/// How long starting a master may take at most.
pub(super) fn longest(target: &SshTarget) -> Duration {
    let hops = target
        .jump
        .as_ref()
        .map_or(0, |jump| jump.split(',').count());
    target.connect_timeout * u32::try_from(hops + 1).unwrap_or(u32::MAX) + LOGIN
}

/// Starts a master and returns when it is logged in and listens on `socket`.
///
/// The caller holds the lock of this socket, and nothing listens on it.
pub(super) async fn start(
    target: &SshTarget,
    host_keys: HostKeys,
    socket: &Path,
) -> Result<(), LinkError> {
    let fail = |fault| LinkError::new(target, fault, Effect::None);
    let log = socket.with_extension("log");
    let local =
        |error: io::Error| fail(LinkFault::Other).saying(format!("{}: {error}", log.display()));
    let open = || {
        File::options()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&log)
    };
    let _ = fs::remove_file(&log);
    let mut command = Command::new("ssh");
    command
        .args(arguments(target, host_keys, socket, &log))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        // A file, not a pipe: what the master starts may keep it open for as long as it lives.
        .stderr(open().map_err(local)?)
        .env("LC_ALL", "C")
        // A jump host of the user's own configuration gets none of our options: without this its ssh
        // would ask the terminal about a key, and wait for ever for an answer.
        .env("SSH_ASKPASS_REQUIRE", "force")
        .env("SSH_ASKPASS", "/bin/false")
        // Ctrl-C in the terminal must not reach the master's proxy: other runs share it.
        .process_group(0)
        .kill_on_drop(true);
    let bound = longest(target);
    let status = match timeout(bound, command.status()).await {
        Err(_) => {
            return Err(fail(LinkFault::TimedOut {
                what: "connecting",
                after: bound,
            }));
        }
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
            return Err(fail(LinkFault::NoSshClient));
        }
        Ok(Err(error)) => return Err(fail(LinkFault::Other).saying(format!("ssh: {error}"))),
        Ok(Ok(status)) => status,
    };
    if status.success() {
        return Ok(());
    }
    let text = fs::read(&log)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .map_err(local)?;
    let _ = fs::remove_file(&log);
    let seen = diagnosis::connecting(&text, target);
    Err(fail(seen.fault).saying(seen.line))
}

fn arguments(target: &SshTarget, host_keys: HostKeys, socket: &Path, log: &Path) -> Vec<OsString> {
    let mut words: Vec<OsString> = ["-M", "-N", "-T", "-f", "-S"].map(Into::into).to_vec();
    words.extend([socket.into(), "-E".into(), log.into()]);
    let mut option = |text: String| words.extend(["-o".into(), text.into()]);
    for text in common_options(target, host_keys) {
        option(text);
    }
    option(format!("ControlPersist={PERSIST}"));
    option(format!("ServerAliveInterval={ALIVE_INTERVAL}"));
    option(format!("ServerAliveCountMax={ALIVE_COUNT}"));
    // What the user's configuration may ask for a person's own logins, and is none of ours.
    option("ClearAllForwardings=yes".into());
    option("ForwardAgent=no".into());
    option("ForwardX11=no".into());
    option("PermitLocalCommand=no".into());
    option("RemoteCommand=none".into());
    option("LogLevel=INFO".into());
    if let Some(compression) = target.compression {
        let value = if compression { "yes" } else { "no" };
        option(format!("Compression={value}"));
    }
    if target.key.is_some() {
        option("IdentitiesOnly=yes".into());
    }
    if let Some(jump) = &target.jump {
        option(format!(
            "ProxyCommand={}",
            proxy(target, host_keys, jump, log)
        ));
    }
    if let Some(key) = &target.key {
        words.extend(["-i".into(), key.into()]);
    }
    if let Some(user) = &target.user {
        words.extend(["-l".into(), user.into()]);
    }
    if let Some(port) = target.port {
        words.extend(["-p".into(), port.to_string().into()]);
    }
    words.extend(["--".into(), target.address.clone().into()]);
    words
}

/// Options that hold for the host and for the jump hosts alike.
fn common_options(target: &SshTarget, host_keys: HostKeys) -> Vec<String> {
    let seconds = target.connect_timeout.as_secs().max(1);
    let mut options = vec![
        "BatchMode=yes".to_owned(),
        format!("StrictHostKeyChecking={}", host_keys.option()),
        format!("ConnectTimeout={seconds}"),
    ];
    if let Some(file) = &target.known_hosts {
        // ssh splits the value at blanks and expands `%`.
        options.push(format!(
            "UserKnownHostsFile=\"{}\"",
            file.display().to_string().replace('%', "%%")
        ));
    }
    options
}

/// The command that `-J` would make, with our own options: ssh passes none of them to a jump host, and
/// would ask the terminal about an unknown key there.
fn proxy(target: &SshTarget, host_keys: HostKeys, jump: &str, log: &Path) -> String {
    let (before, last) = jump
        .rsplit_once(',')
        .map_or((None, jump), |(before, last)| (Some(before), last));
    // A master that persists sends its proxy's standard error to /dev/null (`ssh_proxy_connect` in
    // OpenSSH's sshconnect.c): without a log of its own the jump host's reasons would be lost.
    let mut words = vec!["ssh".to_owned(), "-E".to_owned(), log.display().to_string()];
    for option in common_options(target, host_keys) {
        words.extend(["-o".to_owned(), option]);
    }
    if let Some(key) = &target.key {
        words.extend(["-i".to_owned(), key.display().to_string()]);
    }
    if let Some(before) = before {
        words.extend(["-J".to_owned(), before.to_owned()]);
    }
    let (host, port) = match last.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (last, None),
    };
    if let Some(port) = port {
        words.extend(["-p".to_owned(), port.to_owned()]);
    }
    words.extend(["--".to_owned(), host.replace(['[', ']'], "")]);
    // ssh expands `%` in a proxy command once more.
    let quoted: Vec<String> = words
        .iter()
        .map(|word| quote_sh(word).replace('%', "%%"))
        .collect();
    // -W comes first: after `--` there are no options. ssh itself puts `exec` before it all.
    quoted.join(" ").replacen("ssh ", "ssh -W '[%h]:%p' ", 1)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::target::{HostKeys, SshTarget};
    use super::{arguments, proxy};

    fn line(target: &SshTarget, host_keys: HostKeys) -> String {
        let words = arguments(target, host_keys, Path::new("/s"), Path::new("/l"));
        words
            .iter()
            .map(|word| word.to_string_lossy())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn only_what_is_named_overrides_the_configuration() {
        let text = line(&SshTarget::new("db1"), HostKeys::Strict);
        assert!(text.contains("-o StrictHostKeyChecking=yes"), "{text}");
        assert!(text.contains("-o BatchMode=yes"), "{text}");
        for absent in [
            "-i ",
            "-l ",
            "-p ",
            "UserKnownHostsFile",
            "ProxyCommand",
            "IdentitiesOnly",
            "Compression",
        ] {
            assert!(!text.contains(absent), "{absent} in {text}");
        }
        assert!(text.ends_with("-- db1"), "{text}");
    }

    #[test]
    fn what_the_inventory_names_is_on_the_line() {
        let target = SshTarget {
            user: Some("ops".into()),
            port: Some(2222),
            key: Some("/k".into()),
            known_hosts: Some("/a b/100%".into()),
            compression: Some(true),
            ..SshTarget::new("db1")
        };
        let text = line(&target, HostKeys::AcceptNew);
        for present in [
            "StrictHostKeyChecking=accept-new",
            "UserKnownHostsFile=\"/a b/100%%\"",
            "-i /k -l ops -p 2222 -- db1",
            "IdentitiesOnly=yes",
            "Compression=yes",
        ] {
            assert!(text.contains(present), "{present} in {text}");
        }
    }

    #[test]
    fn a_jump_host_is_judged_as_strictly_as_the_host() {
        let target = SshTarget {
            jump: Some("ops@b1:2222".into()),
            ..SshTarget::new("db1")
        };
        let text = proxy(&target, HostKeys::Strict, "ops@b1:2222", Path::new("/l"));
        assert!(text.starts_with("ssh -W '[%h]:%p' "), "{text}");
        assert!(text.contains("BatchMode=yes"), "{text}");
        assert!(text.contains("StrictHostKeyChecking=yes"), "{text}");
        assert!(text.ends_with("-p 2222 -- ops@b1"), "{text}");
        let chain = proxy(&target, HostKeys::Strict, "b1,b2:23,b3", Path::new("/l"));
        assert!(chain.ends_with("-J b1,b2:23 -- b3"), "{chain}");
    }
}
