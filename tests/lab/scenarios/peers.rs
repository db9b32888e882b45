//! How long other tools take where there is nothing to do, on the same hosts beside hactl: packages, a file, a
//! service, accounts, which is a part of what `hactl bootstrap` looks at. Run by `make bench-peers`; a tool
//! that is not installed is left out, and that is said. It asserts that nothing is changed, and prints times.

use std::collections::BTreeMap;
use std::env;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table, presets};
use hactl_lab::{Server, Suite};

use crate::cluster::Cluster;

/// How often each is run.
const RUNS: usize = 5;

/// Ansible needs it on the hosts; the others do not.
const PYTHON: &str = "exec >/dev/null 2>&1; python3 -c 'import apt' || { apt-get -q update; \
    DEBIAN_FRONTEND=noninteractive apt-get -qy --no-install-recommends install python3 python3-apt; }";

/// Who is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Hactl,
    Ansible,
    Pyinfra,
}

impl Who {
    const ALL: [Self; 3] = [Self::Hactl, Self::Ansible, Self::Pyinfra];

    /// The program, and how it is installed.
    fn program(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Hactl => None,
            Self::Ansible => Some(("ansible-playbook", "pip install ansible-core")),
            Self::Pyinfra => Some(("pyinfra", "pip install pyinfra")),
        }
    }

    /// Whether a run says that it had nothing to do. hactl is taken at the word of the servers' positions.
    fn says_unchanged(self, said: &str) -> bool {
        match self {
            Self::Hactl => true,
            Self::Ansible => said
                .split("changed=")
                .skip(1)
                .all(|rest| rest.starts_with("0 ")),
            // Of its last row: hosts and operations, changed, failed, unchanged.
            Self::Pyinfra => said.lines().any(|line| {
                let mut words = line.split_whitespace();
                words.next() == Some("Grand") && words.nth(2) == Some("-")
            }),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Hactl => "hactl bootstrap --yes, new connections",
            Self::Ansible => "ansible-playbook, pipelining, no facts, warm connections",
            Self::Pyinfra => "pyinfra",
        }
    }
}

#[test]
#[ignore = "make bench-peers"]
fn converged() {
    let suite = env::var("SUITE").map_or(Suite::Bookworm, |name| name.parse().unwrap());
    let runs = env::var("RUNS").map_or(RUNS, |runs| runs.parse().unwrap());
    let there: Vec<Who> = Who::ALL.into_iter().filter(|who| is_there(*who)).collect();
    let cluster = Cluster::up(suite, Server::Installed);
    cluster.bootstrap();
    if there.contains(&Who::Ansible) {
        for host in cluster.lab.hosts() {
            // What it runs on a host is Python.
            host.exec_ok(PYTHON).unwrap();
        }
    }
    // The first run makes it so, and the connections.
    for who in &there {
        once(&cluster, *who);
    }
    let before = cluster.positions();
    let mut times: BTreeMap<Who, Vec<Duration>> = BTreeMap::new();
    for _ in 0..runs {
        for who in &there {
            let (took, said) = once(&cluster, *who);
            assert!(who.says_unchanged(&said), "{}: {said}", who.name());
            times.entry(*who).or_default().push(took);
        }
    }
    assert_eq!(cluster.positions(), before, "something was written");
    eprintln!(
        "\n{suite}, 3 hosts, {runs} runs each, nothing to do\n{}",
        table(times)
    );
}

/// Whether a tool is installed; says so where it is not.
fn is_there(who: Who) -> bool {
    let Some((program, install)) = who.program() else {
        return true;
    };
    let found = Command::new(program).arg("--version").output();
    let is_there = found.is_ok_and(|output| output.status.success());
    if !is_there {
        eprintln!(
            "LEFT OUT: {program} is not installed (`{install}`, and that in PATH); nothing is said of it"
        );
    }
    is_there
}

/// How long it took, and what it said.
fn once(cluster: &Cluster, who: Who) -> (Duration, String) {
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/peers");
    match who {
        Who::Hactl => {
            let took = cluster.time_cold(&["bootstrap", "--yes"]);
            (took, String::new())
        }
        Who::Ansible => timed(&mut ansible(cluster, &peers)),
        Who::Pyinfra => timed(&mut pyinfra(cluster, &peers)),
    }
}

fn timed(command: &mut Command) -> (Duration, String) {
    let begun = Instant::now();
    let output = command.output().unwrap();
    let took = begun.elapsed();
    let said =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{command:?}: {said:?}");
    (took, said.concat())
}

fn ansible(cluster: &Cluster, peers: &Path) -> Command {
    let ssh = format!(
        "-F none -o ControlMaster=auto -o ControlPersist=60s -o IdentitiesOnly=yes -o UserKnownHostsFile={}",
        cluster.lab.known_hosts().display()
    );
    let mut command = Command::new("ansible-playbook");
    command
        .args(["-i", &format!("{},", addresses(cluster).join(","))])
        .args(["-u", "root", "--private-key"])
        .arg(cluster.lab.key())
        .args(["-e", &variables(cluster)])
        .arg(peers.join("ansible.yml"))
        .env("ANSIBLE_PIPELINING", "True")
        .env("ANSIBLE_NOCOLOR", "True")
        .env("ANSIBLE_SSH_ARGS", ssh)
        .env("ANSIBLE_PYTHON_INTERPRETER", "/usr/bin/python3");
    command
}

fn pyinfra(cluster: &Cluster, peers: &Path) -> Command {
    let mut command = Command::new("pyinfra");
    command
        .arg("-y")
        .args(["pyinfra_inventory.py", "pyinfra_deploy.py"])
        .current_dir(peers)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PEER_HOSTS", addresses(cluster).join(" "))
        .env("PEER_KEY", cluster.lab.key())
        .env("PEER_KNOWN_HOSTS", cluster.lab.known_hosts())
        .env("PEER_VARIABLES", variables(cluster));
    command
}

fn addresses(cluster: &Cluster) -> Vec<String> {
    let hosts = cluster.lab.hosts().iter();
    hosts.map(|host| host.address().to_string()).collect()
}

/// As JSON, which is YAML, too.
fn variables(cluster: &Cluster) -> String {
    let flavor = cluster.lab.suite().flavor();
    serde_json::json!({
        "server_package": flavor.server_package(),
        "server_unit": flavor.unit(),
        "server_client": flavor.client(),
        "primary": cluster.host("db1").address().to_string(),
    })
    .to_string()
}

fn table(times: BTreeMap<Who, Vec<Duration>>) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY)
        .set_header(["who", "median", "times hactl"]);
    let medians: BTreeMap<Who, Duration> = times
        .into_iter()
        .map(|(who, mut list)| {
            list.sort();
            (who, list[list.len() / 2])
        })
        .collect();
    for (who, median) in &medians {
        table.add_row([
            who.name().to_owned(),
            format!("{} ms", median.as_millis()),
            format!(
                "{:.1}",
                median.as_secs_f64() / medians[&Who::Hactl].as_secs_f64()
            ),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
