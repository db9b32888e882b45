//! Ways to reach a host, and the ways in which it fails.

use std::fs;
use std::time::{Duration, Instant};

use hactl::fleet::script::Script;
use hactl::fleet::ssh::{
    Become, Effect, HostKeys, Link, LinkError, LinkFault, SshTarget, SudoPassword, Unreachable,
};

use tokio::io::AsyncWriteExt as _;

use crate::sshd::{Sshd, free_port, keygen, signal};

async fn refused(target: &SshTarget) -> LinkError {
    let error = Link::connect(target, HostKeys::Strict).await.unwrap_err();
    assert_eq!(error.effect(), Effect::None);
    error
}

#[tokio::test]
async fn a_login_as_root_is_proven_by_a_script() {
    let sshd = Sshd::start();
    let link = sshd.link().await;
    let who = link.whoami();
    assert_eq!(
        (who.login_uid, who.script_uid, who.login_user.as_str()),
        (0, 0, "root")
    );
    assert_eq!(
        who.host_name,
        fs::read_to_string("/proc/sys/kernel/hostname")
            .unwrap()
            .trim()
    );
}

#[tokio::test]
async fn a_wrong_key_is_a_refused_login() {
    let sshd = Sshd::start();
    keygen(&sshd.path("other_key"));
    let wrong = SshTarget {
        key: Some(sshd.path("other_key")),
        ..sshd.target()
    };
    let error = refused(&wrong).await;
    assert_eq!(*error.fault(), LinkFault::AuthenticationFailed);
    assert!(
        error
            .said()
            .unwrap()
            .contains("Permission denied (publickey)"),
        "{error}"
    );
    let missing = SshTarget {
        key: Some("/no/such/key".into()),
        ..sshd.target()
    };
    let error = refused(&missing).await;
    assert_eq!(*error.fault(), LinkFault::AuthenticationFailed);
    assert!(error.said().unwrap().contains("/no/such/key"), "{error}");
}

#[tokio::test]
async fn an_unknown_host_key_is_refused_unless_new_ones_are_accepted() {
    let sshd = Sshd::start();
    fs::remove_file(sshd.path("known_hosts")).unwrap();
    let error = refused(&sshd.target()).await;
    let name = format!("[127.0.0.1]:{}", sshd.port());
    assert_eq!(*error.fault(), LinkFault::HostKeyUnknown { name });
    let line = format!(
        "ssh-keyscan -p {} 127.0.0.1 >> {}",
        sshd.port(),
        sshd.path("known_hosts").display()
    );
    assert!(error.hint().contains(&line), "{}", error.hint());
    Link::connect(&sshd.target(), HostKeys::AcceptNew)
        .await
        .unwrap();
    let known = fs::read_to_string(sshd.path("known_hosts")).unwrap();
    assert!(!known.is_empty());
}

#[tokio::test]
async fn a_changed_host_key_is_refused_also_when_new_ones_are_accepted() {
    let mut sshd = Sshd::start();
    sshd.change_host_key();
    for host_keys in [HostKeys::Strict, HostKeys::AcceptNew] {
        let error = Link::connect(&sshd.target(), host_keys).await.unwrap_err();
        let LinkFault::HostKeyChanged { name, offending } = error.fault() else {
            panic!("{error:?}");
        };
        assert_eq!(*name, format!("[127.0.0.1]:{}", sshd.port()));
        assert!(
            offending.as_ref().unwrap().ends_with("known_hosts:1"),
            "{offending:?}"
        );
        assert!(error.hint().contains("ssh-keygen -f "), "{}", error.hint());
    }
}

#[tokio::test]
async fn a_port_without_sshd_is_refused() {
    let sshd = Sshd::start();
    let target = SshTarget {
        port: Some(free_port()),
        ..sshd.target()
    };
    let error = refused(&target).await;
    assert_eq!(*error.fault(), LinkFault::Unreachable(Unreachable::Refused));
    assert!(
        error
            .to_string()
            .starts_with(&format!("127.0.0.1:{}: ", target.port.unwrap()))
    );
}

#[tokio::test]
async fn a_login_shell_that_runs_nothing_is_told_as_it_is() {
    let sshd = Sshd::start();
    let target = SshTarget {
        user: Some("nobody".into()),
        ..sshd.target()
    };
    let error = refused(&target).await;
    assert!(
        matches!(error.fault(), LinkFault::ShellRefused { .. }),
        "{error:?}"
    );
    assert!(error.said().unwrap().contains("not available"), "{error}");
}

#[tokio::test]
async fn a_jump_host_is_passed_with_the_same_known_hosts() {
    let bastion = Sshd::start();
    let sshd = Sshd::start();
    let jump = Some(format!("root@127.0.0.1:{}", bastion.port()));
    let target = SshTarget {
        jump,
        ..sshd.target()
    };
    let bastion_key = fs::read_to_string(bastion.path("known_hosts")).unwrap();
    let user_key = fs::read(sshd.path("user_key.pub")).unwrap();
    fs::write(bastion.path("authorized_keys"), user_key).unwrap();
    // The bastion's key is not known yet: refused, under the bastion's name.
    let error = refused(&target).await;
    let name = format!("[127.0.0.1]:{}", bastion.port());
    assert_eq!(*error.fault(), LinkFault::HostKeyUnknown { name });
    let own_key = fs::read_to_string(sshd.path("known_hosts")).unwrap();
    fs::write(sshd.path("known_hosts"), own_key + &bastion_key).unwrap();
    let link = Link::connect(&target, HostKeys::Strict).await.unwrap();
    let output = link
        .run(&Script::new("echo $SSH_CONNECTION"), Duration::from_secs(5))
        .await;
    assert!(
        output
            .unwrap()
            .text()
            .contains(&format!("127.0.0.1 {}", sshd.port()))
    );
    assert_eq!(bastion.connections().len(), 1);
}

#[tokio::test]
async fn a_second_run_takes_up_the_warm_connection() {
    let mut sshd = Sshd::start();
    sshd.link().await.close().await;
    sshd.stop_listening();
    // No new connection can be made any more.
    let link = sshd.link().await;
    assert_eq!(
        link.run(&Script::new("exit 0"), Duration::from_secs(5))
            .await
            .unwrap()
            .status,
        0
    );
    // Another key is another identity: it must not ride on the warm connection.
    keygen(&sshd.path("other_key"));
    let other = SshTarget {
        key: Some(sshd.path("other_key")),
        ..sshd.target()
    };
    assert_eq!(
        *refused(&other).await.fault(),
        LinkFault::Unreachable(Unreachable::Refused)
    );
}

#[tokio::test]
async fn two_that_connect_at_once_share_one_connection() {
    let sshd = Sshd::start();
    let target = sshd.target();
    let (one, two) = tokio::join!(
        Link::connect(&target, HostKeys::Strict),
        Link::connect(&target, HostKeys::Strict)
    );
    one.unwrap();
    two.unwrap();
    assert_eq!(sshd.connections().len(), 1);
}

#[tokio::test]
async fn a_warm_connection_whose_host_went_away_is_made_anew() {
    let sshd = Sshd::start();
    sshd.link().await.close().await;
    // Silent, as after a power loss: the master cannot know.
    for pid in sshd.connections() {
        signal(pid, "STOP");
    }
    let frozen = sshd.connections();
    let target = SshTarget {
        connect_timeout: Duration::from_secs(1),
        ..sshd.target()
    };
    let start = Instant::now();
    let link = Link::connect(&target, HostKeys::Strict).await.unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(
        link.run(&Script::new("exit 0"), Duration::from_secs(5))
            .await
            .unwrap()
            .status,
        0
    );
    for pid in frozen {
        signal(pid, "KILL");
    }
}

#[tokio::test]
async fn a_link_that_breaks_says_that_the_script_may_have_run() {
    let sshd = Sshd::start();
    let link = sshd.link().await;
    let mark = sshd.path("begun");
    let script = Script::default()
        .command(["touch", mark.to_str().unwrap()])
        .line("sleep 30");
    let run = link.run(&script, Duration::from_secs(20));
    let cut = async {
        while !mark.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        for pid in sshd.connections() {
            signal(pid, "KILL");
        }
    };
    let (broken, ()) = tokio::join!(run, cut);
    let error = broken.unwrap_err();
    assert_eq!(*error.fault(), LinkFault::Disconnected);
    assert_eq!(error.effect(), Effect::Unknown);
    // And the next one says that nothing ran.
    let error = link.run(&script, Duration::from_secs(5)).await.unwrap_err();
    assert_eq!(
        (error.fault(), error.effect()),
        (&LinkFault::Disconnected, Effect::None)
    );
}

#[tokio::test]
async fn without_become_scripts_run_as_the_login() {
    let sshd = Sshd::start();
    let target = SshTarget {
        become_root: Become::Never,
        ..sshd.target()
    };
    let link = Link::connect(&target, HostKeys::Strict).await.unwrap();
    assert_eq!(
        link.run(&Script::new("exit 5"), Duration::from_secs(5))
            .await
            .unwrap()
            .status,
        5
    );
}

/// The login is root: nothing asks for the password, and nothing takes it for a command or for data.
#[tokio::test]
async fn a_password_that_nothing_asks_for_gets_nowhere() {
    let sshd = Sshd::start();
    let target = SshTarget {
        sudo_password: Some(SudoPassword::new("touch /tmp/hactl-oops".into())),
        ..sshd.target()
    };
    let link = Link::connect(&target, HostKeys::Strict).await.unwrap();
    let soon = Duration::from_secs(5);
    let output = link.run(&Script::new("echo one; exit 3"), soon).await;
    let output = output.unwrap();
    assert_eq!((output.text().as_str(), output.status), ("one\n", 3));
    assert_eq!(output.stderr, "");
    let mut writer = link.spawn_writer(&Script::new("cat"), soon).await.unwrap();
    writer.write_all(b"two\n").await.unwrap();
    let end = writer.finish(soon).await.unwrap();
    assert_eq!((end.stdout.as_str(), end.stderr.as_str()), ("two\n", ""));
    assert!(!std::path::Path::new("/tmp/hactl-oops").exists());
}
