//! The lab itself: brought up as one, held by a guard, removed as one. A lab that a process made
//! goes when that process is done with it, also after a panic; what a killed process left is
//! recognised by its lock and removed by the next `up` of the name, or by `down`.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::thread;

use crate::boot::Place;
use crate::inventory::{self, Facts};
use crate::network::{MOST_HOSTS, PREFIX_LEN};
use crate::state::{self, LabState, LabSummary};
use crate::suite::{Server, Suite};
use crate::{Host, Image, LabError, claim, identity, kernel};

/// What a lab is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabSpec {
    /// Its name: 1 to 20 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// How many hosts, 1 to 80; they are `db1`, `db2`, …
    pub hosts: usize,
    /// What they run.
    pub suite: Suite,
    /// Whether they come with the database server.
    pub server: Server,
}

/// A lab that is up. The one that [`Lab::up`] returns removes everything when it is dropped.
#[derive(Debug)]
pub struct Lab {
    state: LabState,
    hosts: Vec<Host>,
    key: PathBuf,
    known_hosts: PathBuf,
    holder: Holder,
}

/// Who removes the lab.
#[derive(Debug)]
enum Holder {
    /// This guard does. The lock on the file tells others that it is alive.
    Guard { _lock: File },
    /// Somebody else does.
    Nobody,
}

/// What [`Lab::down_all`] did.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct RemovedLabs {
    /// Gone now.
    pub removed: Vec<String>,
    /// Left alone: a running process holds them and will remove them itself.
    pub in_use: Vec<String>,
}

impl Lab {
    /// Builds what is missing of the image, makes the network, boots all hosts at once, and returns
    /// when every one of them answers over ssh (and, where it is installed, its server by SQL).
    ///
    /// # Errors
    /// Anything that keeps a host from booting; what was made until then is removed.
    pub fn up(spec: &LabSpec) -> Result<Self, LabError> {
        let count = check(spec)?;
        let image = Image::obtain(spec.suite, spec.server)?;
        let lab = Self::claim(spec, count, image)?;
        // From here on the guard removes what was made, whatever happens.
        lab.state.network.create()?;
        lab.prepare()?;
        lab.boot()?;
        Ok(lab)
    }

    /// Boots one host more, beside those that run. The inventory in the lab's folder has it from then
    /// on, as its last.
    ///
    /// # Errors
    /// The lab is full, or the host does not boot; it stays a part of the lab then.
    pub fn add(&mut self) -> Result<&Host, LabError> {
        let all = claim::lock_all()?;
        let number = self.state.hosts + 1;
        if usize::from(number) > MOST_HOSTS {
            return Err(LabError::Invalid {
                what: "number of hosts",
                value: number.to_string(),
                want: "the lab is full",
            });
        }
        self.state.hosts = number;
        self.state.save()?;
        drop(all);
        self.hosts.push(host(&self.state, number));
        let added = self.hosts.len() - 1;
        let mut known = read(&self.known_hosts)?;
        let public = read(&self.key.with_extension("pub"))?;
        known += &prepare(&self.hosts[added], &public)?;
        self.write_down(&known)?;
        self.boot_host(&self.hosts[added])?;
        Ok(&self.hosts[added])
    }

    /// A lab that another process made. Dropping it changes nothing.
    ///
    /// # Errors
    /// [`LabError::NoSuchLab`].
    pub fn open(name: &str) -> Result<Self, LabError> {
        Ok(Self::assemble(LabState::load(name)?, Holder::Nobody))
    }

    /// Lets the lab outlive this process.
    ///
    /// # Errors
    /// When that cannot be written down; the lab is removed then.
    pub fn keep(mut self) -> Result<Self, LabError> {
        let mark = claim::kept_mark(&self.state.dir());
        fs::write(&mark, "").map_err(LabError::file("write", &mark))?;
        self.holder = Holder::Nobody;
        Ok(self)
    }

    /// Removes a lab, whoever made it.
    ///
    /// # Errors
    /// [`LabError::NoSuchLab`], or the first thing that could not be removed; a second call tries
    /// again.
    pub fn down(name: &str) -> Result<(), LabError> {
        Self::open(name)?.remove()?;
        put_back()
    }

    /// Removes every lab but those that a running process holds.
    ///
    /// # Errors
    /// The first thing that could not be removed.
    pub fn down_all() -> Result<RemovedLabs, LabError> {
        let mut done = RemovedLabs::default();
        for name in state::names() {
            if claim::holder_is_alive(&state::dir(&name)) {
                done.in_use.push(name);
            } else {
                Self::down(&name)?;
                done.removed.push(name);
            }
        }
        Ok(done)
    }

    /// Every lab that is written down on this machine.
    ///
    /// # Errors
    /// When the notes of one cannot be read.
    pub fn list() -> Result<Vec<LabSummary>, LabError> {
        state::names()
            .iter()
            .map(|name| Self::open(name).map(|lab| lab.summary()))
            .collect()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.state.name
    }

    /// What its hosts run.
    pub fn suite(&self) -> Suite {
        self.state.suite
    }

    /// Its hosts: `db1` first.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// The host of that name.
    ///
    /// # Errors
    /// [`LabError::NoSuchHost`].
    pub fn host(&self, name: &str) -> Result<&Host, LabError> {
        self.hosts
            .iter()
            .find(|host| host.name() == name)
            .ok_or_else(|| LabError::NoSuchHost {
                lab: self.name().to_owned(),
                host: name.to_owned(),
                known: self
                    .hosts
                    .iter()
                    .map(|host| host.name().to_owned())
                    .collect(),
            })
    }

    /// The address for the writer VIP. No host has it until somebody adds it.
    pub fn vip(&self) -> Ipv4Addr {
        self.state.network.vip()
    }

    /// The prefix length of the lab's subnet.
    pub fn prefix_len(&self) -> u8 {
        PREFIX_LEN
    }

    /// The hosts' interface on that subnet.
    pub fn interface(&self) -> &'static str {
        "eth0"
    }

    /// The private key that logs in as root, and as `ops`, who may use sudo without a password.
    pub fn key(&self) -> &Path {
        &self.key
    }

    /// The hosts' ssh keys, by address.
    pub fn known_hosts(&self) -> &Path {
        &self.known_hosts
    }

    /// The lab's folder; a place for a test's own files, removed with the lab.
    pub fn dir(&self) -> PathBuf {
        self.state.dir()
    }

    /// The inventory of this lab, for hactl. Also in `inventory.yml` in [`Lab::dir`].
    pub fn inventory_yaml(&self) -> String {
        inventory::yaml(&Facts {
            cluster: self.name(),
            flavor: self.state.suite.flavor(),
            key: &self.key,
            known_hosts: &self.known_hosts,
            vip: self.vip(),
            interface: self.interface(),
            hosts: self
                .hosts
                .iter()
                .map(|host| (host.name(), host.address()))
                .collect(),
        })
    }

    fn summary(&self) -> LabSummary {
        LabSummary {
            name: self.state.name.clone(),
            suite: self.state.suite,
            subnet: self.state.network.subnet(),
            running: self.hosts.iter().filter(|host| host.is_running()).count(),
            hosts: self.hosts.len(),
        }
    }

    /// Takes the name and a subnet, under the lock of all labs.
    fn claim(spec: &LabSpec, hosts: u8, image: Image) -> Result<Self, LabError> {
        let _all = claim::lock_all()?;
        clear_name(&spec.name)?;
        sweep()?;
        let state = LabState {
            name: spec.name.clone(),
            suite: spec.suite,
            server: spec.server,
            network: claim::free_network()?,
            hosts,
            layers: image.layers,
        };
        kernel::raise()?;
        let dir = state::make_dir(&state.name)?;
        let lock = claim::hold(&dir)?;
        state.save()?;
        Ok(Self::assemble(state, Holder::Guard { _lock: lock }))
    }

    fn assemble(state: LabState, holder: Holder) -> Self {
        let dir = state.dir();
        let hosts = (1..=state.hosts)
            .map(|number| host(&state, number))
            .collect();
        Self {
            hosts,
            key: dir.join("key"),
            known_hosts: dir.join("known_hosts"),
            state,
            holder,
        }
    }

    /// Writes keys, disks and scripts.
    fn prepare(&self) -> Result<(), LabError> {
        identity::make_key(&self.key, &format!("hactl-lab {}", self.name()))?;
        let public = read(&self.key.with_extension("pub"))?;
        let mut known = String::new();
        for host in &self.hosts {
            known += &prepare(host, &public)?;
        }
        self.write_down(&known)
    }

    /// Writes what whoever comes by ssh needs.
    fn write_down(&self, known: &str) -> Result<(), LabError> {
        fs::write(&self.known_hosts, known).map_err(LabError::file("write", &self.known_hosts))?;
        let inventory = self.state.dir().join("inventory.yml");
        fs::write(&inventory, self.inventory_yaml()).map_err(LabError::file("write", &inventory))
    }

    fn boot(&self) -> Result<(), LabError> {
        thread::scope(|scope| {
            let boots: Vec<_> = self
                .hosts
                .iter()
                .map(|host| scope.spawn(|| self.boot_host(host)))
                .collect();
            boots.into_iter().try_for_each(|boot| match boot.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            })
        })
    }

    fn boot_host(&self, host: &Host) -> Result<(), LabError> {
        host.power_on()?;
        match self.state.server {
            Server::Bare => Ok(()),
            Server::Installed => host.await_server(),
        }
    }

    /// Removes everything, as far as it is there, and goes on after a failure; the folder last, so
    /// that what failed can be tried again.
    fn remove(&self) -> Result<(), LabError> {
        let mut results = Vec::new();
        thread::scope(|scope| {
            let ends: Vec<_> = self
                .hosts
                .iter()
                .map(|host| scope.spawn(|| remove_host(host)))
                .collect();
            results.extend(ends.into_iter().filter_map(|end| end.join().ok()));
        });
        results.push(self.state.network.remove());
        results.into_iter().collect::<Result<(), LabError>>()?;
        state::remove_dir(&self.state.dir())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if matches!(self.holder, Holder::Guard { .. }) {
            // Nobody is left to tell; `hactl-lab list` shows what could not be removed.
            let _ = self.remove().and_then(|()| put_back());
        }
    }
}

fn host(state: &LabState, number: u8) -> Host {
    let name = format!("db{number}");
    let place = Place {
        dir: state.dir().join("hosts").join(&name),
        name,
        number,
        network: state.network,
        layers: state.layers.clone(),
    };
    Host {
        place,
        flavor: state.suite.flavor(),
    }
}

/// Makes a host's disk and script, and returns its line of `known_hosts`.
fn prepare(host: &Host, public: &str) -> Result<String, LabError> {
    for folder in ["upper", "work", "root"] {
        let path = host.place.dir.join(folder);
        fs::create_dir_all(&path).map_err(LabError::file("create", &path))?;
    }
    let known = identity::write(&host.place, public)?;
    host.place.write_script()?;
    Ok(known)
}

fn read(path: &Path) -> Result<String, LabError> {
    fs::read_to_string(path).map_err(LabError::file("read", path))
}

fn check(spec: &LabSpec) -> Result<u8, LabError> {
    let invalid = |what, value: &str, want| LabError::Invalid {
        what,
        value: value.to_owned(),
        want,
    };
    let name = &spec.name;
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > 20 || name.starts_with('-') || !name.chars().all(letters) {
        let want = "use 1 to 20 of a-z, 0-9 and -, not beginning with -";
        return Err(invalid("lab name", name, want));
    }
    u8::try_from(spec.hosts)
        .ok()
        .filter(|hosts| (1..=MOST_HOSTS).contains(&usize::from(*hosts)))
        .ok_or_else(|| invalid("number of hosts", &spec.hosts.to_string(), "use 1 to 80"))
}

/// Removes what is left of a lab of that name, unless it lives.
fn clear_name(name: &str) -> Result<(), LabError> {
    let lab = match Lab::open(name) {
        Err(LabError::NoSuchLab { .. }) => return Ok(()),
        other => other?,
    };
    let dir = lab.state.dir();
    let kept = claim::kept_mark(&dir).exists() && lab.hosts.iter().any(Host::is_running);
    if kept || claim::holder_is_alive(&dir) {
        return Err(LabError::NameTaken {
            name: name.to_owned(),
        });
    }
    lab.remove()
}

/// Removes what killed processes left, whatever its name: tests name their labs by process, so
/// nobody would ask for that name again.
fn sweep() -> Result<(), LabError> {
    state::names()
        .into_iter()
        .map(|name| (state::dir(&name), name))
        .filter(|(dir, _)| !claim::kept_mark(dir).exists() && !claim::holder_is_alive(dir))
        .try_for_each(|(_, name)| Lab::open(&name)?.remove())
}

/// What the last lab leaves of the outer machine as it found it.
fn put_back() -> Result<(), LabError> {
    let _all = claim::lock_all()?;
    kernel::put_back()
}

fn remove_host(host: &Host) -> Result<(), LabError> {
    host.power_off()?;
    for group in host.place.cgroups() {
        remove_groups(&group);
    }
    Ok(())
}

/// Control groups are removed from the leaves up; files in them are not files to remove.
fn remove_groups(group: &Path) {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_groups(&entry.path());
        }
    }
    let _ = fs::remove_dir(group);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(name: &str, hosts: usize) -> LabSpec {
        LabSpec {
            name: name.to_owned(),
            hosts,
            suite: Suite::Bookworm,
            server: Server::Bare,
        }
    }

    #[test]
    fn names_that_would_leave_their_folder_are_refused() {
        for bad in [
            "",
            "..",
            "a/b",
            "Demo",
            "a b",
            "-x",
            "a-name-that-is-much-too-long",
        ] {
            assert!(check(&spec(bad, 3)).is_err(), "{bad:?}");
        }
        assert_eq!(check(&spec("demo-1", 3)).unwrap(), 3);
    }

    #[test]
    fn a_lab_has_1_to_80_hosts() {
        assert!(check(&spec("demo", 0)).is_err());
        assert!(check(&spec("demo", 81)).is_err());
        assert!(check(&spec("demo", 300)).is_err());
        assert_eq!(check(&spec("demo", 80)).unwrap(), 80);
    }
}
