//! What is written down about a lab, so that another process can act on it: a few `key=value`
//! lines, and which labs there are. It starts and stops nothing.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::network::Network;
use crate::suite::{Server, Suite};
use crate::{LabError, paths};

/// One lab as `hactl-lab list` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabSummary {
    /// Its name.
    pub name: String,
    /// What its hosts run.
    pub suite: Suite,
    /// Its subnet, as `10.77.1.0/24`.
    pub subnet: String,
    /// How many of its hosts are on.
    pub running: usize,
    /// How many hosts it has.
    pub hosts: usize,
}

/// Everything that is needed to find a lab's parts again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LabState {
    pub(crate) name: String,
    pub(crate) suite: Suite,
    pub(crate) server: Server,
    pub(crate) network: Network,
    pub(crate) hosts: u8,
    pub(crate) layers: Vec<PathBuf>,
}

impl LabState {
    /// The lab's folder.
    pub(crate) fn dir(&self) -> PathBuf {
        dir(&self.name)
    }

    /// Writes the lab into its folder, which must be there.
    pub(crate) fn save(&self) -> Result<(), LabError> {
        let path = file(&self.dir());
        fs::write(&path, self.render()).map_err(LabError::file("write", &path))
    }

    /// Reads a lab of that name.
    pub(crate) fn load(name: &str) -> Result<Self, LabError> {
        let path = file(&dir(name));
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(LabError::NoSuchLab {
                    name: name.to_owned(),
                });
            }
            Err(error) => return Err(LabError::file("read", &path)(error)),
        };
        Self::parse(&text).ok_or(LabError::State {
            path,
            problem: "this is not what the lab wrote".to_owned(),
        })
    }

    fn render(&self) -> String {
        let layers: Vec<String> = self
            .layers
            .iter()
            .map(|l| l.display().to_string())
            .collect();
        format!(
            "name={}\nsuite={}\nserver={}\nnet={}.{}\nnumber={}\nhosts={}\nlayers={}\n",
            self.name,
            self.suite,
            self.server.word(),
            self.network.net.0,
            self.network.net.1,
            self.network.number,
            self.hosts,
            layers.join(":"),
        )
    }

    fn parse(text: &str) -> Option<Self> {
        let get = |key: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
        };
        Some(Self {
            name: get("name")?.to_owned(),
            suite: get("suite")?.parse().ok()?,
            server: get("server")?.parse().ok()?,
            network: Network {
                net: parse_net(get("net")?)?,
                number: get("number")?.parse().ok()?,
            },
            hosts: get("hosts")?.parse().ok()?,
            layers: get("layers")?.split(':').map(PathBuf::from).collect(),
        })
    }
}

/// Two octets, `10.77`.
pub(crate) fn parse_net(text: &str) -> Option<(u8, u8)> {
    let (first, second) = text.split_once('.')?;
    Some((first.parse().ok()?, second.parse().ok()?))
}

/// The folder of a lab of that name.
pub(crate) fn dir(name: &str) -> PathBuf {
    paths::state().join(name)
}

/// Makes it, or a link there to where it is.
pub(crate) fn make_dir(name: &str) -> Result<PathBuf, LabError> {
    let dir = dir(name);
    let Some(memory) = paths::memory() else {
        fs::create_dir_all(&dir).map_err(LabError::file("create", &dir))?;
        return Ok(dir);
    };
    let disk = memory.join(name);
    // Of a lab that was killed before it was written down, or from before this machine was started.
    remove_dir(&dir)?;
    remove_dir(&disk)?;
    fs::create_dir_all(&disk).map_err(LabError::file("create", &disk))?;
    symlink(&disk, &dir).map_err(LabError::file("link", &dir))?;
    Ok(dir)
}

/// Removes it with all that is in it, wherever that is.
pub(crate) fn remove_dir(dir: &Path) -> Result<(), LabError> {
    let gone = |path: &Path, result: io::Result<()>| match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(LabError::file("remove", path)(error))
        }
        _ => Ok(()),
    };
    if let Ok(disk) = fs::read_link(dir) {
        gone(&disk, fs::remove_dir_all(&disk))?;
    }
    gone(dir, fs::remove_dir_all(dir))
}

fn file(dir: &Path) -> PathBuf {
    dir.join("lab.conf")
}

/// The names of all labs that are written down, sorted.
pub(crate) fn names() -> Vec<String> {
    let entries = fs::read_dir(paths::state()).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| file(&entry.path()).is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> LabState {
        LabState {
            name: "demo".to_owned(),
            suite: Suite::Sid,
            server: Server::Installed,
            network: Network {
                net: (10, 77),
                number: 3,
            },
            hosts: 3,
            layers: vec![PathBuf::from("/a"), PathBuf::from("/b")],
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        assert_eq!(LabState::parse(&state().render()), Some(state()));
    }

    #[test]
    fn a_line_that_is_missing_is_noticed() {
        for key in [
            "name", "suite", "server", "net", "number", "hosts", "layers",
        ] {
            let text = state().render().replace(&format!("{key}="), "other=");
            assert_eq!(LabState::parse(&text), None, "without {key}");
        }
    }
}
