//! The lab, proved on itself: two real hosts are booted, reached, hurt and removed. It needs root
//! and the packages that `hactl-lab needs` prints; without them it fails and says so.

// Clippy takes the helpers below for code that is not a test.
#![allow(clippy::unwrap_used)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, id};
use std::thread;
use std::time::{Duration, Instant};

use hactl_lab::{Direction, Host, Lab, LabError, LabSpec, Server, Suite};

fn up(suffix: &str, hosts: usize, server: Server) -> Lab {
    let name = format!("self-{}-{suffix}", id());
    Lab::up(&LabSpec {
        name,
        hosts,
        suite: Suite::Bookworm,
        server,
    })
    .unwrap()
}

/// Runs a command over real ssh from the outer machine; strict host keys, the lab's key only.
fn ssh(lab: &Lab, host: &Host, user: &str, command: &str) -> (bool, String) {
    let output = Command::new("ssh")
        .args([
            "-F",
            "none",
            "-o",
            "BatchMode=yes",
            "-o",
            "IdentitiesOnly=yes",
        ])
        .args(["-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=3"])
        .arg("-o")
        .arg(format!(
            "UserKnownHostsFile={}",
            lab.known_hosts().display()
        ))
        .arg("-i")
        .arg(lab.key())
        .arg(format!("{user}@{}", host.address()))
        .arg(command)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).trim().to_owned(),
    )
}

fn pings(from: &Host, to: &Host) -> bool {
    from.exec(&format!("ping -c1 -W1 {}", to.address()))
        .unwrap()
        .status
        == 0
}

fn eventually(what: &str, check: impl Fn() -> bool) {
    let begun = Instant::now();
    while !check() {
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "not within 60 s: {what}"
        );
        thread::sleep(Duration::from_millis(100));
    }
}

fn state_of(host: &Host) -> String {
    let output = host
        .exec("timeout 60 systemctl is-system-running --wait")
        .unwrap();
    output.stdout.trim().to_owned()
}

#[test]
fn hosts_are_real_and_faults_are_too() {
    let lab = up("faults", 2, Server::Bare);
    let (one, two) = (lab.host("db1").unwrap(), lab.host("db2").unwrap());

    they_are_whole(&lab);
    scripts_are_reported(one);
    links_fail_and_heal(one, two);
    processes_hang_and_die(one);
    power_fails(&lab, one, two);
    a_reboot_comes_back(&lab, one);

    let error = lab.host("db9").unwrap_err().to_string();
    assert!(
        error.contains("db9") && error.contains("db1, db2"),
        "{error}"
    );
}

fn they_are_whole(lab: &Lab) {
    for host in lab.hosts() {
        assert_eq!(state_of(host), "running", "{}", host.name());
        assert_eq!(
            ssh(lab, host, "root", "hostname"),
            (true, host.name().to_owned())
        );
        assert_eq!(
            ssh(lab, host, "ops", "sudo -n id -u"),
            (true, "0".to_owned())
        );
        let (had, said) = ssh(lab, host, "root", "dpkg -s mariadb-server");
        assert!(!had, "a bare host has a server: {said}");
    }
    let ids: Vec<String> = lab
        .hosts()
        .iter()
        .map(|h| h.exec_ok("cat /etc/machine-id").unwrap())
        .collect();
    assert_ne!(ids[0], ids[1]);
    let text = lab.inventory_yaml();
    assert_eq!(
        text,
        std::fs::read_to_string(lab.dir().join("inventory.yml")).unwrap()
    );
}

fn scripts_are_reported(host: &Host) {
    // A command that reads standard input must not eat the script.
    assert_eq!(host.exec_ok("cat\necho after").unwrap(), "after\n");
    let error = host.exec_ok("echo broken >&2; exit 7").unwrap_err();
    assert!(
        matches!(&error, LabError::Script { status: 7, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("broken"), "{error}");
}

fn links_fail_and_heal(one: &Host, two: &Host) {
    assert!(pings(one, two));
    one.cut().unwrap();
    assert!(!pings(two, one));
    // The console still works, as on a machine whose cable is out.
    assert_eq!(one.exec_ok("hostname").unwrap(), "db1\n");
    one.heal().unwrap();
    eventually("db2 reaches db1 after the heal", || pings(two, one));

    for direction in [Direction::Incoming, Direction::Outgoing] {
        one.mute(direction).unwrap();
        assert!(!pings(two, one), "{direction:?}");
        one.heal().unwrap();
        assert!(pings(two, one), "healed {direction:?}");
    }
    one.sever(two).unwrap();
    assert!(!pings(one, two) && !pings(two, one));
    let gateway = "ping -c1 -W1 \"$(ip route show default | cut -d' ' -f3)\"";
    one.exec_ok(gateway).unwrap();
    one.mend(two).unwrap();
    assert!(pings(one, two));

    one.veil().unwrap();
    assert!(!one.is_reachable(), "from the outer machine");
    assert!(pings(one, two) && pings(two, one));
    one.heal().unwrap();
    eventually("the outer machine reaches db1", || one.is_reachable());

    one.fray().unwrap();
    let heard = || {
        let pings = format!("ping -c40 -i0.01 -W1 {} | grep -c ttl=", one.address());
        let heard = two.exec(&pings).unwrap().stdout;
        heard.trim().parse::<u8>().unwrap()
    };
    let frayed = heard();
    assert!((1..40).contains(&frayed), "{frayed} of 40");
    one.heal().unwrap();
    assert_eq!(heard(), 40);
}

fn processes_hang_and_die(host: &Host) {
    host.exec_ok("cp /bin/sleep /usr/local/bin/victim; systemd-run --unit=victim victim 600")
        .unwrap();
    let state = "ps -C victim -o stat= | cut -c1";
    eventually("the victim sleeps", || {
        host.exec_ok(state).unwrap() == "S\n"
    });
    assert_eq!(host.freeze("victim").unwrap(), 1);
    eventually("the victim is stopped", || {
        host.exec_ok(state).unwrap() == "T\n"
    });
    host.thaw("victim").unwrap();
    eventually("the victim goes on", || {
        host.exec_ok(state).unwrap() == "S\n"
    });
    host.kill("victim").unwrap();
    eventually("the victim is gone", || {
        host.exec_ok(state).unwrap().is_empty()
    });
    assert!(matches!(
        host.kill("victim"),
        Err(LabError::NoProcess { .. })
    ));
}

fn power_fails(lab: &Lab, one: &Host, two: &Host) {
    let vip = lab.vip();
    let take = format!(
        "ip addr add {vip}/{} dev {}",
        lab.prefix_len(),
        lab.interface()
    );
    one.exec_ok(&format!("{take}; echo written > /root/disk"))
        .unwrap();
    assert_eq!(two.exec(&format!("ping -c1 -W1 {vip}")).unwrap().status, 0);

    let begun = Instant::now();
    one.power_off().unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    assert!(!one.is_running());
    assert!(matches!(one.exec("true"), Err(LabError::HostDown { .. })));
    // Neither answers: no ghost of a namespace is left.
    two.exec_ok("ip neigh flush all").unwrap();
    assert_ne!(two.exec(&format!("ping -c1 -W1 {vip}")).unwrap().status, 0);
    assert!(!pings(two, one));
    one.power_off().unwrap();

    one.power_on().unwrap();
    assert!(matches!(one.power_on(), Err(LabError::HostRunning { .. })));
    let addresses = one.exec_ok("ip -o -4 addr show dev eth0").unwrap();
    assert!(
        !addresses.contains(&vip.to_string()),
        "the VIP survived: {addresses}"
    );
    assert_eq!(one.exec_ok("cat /root/disk").unwrap(), "written\n");
    assert_eq!(ssh(lab, one, "root", "hostname"), (true, "db1".to_owned()));
    assert_eq!(state_of(one), "running");
}

fn a_reboot_comes_back(lab: &Lab, host: &Host) {
    let boot = || {
        host.exec_ok("systemctl show -p UserspaceTimestampMonotonic")
            .unwrap()
    };
    host.exec_ok(&format!("ip addr add {}/24 dev eth0", lab.vip()))
        .unwrap();
    let before = boot();
    host.reboot().unwrap();
    assert_ne!(boot(), before);
    let addresses = host.exec_ok("ip -o -4 addr show dev eth0").unwrap();
    assert!(!addresses.contains(&lab.vip().to_string()), "{addresses}");
    assert_eq!(state_of(host), "running");

    // A cable that is cut stays cut over a reboot.
    host.cut().unwrap();
    host.reboot().unwrap();
    assert!(!ssh(lab, host, "root", "true").0);
    host.heal().unwrap();
    eventually("ssh after the heal", || ssh(lab, host, "root", "true").0);
}

#[test]
fn an_installed_server_runs_and_answers() {
    let lab = up("server", 2, Server::Installed);
    for host in lab.hosts() {
        let version = host.sql("select version(); select 1, 2").unwrap();
        assert!(
            version.contains("MariaDB") && version.ends_with("1\t2\n"),
            "{version}"
        );
        assert!(matches!(host.sql("selec"), Err(LabError::Script { .. })));
    }
    let host = lab.host("db1").unwrap();
    host.kill("mariadbd").unwrap();
    // Debian's unit brings it back.
    host.await_server().unwrap();
}

#[test]
fn a_panic_leaves_nothing_behind() {
    let mut found = None;
    let panic = catch_unwind(AssertUnwindSafe(|| {
        let lab = up("panic", 1, Server::Bare);
        let number = lab.hosts()[0].address().octets()[2];
        // Link, namespace, two control groups or more, two tables: what must be gone later.
        assert!(traces(number).len() > 5, "{:?}", traces(number));
        // The folder may be a link to where the disks are.
        let disk = lab.dir().canonicalize().unwrap();
        found = Some((lab.dir(), disk, number));
        panic!("a test that fails");
    }));
    assert!(panic.is_err());
    let (dir, disk, number) = found.unwrap();
    for folder in [&dir, &disk] {
        assert!(folder.symlink_metadata().is_err(), "{}", folder.display());
    }
    let name = dir.file_name().unwrap().to_string_lossy().into_owned();
    assert!(matches!(Lab::open(&name), Err(LabError::NoSuchLab { .. })));
    // Another lab may have taken the number since; then its parts are there, and not ours.
    let reused = || {
        Lab::list()
            .unwrap()
            .iter()
            .any(|lab| lab.subnet.contains(&format!(".{number}.0/")))
    };
    eventually("every trace is gone", || {
        traces(number).is_empty() || reused()
    });
}

/// What the outer machine still shows of the lab of this number.
fn traces(number: u8) -> Vec<String> {
    let listings = [
        ("ip", vec!["-o", "link"]),
        ("nft", vec!["list", "tables"]),
        ("ls", vec!["/run/netns"]),
        ("find", vec!["/sys/fs/cgroup", "-type", "d"]),
        ("cat", vec!["/proc/mounts"]),
    ];
    let names = [
        format!("hlab{number}h"),
        format!("hlab{number}-"),
        format!("hlab{number}:"),
    ];
    let table = format!("hactl_lab_{number}");
    let ours = |line: &String| line.ends_with(&table) || names.iter().any(|n| line.contains(n));
    let lines = |(program, args): (&str, Vec<&str>)| {
        let output = Command::new(program).args(args).output().unwrap();
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    listings.into_iter().flat_map(lines).filter(ours).collect()
}

#[test]
fn a_name_is_taken_while_its_holder_lives() {
    let lab = up("taken", 1, Server::Bare);
    let spec = LabSpec {
        name: lab.name().to_owned(),
        hosts: 1,
        suite: Suite::Bookworm,
        server: Server::Bare,
    };
    assert!(matches!(Lab::up(&spec), Err(LabError::NameTaken { .. })));
    assert!(lab.hosts()[0].is_running());
}
