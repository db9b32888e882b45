//! One host of a lab: what can be asked of it while it runs, and its power switch. Everything goes
//! through the host's namespaces, not through ssh, so it works while its network does not. Every
//! wait is bounded.

use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Pid;

use crate::boot::Place;
use crate::suite::Flavor;
use crate::{LabError, command, network, process};

/// How long a boot may take. One is about 1 s on an idle machine; a busy one builds Rust beside it.
const BOOT_LIMIT: Duration = Duration::from_secs(90);

/// How long killed processes may take to be gone.
const KILL_LIMIT: Duration = Duration::from_secs(20);

/// Bound of a script in a host: an `apt-get install` over a slow mirror fits.
const SCRIPT_LIMIT: Duration = Duration::from_mins(10);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Lines of the console in an error.
const CONSOLE_LINES: usize = 30;

/// A host of a [`crate::Lab`].
#[derive(Debug, Clone)]
pub struct Host {
    pub(crate) place: Place,
    pub(crate) flavor: Flavor,
}

/// What a script said, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The exit status; 128 and the signal's number when a signal ended it, 124 when it ran into
    /// its time limit.
    pub status: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Host {
    /// Its name, inside and in the inventory: `db1`, `db2`, …
    pub fn name(&self) -> &str {
        &self.place.name
    }

    /// Its address on the lab's subnet.
    pub fn address(&self) -> Ipv4Addr {
        self.place.network.host(self.place.number)
    }

    /// Runs a shell script as root inside the host, without ssh, for at most 600 s.
    ///
    /// # Errors
    /// When the host is off. The script's own failure is in the [`Output`].
    pub fn exec(&self, script: &str) -> Result<Output, LabError> {
        // The whole script is read before it begins: a command in it that reads standard input
        // finds it empty, and not the rest of the script.
        self.inside(&["sh", "-c", "eval \"$(cat)\""], script, SCRIPT_LIMIT)
    }

    /// Runs a shell script as root inside the host; returns what it printed.
    ///
    /// # Errors
    /// When the host is off, or the script ended with another status than 0.
    pub fn exec_ok(&self, script: &str) -> Result<String, LabError> {
        self.succeed(self.exec(script)?)
    }

    /// Runs SQL by the local client as root: rows by line, columns by tab, no headers.
    ///
    /// # Errors
    /// When the host or its server is off, or the statement failed.
    pub fn sql(&self, statements: &str) -> Result<String, LabError> {
        self.sql_within(statements, SCRIPT_LIMIT)
    }

    /// The same, for a server that may hang: so long, and no longer (whole seconds).
    ///
    /// # Errors
    /// As [`Host::sql`]; [`LabError::Script`] with status 124 or 137 when the time is over.
    pub fn sql_within(&self, statements: &str, limit: Duration) -> Result<String, LabError> {
        let client = [self.flavor.client(), "--batch", "--skip-column-names"];
        self.succeed(self.inside(&client, statements, limit)?)
    }

    /// Whether its sshd greets the outer machine: it is on, and its network works.
    pub fn is_reachable(&self) -> bool {
        banner(SocketAddr::from((self.address(), 22)))
    }

    /// The file that is its network, while it is on.
    pub(crate) fn namespace(&self) -> PathBuf {
        Path::new("/run/netns").join(self.place.network.namespace(self.place.number))
    }

    fn succeed(&self, output: Output) -> Result<String, LabError> {
        if output.status == 0 {
            return Ok(output.stdout);
        }
        let host = self.name().to_owned();
        Err(LabError::Script {
            host,
            status: output.status,
            stderr: output.stderr,
        })
    }

    fn inside(&self, program: &[&str], input: &str, limit: Duration) -> Result<Output, LabError> {
        let init = self.init()?.to_string();
        let limit = limit.as_secs().max(1).to_string();
        let mut timeout = Command::new("timeout");
        timeout
            .args(["-k", "5", &limit, "nsenter", "-t", &init])
            .args(["-m", "-u", "-i", "-n", "-p", "-r", "-w"])
            .args(["--", "env", "-i", "HOME=/root", "LANG=C.UTF-8"])
            .arg("DEBIAN_FRONTEND=noninteractive")
            .arg("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .args(program);
        let output = command::output(&format!("run a script in {}", self.name()), timeout, input)?;
        Ok(Output {
            status: exit_code(output.status),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Waits until the local server answers SQL, for at most 90 s. sshd answers before it does.
    ///
    /// # Errors
    /// What the last attempt said.
    pub fn await_server(&self) -> Result<(), LabError> {
        let begun = Instant::now();
        loop {
            match self.sql("SELECT 1") {
                Err(LabError::Script { .. }) if begun.elapsed() < BOOT_LIMIT => {
                    thread::sleep(Duration::from_millis(100));
                }
                other => return other.map(drop),
            }
        }
    }

    /// Whether any process of the host is alive.
    pub fn is_running(&self) -> bool {
        process::is_populated(&self.place.cgroup())
    }

    fn init(&self) -> Result<Pid, LabError> {
        process::init(&self.place.cgroup()).ok_or_else(|| LabError::HostDown {
            host: self.name().to_owned(),
        })
    }

    /// Boots the host on its own disk and waits until its sshd answers. It comes up without any
    /// address beyond its own.
    ///
    /// # Errors
    /// [`LabError::HostRunning`], or [`LabError::NoBoot`] with the end of its console.
    pub fn power_on(&self) -> Result<(), LabError> {
        if self.is_running() {
            return Err(LabError::HostRunning {
                host: self.name().to_owned(),
            });
        }
        self.place.start()?;
        self.wait_booted(None)
    }

    /// Takes the power away: the link goes down, then every process is killed at once. What was
    /// written stays on the disk. Nothing says goodbye to anyone; nothing happens when it is off.
    ///
    /// # Errors
    /// When the kernel does not obey.
    pub fn power_off(&self) -> Result<(), LabError> {
        let cable = self.place.network.cable(self.place.number);
        if network::link_exists(&cable) {
            // First: dying processes close their connections, and the FINs must not get out.
            network::ip(&["link", "set", &cable, "down"])?;
        }
        self.kill_all()?;
        network::remove_link(&cable)?;
        // A namespace without processes would go on answering ARP and pings.
        network::remove_namespace(&self.place.network.namespace(self.place.number))
    }

    /// Reboots from the inside, in good order, and waits until sshd of the new boot answers.
    ///
    /// # Errors
    /// When the host is off, or does not come back: [`LabError::NoBoot`].
    pub fn reboot(&self) -> Result<(), LabError> {
        let before = self.init()?;
        self.exec_ok("systemctl --no-block reboot")?;
        self.wait_booted(Some(before))
    }

    /// Kills every process of the host, its power supply included, and waits until all are gone.
    pub(crate) fn kill_all(&self) -> Result<(), LabError> {
        let group = self.place.cgroup();
        let kill = group.join("cgroup.kill");
        let begun = Instant::now();
        while process::is_populated(&group) {
            if begun.elapsed() > KILL_LIMIT {
                let host = self.name().to_owned();
                return Err(LabError::Unkillable {
                    host,
                    waited: KILL_LIMIT,
                });
            }
            fs::write(&kill, "1").map_err(LabError::file("write", &kill))?;
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Waits until this boot's sshd sends its banner and logins are open.
    pub(crate) fn wait_booted(&self, before: Option<Pid>) -> Result<(), LabError> {
        let begun = Instant::now();
        // The cgroup is empty for a moment before the power supply has entered it.
        let grace = Duration::from_secs(5);
        while begun.elapsed() < BOOT_LIMIT {
            let init = process::init(&self.place.cgroup());
            if let Some(init) = init.filter(|init| Some(*init) != before) {
                if self.answers(init) {
                    return Ok(());
                }
            } else if begun.elapsed() > grace && !self.is_running() {
                break;
            }
            thread::sleep(PAUSE);
        }
        let console = self.place.console();
        let log = fs::read_to_string(&console).unwrap_or_default();
        Err(LabError::NoBoot {
            host: self.name().to_owned(),
            address: self.address(),
            waited: begun.elapsed(),
            tail: command::tail(&log, CONSOLE_LINES),
            console,
        })
    }

    /// A host whose cable is cut answers nobody, and is as booted as the others: then its sshd is
    /// looked for from the inside.
    fn answers(&self, init: Pid) -> bool {
        // Only root may log in while systemd keeps this file.
        if fs::exists(format!("/proc/{init}/root/run/nologin")).unwrap_or(true) {
            return false;
        }
        if self.place.cut_mark().exists() {
            return self
                .exec("systemctl is-active ssh")
                .is_ok_and(|output| output.status == 0);
        }
        banner(SocketAddr::from((self.address(), 22)))
    }
}

/// Whether an ssh server says hello at this address.
fn banner(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_millis(500)) else {
        return false;
    };
    let mut hello = [0; 4];
    stream
        .set_read_timeout(Some(Duration::from_secs(2)))
        .is_ok()
        && stream.read_exact(&mut hello).is_ok()
        && hello == *b"SSH-"
}

/// The status as a shell would show it.
fn exit_code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}
