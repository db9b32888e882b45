//! Actions on a host, looks at it and locks on it: through a real sshd, and a fleet as commands have it.
//! Nothing here touches a database server or an address that anybody uses.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hactl::execute;
use hactl::facts::{HostView, UnreachableKind};
use hactl::fleet::lock::{Holder, change_name};
use hactl::fleet::script::Script;
use hactl::fleet::ssh::HostKeys;
use hactl::fleet::{Fleet as _, LiveFleet, Progress};
use hactl::inventory::{Cluster, FenceCommand, FenceContract, HookPoint, HostName, Inventory};
use hactl::plan::{Action, FenceMethod, Neighbours, OnFailure, Outcome, Step};

use crate::sshd::{Sshd, free_port, signal, wait_until};

/// A cluster of one host, which is an sshd on this machine.
struct Lone {
    folder: tempfile::TempDir,
    sshd: Sshd,
    cluster: Cluster,
}

#[derive(Default)]
struct Said(Mutex<Vec<String>>);

impl Progress for Said {
    fn tell(&self, _: &HostName, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

impl Lone {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sshd = Sshd::start();
        let account =
            |user: &str| format!("{{user: {user}, password: \"cmd:echo secret-of-{user}\"}}");
        let mut text = format!(
            "cluster: wire-{}\nserver: {{flavor: mariadb}}\naccounts:\n  replication: {}\n  monitor: {}\n  admin: {}\nhosts:\n",
            sshd.port(),
            account("repl"),
            account("monitor"),
            account("hactl"),
        );
        text += &format!(
            "  db1: {{address: 127.0.0.1, port: {}, primary: true, ssh: {{user: root, port: {}, key: {}, known_hosts: {}}}}}\n",
            // No server listens there; but locks have its name, and this machine is many hosts at once.
            free_port(),
            sshd.port(),
            sshd.path("user_key").display(),
            sshd.path("known_hosts").display(),
        );
        let file = folder.path().join("inventory.yml");
        std::fs::write(&file, text).unwrap();
        let cluster = Inventory::load(&file).unwrap_or_else(|wrong| panic!("{wrong:?}"));
        Self {
            folder,
            sshd,
            cluster,
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn fleet(&self) -> LiveFleet {
        LiveFleet::connect(Arc::new(self.cluster.clone()), HostKeys::Strict).await
    }

    fn names(&self) -> BTreeSet<HostName> {
        self.cluster.hosts.keys().cloned().collect()
    }

    fn first(&self) -> HostName {
        self.cluster.hosts.keys().next().unwrap().clone()
    }

    /// Where its server would listen.
    fn port(&self) -> u16 {
        self.cluster.hosts.values().next().unwrap().port
    }

    fn step(&self, action: Action) -> Step {
        Step {
            task: "test".to_owned(),
            host: self.first(),
            action,
            why: String::new(),
            on_failure: OnFailure::Stop,
        }
    }
}

impl Drop for Lone {
    fn drop(&mut self) {
        let name = &self.cluster.name;
        let _ = std::fs::remove_dir_all(format!("/var/lib/hactl/{name}"));
        let port = self.port();
        let _ = std::fs::remove_file(format!("/run/hactl/server-{port}.lock"));
        let _ = std::fs::remove_file(format!("/run/hactl/server-{port}.watch.lock"));
    }
}

#[tokio::test]
async fn a_hook_knows_its_subject_and_its_words_are_passed_on() {
    let mut hosts = Lone::start();
    let commands = &mut hosts.cluster.hooks.commands;
    commands.insert(
        HookPoint::BeforeFence,
        "echo $HACTL_HOOK $HACTL_CLUSTER $HACTL_HOST $HACTL_ADDRESS $HACTL_PORT".to_owned(),
    );
    commands.insert(HookPoint::Failed, "echo no pager >&2; exit 7".to_owned());
    let fleet = hosts.fleet().await;
    let run = async |hook| {
        let said = Said::default();
        let outcome = fleet
            .apply(&hosts.step(Action::RunHook { hook }), &said)
            .await;
        (outcome, said.0.into_inner().unwrap())
    };
    let words = format!(
        "before_fence {} db1 127.0.0.1 {}",
        hosts.cluster.name,
        hosts.port()
    );
    assert_eq!(
        run(HookPoint::BeforeFence).await,
        (Outcome::Changed, vec![words])
    );
    assert_eq!(run(HookPoint::AfterFence).await, (Outcome::Already, vec![]));
    let (Outcome::Failed { error, .. }, _) = run(HookPoint::Failed).await else {
        panic!("the hook ended with 7")
    };
    assert!(
        error.contains("failed ended with status 7: no pager"),
        "{error}"
    );
}

#[tokio::test]
async fn fence_commands_get_the_words_of_their_contract() {
    let mut hosts = Lone::start();
    let program = hosts.file("fence");
    let seen = hosts.file("seen");
    std::fs::write(
        &program,
        format!("echo \"$HACTL_SSH:$*\" >{}\nexit $STATUS\n", seen.display()),
    )
    .unwrap();
    // With ssh (the warm connection is taken up), and without.
    let with = hosts.fleet().await;
    hosts.sshd.stop_listening();
    for host in hosts.cluster.hosts.values_mut() {
        host.ssh.port = Some(1);
    }
    for (contract, status, ssh, wanted) in [
        (FenceContract::Hactl, 0, true, Some("works:")),
        (FenceContract::Hactl, 10, true, None),
        (
            FenceContract::MhaShutdown,
            10,
            true,
            Some(
                "works:--command=stopssh --ssh_user=root --host=127.0.0.1 --ip=127.0.0.1 --port=PORT",
            ),
        ),
        (FenceContract::MhaShutdown, 1, true, None),
        (
            FenceContract::MhaIpFailover,
            0,
            false,
            Some(
                "fails:--command=stop --ssh_user=root --orig_master_host=127.0.0.1 --orig_master_ip=127.0.0.1 --orig_master_port=PORT",
            ),
        ),
    ] {
        let mut cluster = if ssh {
            with.cluster().clone()
        } else {
            hosts.cluster.clone()
        };
        cluster.failover.fence = Some(FenceCommand {
            command: format!("STATUS={status} /bin/sh {}", program.display()),
            contract,
            timeout: Duration::from_secs(5),
        });
        let fleet = LiveFleet::connect(Arc::new(cluster), HostKeys::Strict).await;
        let step = hosts.step(Action::Fence {
            method: FenceMethod::Command,
        });
        let outcome = fleet.apply(&step, &Said::default()).await;
        match wanted {
            Some(words) => {
                assert_eq!(outcome, Outcome::Changed, "{contract:?}");
                let words = words.replace("PORT", &hosts.port().to_string());
                assert_eq!(std::fs::read_to_string(&seen).unwrap().trim(), words);
            }
            None => assert!(
                matches!(&outcome, Outcome::Failed { error, .. } if error.contains(&status.to_string())),
                "{outcome:?}"
            ),
        }
    }
}

#[tokio::test]
async fn a_look_returns_in_time_and_a_lost_host_can_be_dialled_anew() {
    let hosts = Lone::start();
    let fleet = hosts.fleet().await;
    let (first, names) = (hosts.first(), hosts.names());
    assert_eq!(fleet.connected(), names);
    fleet.look(&names, Duration::from_secs(5)).await;
    let frozen = hosts.sshd.connections();
    for pid in &frozen {
        signal(*pid, "STOP");
    }
    let begun = Instant::now();
    let seen = fleet.look(&names, Duration::from_millis(700)).await;
    assert!(
        begun.elapsed() < Duration::from_millis(900),
        "{:?}",
        begun.elapsed()
    );
    let HostView::Unreachable(why) = seen.view(&first).unwrap() else {
        panic!("{seen:?}")
    };
    assert_eq!(why.kind, UnreachableKind::Network);
    // The frozen connection is still there, and must not be taken up again.
    fleet
        .reconnect(&first, Duration::from_secs(20))
        .await
        .unwrap();
    let seen = fleet.look(&names, Duration::from_secs(20)).await;
    assert_eq!(seen.all_reached().count(), 1);
    for pid in &frozen {
        signal(*pid, "KILL");
    }
}

#[tokio::test]
async fn a_host_that_is_away_is_no_host_and_comes_back_by_dialling() {
    let mut hosts = Lone::start();
    let port = hosts.cluster.hosts.values().next().unwrap().ssh.port;
    for host in hosts.cluster.hosts.values_mut() {
        host.ssh.port = Some(1);
    }
    let fleet = hosts.fleet().await;
    assert!(fleet.connected().is_empty());
    let why = fleet
        .reconnect(&hosts.first(), Duration::from_secs(2))
        .await
        .unwrap_err();
    assert_eq!(why.kind, UnreachableKind::Network, "{}", why.text);
    for host in hosts.cluster.hosts.values_mut() {
        host.ssh.port = port;
    }
    assert_eq!(hosts.fleet().await.connected(), hosts.names());
}

#[tokio::test]
async fn marks_and_the_watcher_are_seen_and_files_go() {
    let hosts = Lone::start();
    let fleet = hosts.fleet().await;
    let (first, names) = (hosts.first(), hosts.names());
    let folder = PathBuf::from(format!("/var/lib/hactl/{}", hosts.cluster.name));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("maintenance.json");
    std::fs::write(
        &path,
        "{\"at\": 5,\n \"by\": \"ops\",\n \"host\": \"db1\",\n \"text\": \"new disk | tab\\t\"}",
    )
    .unwrap();
    std::fs::write(folder.join("failover.json"), "{").unwrap();
    let watch = execute::acquire_watch(&fleet, "failover", &names)
        .await
        .unwrap();
    let seen = fleet.look(&names, Duration::from_secs(5)).await;
    let os = seen.os(&first).unwrap();
    let mark = os.marks.maintenance.as_ref().unwrap();
    assert_eq!((mark.at, mark.text.as_str()), (5, "new disk | tab\t"));
    let unread = os.marks.failover.as_ref().unwrap();
    assert!(
        unread.at > 0 && unread.text.contains("cannot be read"),
        "{unread:?}"
    );
    let watcher = os.watcher.as_deref().unwrap();
    assert!(
        watcher.contains(&format!("pid {}", std::process::id())),
        "{watcher}"
    );
    watch.release().await;
    let remove = hosts.step(Action::RemoveFile {
        path: path.display().to_string(),
    });
    assert_eq!(
        fleet.apply(&remove, &Said::default()).await,
        Outcome::Changed
    );
    assert_eq!(
        fleet.apply(&remove, &Said::default()).await,
        Outcome::Already
    );
    let seen = fleet.look(&names, Duration::from_secs(5)).await;
    let os = seen.os(&first).unwrap();
    assert_eq!(
        (os.marks.maintenance.as_ref(), os.watcher.as_ref()),
        (None, None)
    );
}

/// Somebody runs the command again, a moment after the one before was killed.
#[tokio::test]
async fn the_lock_of_a_process_that_has_ended_is_waited_for() {
    let hosts = Lone::start();
    let (fleet, names) = (hosts.fleet().await, hosts.names());
    let mut ended = Command::new("true").spawn().unwrap();
    ended.wait().unwrap();
    let holder = Holder {
        pid: ended.id(),
        ..Holder::this_process("bootstrap")
    };
    let port = hosts.cluster.host(&hosts.first()).unwrap().port;
    let link = hosts.sshd.link().await;
    let left = link.lock(&change_name(port), &holder).await.unwrap();
    let lapses = Arc::new(AtomicBool::new(false));
    let lapse = tokio::spawn({
        let lapses = Arc::clone(&lapses);
        async move {
            tokio::time::sleep(Duration::from_secs(3)).await;
            lapses.store(true, Ordering::Relaxed);
            left.release(Duration::from_secs(5)).await
        }
    });
    let lock = execute::acquire(&fleet, "bootstrap", &names).await.unwrap();
    assert!(lapses.load(Ordering::Relaxed), "two have it");
    lapse.await.unwrap().unwrap();
    lock.release().await;
}

#[tokio::test]
async fn of_those_who_lock_at_once_exactly_one_goes_on() {
    let hosts = Lone::start();
    let names = hosts.names();
    // The other one knows the same server as another cluster.
    let mut renamed = hosts.cluster.clone();
    renamed.name = "elsewhere".parse().unwrap();
    let (one, two) = (
        hosts.fleet().await,
        LiveFleet::connect(Arc::new(renamed), HostKeys::Strict).await,
    );
    for _ in 0..5 {
        let (left, right) = tokio::join!(
            execute::acquire(&one, "left", &names),
            execute::acquire(&two, "right", &names)
        );
        let (winner, loser) = match (left, right) {
            (Ok(winner), Err(loser)) | (Err(loser), Ok(winner)) => (winner, loser),
            other => panic!("{other:?}"),
        };
        assert!(loser.to_string().contains("is held by"), "{loser}");
        winner.check(Duration::from_secs(5)).await.unwrap();
        winner.release().await;
    }
    let lock = execute::acquire(&one, "left", &names).await.unwrap();
    drop(one);
    let holders = hosts.sshd.connections();
    for pid in &holders {
        signal(*pid, "KILL");
    }
    lock.check(Duration::from_secs(5)).await.unwrap_err();
}

#[tokio::test]
async fn an_address_is_leased_renewed_made_permanent_and_removed() {
    let hosts = Lone::start();
    let fleet = hosts.fleet().await;
    let port = hosts.sshd.port();
    let plain = format!("127.66.{}.{}", port >> 8, port & 255);
    let address = format!("{plain}/32");
    let shown = || {
        let output = Command::new("ip")
            .args(["-o", "addr", "show", "to", &plain])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let add = async |lease: Option<u64>| {
        let action = Action::AddVip {
            address: address.clone(),
            interface: "lo".to_owned(),
            neighbours: Neighbours::Known,
            lease: lease.map(Duration::from_secs),
        };
        fleet.apply(&hosts.step(action), &Said::default()).await
    };
    assert_eq!(add(Some(30)).await, Outcome::Changed);
    assert!(
        shown().contains("valid_lft 30sec") || shown().contains("valid_lft 29sec"),
        "{}",
        shown()
    );
    assert_eq!(add(Some(60)).await, Outcome::Already);
    assert!(
        shown().contains("valid_lft 60sec") || shown().contains("valid_lft 59sec"),
        "{}",
        shown()
    );
    assert_eq!(add(None).await, Outcome::Changed);
    assert!(shown().contains("valid_lft forever"), "{}", shown());
    assert_eq!(add(None).await, Outcome::Already);
    assert_eq!(add(Some(1)).await, Outcome::Changed);
    wait_until("the lease runs out", Duration::from_secs(4), || {
        shown().is_empty()
    });
    assert_eq!(add(None).await, Outcome::Changed);
    let remove = hosts.step(Action::RemoveVip {
        address: address.clone(),
        // Wherever it is: a person may have moved it.
        interface: "nowhere0".to_owned(),
    });
    assert_eq!(
        fleet.apply(&remove, &Said::default()).await,
        Outcome::Changed
    );
    assert_eq!(shown(), "");
    assert_eq!(
        fleet.apply(&remove, &Said::default()).await,
        Outcome::Already
    );
}

#[tokio::test]
async fn two_inventories_with_the_same_names_reach_each_their_own_host() {
    let (one, mut two) = (Lone::start(), Lone::start());
    two.cluster.name = one.cluster.name.clone();
    // Cold, and over the warm connections.
    for _ in 0..2 {
        let (here, there) = tokio::join!(one.fleet(), two.fleet());
        for (fleet, hosts) in [(&here, &one), (&there, &two)] {
            let name = hosts.names().pop_first().unwrap();
            let connection = fleet.connection(&name).unwrap();
            let ask = Script::new("echo $SSH_CONNECTION");
            let answer = connection.link.run(&ask, Duration::from_secs(5)).await;
            let text = answer.unwrap().text();
            let own = format!(" {}\n", hosts.sshd.port());
            assert!(text.ends_with(&own), "{text} is not port {own}");
        }
    }
}
