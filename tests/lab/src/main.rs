//! `hactl-lab`: the lab by hand. It parses, calls the library and prints; it decides nothing.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use hactl_lab::{
    Host, Image, Lab, LabError, LabSpec, Ledger, PACKAGES, Server, Suite, Writer, inspect, primary,
};

/// Real hosts on one machine, to try hactl on.
#[derive(Debug, Parser)]
#[command(name = "hactl-lab", version)]
struct Arguments {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Boot a lab and leave it running.
    Up {
        /// How many hosts.
        #[arg(default_value_t = 3)]
        hosts: usize,
        /// Debian suite: bullseye, bookworm, trixie (`MariaDB`) or sid (`MySQL`).
        #[arg(long, default_value = "bookworm")]
        suite: Suite,
        /// Name of the lab.
        #[arg(long, default_value = "demo")]
        name: String,
        /// Hosts come with the database server installed.
        #[arg(long)]
        with_server: bool,
    },
    /// Boot one host more in a lab that is up; the inventory has it from then on.
    Add {
        /// Which lab.
        name: String,
    },
    /// Remove a lab: hosts, disks, network.
    Down {
        /// Which.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        name: Option<String>,
        /// Every lab, but those that a running test holds.
        #[arg(long)]
        all: bool,
    },
    /// Show the labs there are.
    List,
    /// Log in to a host, or run a command there: `ssh demo/db1 -- uptime`.
    Ssh {
        /// LAB/HOST, or HOST when there is one lab.
        host: String,
        /// The command; a login shell without.
        #[arg(last = true)]
        command: Vec<String>,
    },
    /// Print a lab's inventory for hactl.
    Inventory {
        /// Which lab.
        name: String,
    },
    /// Write through the writer VIP for a while, and judge: the outage as a client saw it, and
    /// whether every acknowledged row is there. Break something meanwhile.
    Judge {
        /// Which lab.
        name: String,
        /// For how many seconds.
        #[arg(default_value_t = 30)]
        seconds: u64,
        /// A second writer inside this host's network, beside its server.
        #[arg(long, value_name = "HOST")]
        beside: Option<String>,
    },
    /// Let something befall a host.
    Fault {
        #[command(subcommand)]
        fault: Fault,
    },
    /// Build the cached image of a suite.
    Base {
        /// Which.
        suite: Suite,
        /// The one with the database server installed, too.
        #[arg(long)]
        with_server: bool,
    },
    /// Print the Debian packages that this machine must have: `apt-get install $(hactl-lab needs)`.
    Needs,
}

/// HOST is LAB/HOST, or HOST when there is one lab. PROCESS is the database server when not given.
#[derive(Debug, Subcommand)]
enum Fault {
    /// kill -9.
    Kill {
        host: String,
        process: Option<String>,
    },
    /// Make a process hang (SIGSTOP).
    Freeze {
        host: String,
        process: Option<String>,
    },
    /// Let it go on.
    Thaw {
        host: String,
        process: Option<String>,
    },
    /// Take the power away; the disk stays.
    PowerOff { host: String },
    /// Boot it again.
    PowerOn { host: String },
    /// Reboot in good order.
    Reboot { host: String },
    /// Pull its network cable.
    Cut { host: String },
    /// Plug it in again.
    Heal { host: String },
    /// Lose all packets between a host and this machine, and no others; `heal` undoes it.
    Veil { host: String },
    /// Lose three packets in ten; `heal` undoes it.
    Fray { host: String },
    /// Lose all packets between two hosts of a lab.
    Sever { host: String, other: String },
    /// Undo `sever`.
    Mend { host: String, other: String },
}

fn main() -> ExitCode {
    match act(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = format!("hactl-lab: {error}");
            let mut cause = std::error::Error::source(&error);
            while let Some(reason) = cause {
                text = format!("{text}: {reason}");
                cause = reason.source();
            }
            // Nowhere is left to say that standard error is closed.
            let _ = writeln!(io::stderr(), "{text}");
            ExitCode::FAILURE
        }
    }
}

fn act(action: Action) -> Result<(), LabError> {
    match action {
        Action::Up {
            hosts,
            suite,
            name,
            with_server,
        } => up(&LabSpec {
            name,
            hosts,
            suite,
            server: server(with_server),
        }),
        Action::Add { name } => {
            let mut lab = Lab::open(&name)?;
            let host = lab.add()?;
            say(&format!("  {:<6} {}", host.name(), host.address()));
            Ok(())
        }
        Action::Down {
            name: Some(name), ..
        } => {
            Lab::down(&name)?;
            say(&format!("{name}: removed"));
            Ok(())
        }
        Action::Down { name: None, .. } => {
            let done = Lab::down_all()?;
            done.removed
                .iter()
                .for_each(|name| say(&format!("{name}: removed")));
            done.in_use.iter().for_each(|name| {
                say(&format!(
                    "{name}: left alone, a running process holds it (down {name} removes it)"
                ));
            });
            Ok(())
        }
        Action::List => list(),
        Action::Ssh { host, command } => ssh(&host, &command),
        Action::Inventory { name } => {
            say(Lab::open(&name)?.inventory_yaml().trim_end());
            Ok(())
        }
        Action::Judge {
            name,
            seconds,
            beside,
        } => judge(&name, Duration::from_secs(seconds), beside.as_deref()),
        Action::Fault { fault } => befall(fault),
        Action::Base { suite, with_server } => base(suite, server(with_server)),
        Action::Needs => {
            say(&PACKAGES.join(" "));
            Ok(())
        }
    }
}

fn server(with_server: bool) -> Server {
    if with_server {
        Server::Installed
    } else {
        Server::Bare
    }
}

fn base(suite: Suite, server: Server) -> Result<(), LabError> {
    let begun = Instant::now();
    if !Image::is_cached(suite, server) {
        say(&format!(
            "building the {suite} image (once, about a minute) …"
        ));
    }
    Image::obtain(suite, server)?;
    say(&format!(
        "the {suite} image is ready ({:.1} s)",
        begun.elapsed().as_secs_f64()
    ));
    Ok(())
}

fn up(spec: &LabSpec) -> Result<(), LabError> {
    base(spec.suite, spec.server)?;
    let begun = Instant::now();
    let lab = Lab::up(spec)?.keep()?;
    let name = lab.name();
    say(&format!(
        "lab {name} is up: {} on {} in {:.1} s",
        plural(lab.hosts().len()),
        lab.suite(),
        begun.elapsed().as_secs_f64()
    ));
    for host in lab.hosts() {
        say(&format!("  {:<6} {}", host.name(), host.address()));
    }
    say(&format!("  {:<6} {} (nobody's yet)", "VIP", lab.vip()));
    say(&format!(
        "
inventory:   {inventory}
passwords:   export REPL_PASSWORD=… MONITOR_PASSWORD=… ADMIN_PASSWORD=…
use it:      hactl -i {inventory} bootstrap
look around: hactl-lab ssh {name}/db1
break it:    hactl-lab fault power-off {name}/db1
remove it:   hactl-lab down {name}",
        inventory = lab.dir().join("inventory.yml").display()
    ));
    Ok(())
}

fn judge(name: &str, time: Duration, beside: Option<&str>) -> Result<(), LabError> {
    let lab = Lab::open(name)?;
    let Some(primary) = primary(&lab) else {
        say("there is not exactly one writable server; hactl verify says more");
        return Ok(());
    };
    Writer::prepare(primary)?;
    let mut writers = vec![Writer::outside(&lab)?];
    if let Some(host) = beside {
        writers.push(Writer::beside(&lab, lab.host(host)?)?);
    }
    thread::sleep(time);
    let ledgers: Vec<Ledger> = writers.into_iter().map(Writer::stop).collect();
    for (ledger, place) in ledgers.iter().zip(["outside", "beside"]) {
        say(&format!(
            "{place}: {} rows acknowledged, longest without an answer {} ms, by server_id {:?}",
            ledger.acks.len(),
            ledger.outage().as_millis(),
            ledger.turns()
        ));
        for (error, times) in &ledger.errors {
            say(&format!("  {times} times: {error}"));
        }
    }
    match inspect(&lab, &ledgers)? {
        Ok(health) => say(&format!("nothing lost; {health:?}")),
        Err(wrong) => wrong
            .iter()
            .for_each(|violation| say(&violation.to_string())),
    }
    Ok(())
}

fn plural(hosts: usize) -> String {
    if hosts == 1 {
        "1 host".to_owned()
    } else {
        format!("{hosts} hosts")
    }
}

fn list() -> Result<(), LabError> {
    for lab in Lab::list()? {
        say(&format!(
            "{:<20} {:<9} {:<15} {}/{} hosts on",
            lab.name,
            lab.suite.name(),
            lab.subnet,
            lab.running,
            lab.hosts
        ));
    }
    Ok(())
}

/// Finds LAB/HOST, or HOST when there is one lab.
fn find(word: &str) -> Result<(Lab, Host), LabError> {
    let (lab, host) = if let Some((lab, host)) = word.split_once('/') {
        (lab.to_owned(), host)
    } else {
        let mut labs = Lab::list()?;
        match (labs.pop(), labs.pop()) {
            (Some(only), None) => (only.name, word),
            _ => {
                return Err(LabError::Invalid {
                    what: "host",
                    value: word.to_owned(),
                    want: "there is not exactly one lab, so write LAB/HOST; hactl-lab list shows the labs",
                });
            }
        }
    };
    let lab = Lab::open(&lab)?;
    let host = lab.host(host)?.clone();
    Ok((lab, host))
}

fn ssh(word: &str, command: &[String]) -> Result<(), LabError> {
    let (lab, host) = find(word)?;
    let mut ssh = Command::new("ssh");
    ssh.arg("-i")
        .arg(lab.key())
        .arg("-o")
        .arg(format!(
            "UserKnownHostsFile={}",
            lab.known_hosts().display()
        ))
        .args([
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "StrictHostKeyChecking=yes",
        ])
        .arg(format!("root@{}", host.address()))
        .args(command);
    // Returns only when ssh could not be started.
    let source = ssh.exec();
    Err(LabError::Start {
        program: "ssh".to_owned(),
        doing: format!("log in to {word}"),
        source,
    })
}

fn befall(fault: Fault) -> Result<(), LabError> {
    match fault {
        Fault::Kill { host, process } => each(&host, process, Host::kill),
        Fault::Freeze { host, process } => each(&host, process, Host::freeze),
        Fault::Thaw { host, process } => each(&host, process, Host::thaw),
        Fault::PowerOff { host } => find(&host)?.1.power_off(),
        Fault::PowerOn { host } => find(&host)?.1.power_on(),
        Fault::Reboot { host } => find(&host)?.1.reboot(),
        Fault::Cut { host } => find(&host)?.1.cut(),
        Fault::Heal { host } => find(&host)?.1.heal(),
        Fault::Veil { host } => find(&host)?.1.veil(),
        Fault::Fray { host } => find(&host)?.1.fray(),
        Fault::Sever { host, other } => {
            let (lab, one) = find(&host)?;
            one.sever(lab.host(short(&other))?)
        }
        Fault::Mend { host, other } => {
            let (lab, one) = find(&host)?;
            one.mend(lab.host(short(&other))?)
        }
    }
}

/// The host's part of LAB/HOST.
fn short(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

fn each(
    word: &str,
    process: Option<String>,
    signal: impl FnOnce(&Host, &str) -> Result<usize, LabError>,
) -> Result<(), LabError> {
    let (lab, host) = find(word)?;
    let process = process.unwrap_or_else(|| lab.suite().flavor().process().to_owned());
    let count = signal(&host, &process)?;
    say(&format!("{word}: {process} ({count})"));
    Ok(())
}

fn say(line: &str) {
    // A reader that went away (`| head`) is no fault of the lab.
    let _ = writeln!(io::stdout(), "{line}");
}
