//! A lab with an inventory and passwords, on which hactl is run. After each run it looks for the
//! passwords wherever they must not be. The lab goes when this is dropped.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio, id};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{panicking, sleep};
use std::time::{Duration, Instant};

use hactl::fleet::LiveFleet;
use hactl::fleet::ssh::HostKeys;
use hactl::inventory::Inventory;
use hactl_lab::{Host, Lab, LabSpec, Server, Suite};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::aftermath;
use crate::run::Run;
use crate::secrets::Secrets;

/// No command of a scenario takes longer on the slowest machine that is supported.
const LIMIT: Duration = Duration::from_mins(5);

static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Hosts, and what hactl is given for them.
pub(crate) struct Cluster {
    pub(crate) lab: Lab,
    secrets: Secrets,
    home: TempDir,
}

/// A hactl at work.
pub(crate) struct Running {
    arguments: String,
    child: Child,
}

impl Cluster {
    pub(crate) fn up(suite: Suite, server: Server) -> Self {
        Self::of(3, suite, server)
    }

    /// With so many hosts.
    pub(crate) fn of(hosts: usize, suite: Suite, server: Server) -> Self {
        let name = format!("s-{}-{}", id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let lab = Lab::up(&LabSpec {
            name,
            hosts,
            suite,
            server,
        })
        .unwrap_or_else(|error| panic!("no lab: {error}: {error:?}"));
        let cluster = Self {
            lab,
            secrets: Secrets::new(),
            home: tempfile::tempdir().unwrap(),
        };
        cluster.write_inventory(&cluster.lab.inventory_yaml());
        cluster
    }

    /// Three hosts with the server, made a cluster.
    pub(crate) fn bootstrapped(suite: Suite) -> Self {
        let cluster = Self::up(suite, Server::Installed);
        cluster.bootstrap();
        cluster
    }

    pub(crate) fn host(&self, name: &str) -> &Host {
        self.lab.host(name).unwrap()
    }

    pub(crate) fn write_inventory(&self, text: &str) {
        fs::write(self.inventory(), text).unwrap();
    }

    pub(crate) fn inventory_text(&self) -> String {
        fs::read_to_string(self.inventory()).unwrap()
    }

    fn inventory(&self) -> PathBuf {
        self.home.path().join("inventory.yml")
    }

    /// The library's own door to the hosts, for what no command does alone.
    pub(crate) async fn fleet(&self) -> LiveFleet {
        let inventory = Inventory::load_with(&self.inventory(), &self.secrets).unwrap();
        LiveFleet::connect(Arc::new(inventory), HostKeys::Strict).await
    }

    /// The files of transactions that only one server had: path, text, mode.
    pub(crate) fn kept(&self) -> Vec<(String, String, u32)> {
        let folder = self.home.path().join("state/hactl/errant");
        let Ok(files) = fs::read_dir(folder) else {
            return Vec::new();
        };
        let read = |path: PathBuf| {
            let text = fs::read(&path).unwrap();
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            let text = String::from_utf8_lossy(&text).into_owned();
            (path.display().to_string(), text, mode)
        };
        files.map(|file| read(file.unwrap().path())).collect()
    }

    /// What ssh finds as the user's own configuration from now on.
    pub(crate) fn write_ssh_config(&self, text: &str) {
        let folder = self.home.path().join("ssh");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("config"), text).unwrap();
    }

    /// ssh looks where the system says that its user is at home, whatever HOME says: a configuration
    /// is laid over that place for the program alone.
    fn command(&self, program: &str) -> Command {
        let folder = self.home.path().join("ssh");
        if !folder.exists() {
            return Command::new(program);
        }
        fs::create_dir_all("/root/.ssh").unwrap();
        let mut command = Command::new("unshare");
        let script = "mount --bind \"$0\" /root/.ssh && exec \"$@\"";
        command
            .args(["-m", "sh", "-c", script])
            .arg(folder)
            .arg(program);
        command
    }

    /// The login user's password for sudo, in `SUDO_PASSWORD`.
    pub(crate) fn sudo_password(&self) -> String {
        let [.., (_, password)] = self.secrets.environment();
        password
    }

    /// The inventory's passwords are others from now on; nobody has told the servers.
    pub(crate) fn change_passwords(&mut self) {
        self.secrets.change();
    }

    /// Starts hactl and does not wait for it.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let stream =
            |name: &str| Stdio::from(fs::File::create(self.home.path().join(name)).unwrap());
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let child = self
            .hactl_command(arguments)
            .stdout(stream(&format!("{number}.out")))
            .stderr(stream(&format!("{number}.err")))
            .spawn()
            .unwrap();
        Running {
            arguments: format!("{number} {}", arguments.join(" ")),
            child,
        }
    }

    fn hactl_command(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_hactl"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
            .env("HOME", self.home.path())
            .env("XDG_STATE_HOME", self.home.path().join("state"))
            .env("HACTL_INVENTORY", self.inventory())
            .envs(self.secrets.environment())
            .stdin(Stdio::null());
        command
    }

    /// How long a run takes that nobody looks at. Its control sockets are in that folder, which needs a
    /// short path.
    #[track_caller]
    pub(crate) fn time(&self, arguments: &[&str], sockets: &Path) -> Duration {
        let mut command = self.hactl_command(arguments);
        command.env("XDG_RUNTIME_DIR", sockets);
        let begun = Instant::now();
        let run = command.output().unwrap();
        let took = begun.elapsed();
        assert!(run.status.success(), "{arguments:?}: {run:?}");
        took
    }

    /// The same over new connections.
    #[track_caller]
    pub(crate) fn time_cold(&self, arguments: &[&str]) -> Duration {
        let sockets = tempfile::Builder::new()
            .prefix("s")
            .tempdir_in("/run")
            .unwrap();
        self.time(arguments, sockets.path())
    }

    /// How long a script of somebody else's takes, which is given the hosts and the passwords in its
    /// environment.
    #[track_caller]
    pub(crate) fn time_script(&self, script: &Path) -> Duration {
        let addresses = self
            .lab
            .hosts()
            .iter()
            .map(|host| host.address().to_string());
        let addresses: Vec<_> = addresses.collect();
        let mut command = Command::new(script);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
            .env("HOME", self.home.path())
            .env("FLAVOR", self.lab.suite().flavor().word())
            .env("HOSTS", addresses.join(" "))
            .env(
                "VIP",
                format!("{}/{}", self.lab.vip(), self.lab.prefix_len()),
            )
            .env("KEY", self.lab.key())
            .env("KNOWN_HOSTS", self.lab.known_hosts())
            .envs(self.secrets.environment())
            .stdin(Stdio::null());
        let begun = Instant::now();
        let run = command.output().unwrap();
        let took = begun.elapsed();
        assert!(run.status.success(), "{}: {run:?}", script.display());
        took
    }

    /// What a hactl at work has said so far, on both streams.
    pub(crate) fn said(&self, running: &Running) -> String {
        let (number, _) = running.arguments.split_once(' ').unwrap();
        ["out", "err"]
            .map(|end| self.home.path().join(format!("{number}.{end}")))
            .map(|path| fs::read_to_string(path).unwrap_or_default())
            .concat()
    }

    /// Waits for a run, looking for passwords in command lines meanwhile and everywhere else after.
    #[track_caller]
    pub(crate) fn finish(&self, mut running: Running) -> Run {
        let begun = Instant::now();
        let status = loop {
            if let Some(line) = self.secrets.shown_by_ps() {
                panic!("a password is in a command line: {line}");
            }
            if let Some(status) = running.child.try_wait().unwrap() {
                break status;
            }
            if begun.elapsed() > LIMIT {
                running.child.kill().unwrap();
            }
            sleep(Duration::from_millis(25));
        };
        let (number, arguments) = running.arguments.split_once(' ').unwrap();
        let text = |end: &str| {
            let path = self.home.path().join(format!("{number}.{end}"));
            String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
        };
        let run = Run {
            arguments: arguments.to_owned(),
            code: status.code().unwrap_or(-1),
            stdout: text("out"),
            stderr: text("err"),
        };
        self.secrets.assert_not_in("the output", &run.to_string());
        self.secrets
            .assert_not_below(&self.home.path().join("state"));
        run
    }

    #[track_caller]
    pub(crate) fn hactl(&self, arguments: &[&str]) -> Run {
        self.finish(self.start(arguments))
    }

    /// Copies what hactl said and wrote, and the hosts' journals, to a folder that stays.
    pub(crate) fn keep_evidence(&self) -> PathBuf {
        let kept = tempfile::Builder::new().prefix("hactl-evidence-").tempdir();
        let folder = kept.unwrap().keep();
        let copied = Command::new("cp")
            .arg("-a")
            .args([self.home.path(), &folder])
            .status();
        assert!(copied.unwrap().success());
        for host in self.lab.hosts() {
            let journal = host.exec("journalctl --no-pager -n 3000");
            let text = journal.map_or_else(|error| error.to_string(), |output| output.stdout);
            fs::write(folder.join(host.name()), text).unwrap();
        }
        folder
    }

    /// `bootstrap --yes` that must succeed; afterwards everything is green.
    #[track_caller]
    pub(crate) fn bootstrap(&self) -> Run {
        let run = self.hactl(&["bootstrap", "--yes"]).exits(0);
        self.hactl(&["verify"]).exits(0);
        for host in self.lab.hosts() {
            self.assert_no_secret_on(host);
        }
        run
    }

    /// `verify` must end with 3 and name these, as `host:Code`; it may find more.
    #[track_caller]
    pub(crate) fn finds(&self, wanted: &[&str]) {
        let run = self.hactl(&["verify", "--output", "json"]).exits(3);
        let found = run.findings();
        for one in wanted {
            assert!(
                found.iter().any(|had| had == one),
                "{one} was not found\n{run}"
            );
        }
    }

    /// Not in a file of a host, but for the server's own data, nor in its journal, which packs what is long.
    #[track_caller]
    fn assert_no_secret_on(&self, host: &Host) {
        let word = self.secrets.word();
        let script = format!(
            "grep -rlF --devices=skip {word} /etc /root /run /tmp /usr/local /var/log
             journalctl --no-pager --quiet --all -o export | grep -aF {word}"
        );
        let found = host.exec(&script).unwrap().stdout;
        assert_eq!(found, "", "a password is in files of {}", host.name());
    }

    /// The replication position of every server, in the server's own words: whatever wrote a
    /// transaction anywhere has changed it.
    pub(crate) fn positions(&self) -> Vec<String> {
        let query = match self.lab.suite() {
            Suite::Sid => "SELECT @@gtid_executed; SHOW BINARY LOG STATUS",
            _ => "SELECT @@gtid_binlog_pos, @@gtid_current_pos; SHOW MASTER STATUS",
        };
        self.lab
            .hosts()
            .iter()
            .map(|host| host.sql(query).unwrap())
            .collect()
    }

    /// The file that bootstrap writes the server's configuration to.
    pub(crate) fn configuration(&self) -> &'static str {
        match self.lab.suite() {
            Suite::Sid => "/etc/mysql/mysql.conf.d/zz-hactl.cnf",
            _ => "/etc/mysql/mariadb.conf.d/99-hactl.cnf",
        }
    }

    /// Waits until a query has this answer there.
    #[track_caller]
    pub(crate) fn await_answer(&self, host: &str, query: &str, wanted: &str) {
        let mut last = String::new();
        let reached = eventually(Duration::from_secs(30), || {
            last = self
                .host(host)
                .sql(query)
                .unwrap_or_else(|error| error.to_string());
            last.trim() == wanted
        });
        assert!(reached, "{host}: {query}: {last} instead of {wanted}");
    }

    /// Waits until a replica has received, not necessarily applied, all that db1 has written: one
    /// acknowledgement is enough for a commit, so the other replica may be behind.
    #[track_caller]
    pub(crate) fn await_received(&self, replica: &str) {
        let status = match self.lab.suite() {
            Suite::Sid => "SHOW BINARY LOG STATUS",
            _ => "SHOW MASTER STATUS",
        };
        let written = self.host("db1").sql(status).unwrap();
        let mut words = written.split('\t');
        let (file, position) = (words.next().unwrap(), words.next().unwrap());
        let wanted = format!("{file} {position}");
        let client = self.lab.suite().flavor().client();
        let read = format!(
            "{client} -E -e 'SHOW REPLICA STATUS' | sed -nE 's/^ *(Source|Master)_Log_File: //p; \
             s/^ *Read_(Source|Master)_Log_Pos: //p' | paste -sd' '"
        );
        let mut last = String::new();
        let received = eventually(Duration::from_secs(30), || {
            last = self.host(replica).exec_ok(&read).unwrap();
            last.trim() == wanted
        });
        assert!(received, "{replica} has received {last}, not {wanted}");
    }

    /// The hosts that hold the writer VIP.
    pub(crate) fn vip_holders(&self) -> Vec<&str> {
        let look = format!("ip -o -4 address show | grep -cF ' {}/'", self.lab.vip());
        let holds = |host: &&Host| host.exec(&look).unwrap().stdout.trim() != "0";
        self.lab
            .hosts()
            .iter()
            .filter(holds)
            .map(Host::name)
            .collect()
    }
}

/// Looks until it is so, or the time is over.
pub(crate) fn eventually(limit: Duration, mut so: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    loop {
        if so() {
            return true;
        }
        if begun.elapsed() > limit {
            return false;
        }
        sleep(Duration::from_millis(50));
    }
}

/// The hosts are still there, and afterwards nothing is.
impl Drop for Cluster {
    fn drop(&mut self) {
        if panicking() {
            self.lab.hosts().iter().for_each(aftermath::tell);
        }
    }
}

/// A panic of the scenario ends it too.
impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

impl Running {
    /// `kill -9`, now.
    pub(crate) fn kill(self) {
        drop(self);
    }

    /// The same, of one that is kept.
    pub(crate) fn end(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Ctrl-C.
    pub(crate) fn interrupt(&self) {
        let pid = i32::try_from(self.pid()).unwrap();
        // It may have ended by itself.
        let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::INT);
    }

    /// Its exit code when it has ended by itself; -1 for a signal.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        let status = self.child.try_wait().unwrap();
        status.map(|status| status.code().unwrap_or(-1))
    }

    /// Sends it a signal; one that has ended gets none.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        sent.unwrap();
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}
