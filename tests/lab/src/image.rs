//! The cached images that hosts are overlays of: built once per recipe, never changed afterwards
//! (running hosts stand on them), built aside and renamed so that a half-built one is never used.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::recipe::Recipe;
use crate::suite::{Server, Suite};
use crate::{LabError, command, paths};

/// The layers under a host's own disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Folders for overlay's `lowerdir`, uppermost first.
    pub(crate) layers: Vec<PathBuf>,
}

impl Image {
    /// Whether a call of [`Image::obtain`] would return at once.
    pub fn is_cached(suite: Suite, server: Server) -> bool {
        let recipe = recipe(suite);
        let cache = paths::cache();
        let base = cache.join(recipe.base_key()).is_dir();
        match server {
            Server::Bare => base,
            Server::Installed => base && cache.join(recipe.server_key()).is_dir(),
        }
    }

    /// The image from the cache, built first when it is not there (20 to 60 s, needs the mirror).
    /// Of several that want the same image, one builds and the others wait for it.
    ///
    /// # Errors
    /// Missing programs, no root, or a build that failed: the error names the log.
    pub fn obtain(suite: Suite, server: Server) -> Result<Self, LabError> {
        crate::check_requirements()?;
        let recipe = recipe(suite);
        let base = cached(&recipe.base_key(), |tree, log| {
            build_base(&recipe, tree, log)
        })?;
        let mut layers = vec![base.clone()];
        if server == Server::Installed {
            let layer = cached(&recipe.server_key(), |dir, log| {
                build_server(&recipe, &base, dir, log)
            })?;
            layers.insert(0, layer.join("upper"));
        }
        Ok(Self { layers })
    }
}

/// `HACTL_LAB_MIRROR` names another mirror than Debian's own.
fn recipe(suite: Suite) -> Recipe {
    let mirror =
        env::var("HACTL_LAB_MIRROR").unwrap_or_else(|_| "http://deb.debian.org/debian".to_owned());
    Recipe { suite, mirror }
}

/// Returns the folder of a key; when it is absent, lets `build` fill a folder aside of it and
/// renames that.
fn cached(
    key: &str,
    build: impl FnOnce(&Path, &Path) -> Result<(), LabError>,
) -> Result<PathBuf, LabError> {
    let cache = paths::cache();
    let done = cache.join(key);
    if done.is_dir() {
        return Ok(done);
    }
    fs::create_dir_all(&cache).map_err(LabError::file("create", &cache))?;
    let lock_path = cache.join(format!("{key}.lock"));
    let lock = File::create(&lock_path).map_err(LabError::file("open", &lock_path))?;
    lock.lock().map_err(LabError::file("lock", &lock_path))?;
    if done.is_dir() {
        return Ok(done);
    }
    let building = cache.join(format!("{key}.building"));
    if building.exists() {
        // Left by a builder that was killed; the lock proves that it is gone.
        fs::remove_dir_all(&building).map_err(LabError::file("remove", &building))?;
    }
    fs::create_dir(&building).map_err(LabError::file("create", &building))?;
    build(&building, &cache.join(format!("{key}.log")))?;
    fs::rename(&building, &done).map_err(LabError::file("rename", &building))?;
    Ok(done)
}

fn build_base(recipe: &Recipe, tree: &Path, log: &Path) -> Result<(), LabError> {
    let script = tree.with_extension("sh");
    fs::write(&script, recipe.customize()).map_err(LabError::file("write", &script))?;
    let mut mmdebstrap = Command::new("mmdebstrap");
    mmdebstrap
        .args(["--mode=root", "--variant=minbase", "--format=directory"])
        // The package lists stay: a host installs from its archive folder without any network.
        .arg("--skip=cleanup/apt")
        .arg("--aptopt=Acquire::Check-Valid-Until \"false\"")
        .arg("--aptopt=Acquire::Languages \"none\"")
        .arg("--dpkgopt=force-unsafe-io")
        .arg(format!("--include={}", Recipe::packages()))
        .arg(format!("--logfile={}", log.display()))
        .arg(format!(
            "--customize-hook=chroot \"$1\" sh -s < '{}'",
            script.display()
        ))
        .arg(recipe.suite.name())
        .arg(tree)
        .arg(&recipe.mirror)
        .env("LC_ALL", "C.UTF-8");
    let doing = format!("build the {} image (log: {})", recipe.suite, log.display());
    command::checked(&doing, mmdebstrap, "")?;
    fs::remove_file(&script).map_err(LabError::file("remove", &script))
}

/// Installs the server in an overlay on the base; the upper folder is the layer. A namespace of its
/// own for mounts and processes: neither can outlive the build.
fn build_server(recipe: &Recipe, base: &Path, dir: &Path, log: &Path) -> Result<(), LabError> {
    for folder in ["upper", "work", "root"] {
        let path = dir.join(folder);
        fs::create_dir(&path).map_err(LabError::file("create", &path))?;
    }
    let script = format!(
        r"set -eu
cd '{dir}'
exec > '{log}' 2>&1
mount -t overlay overlay -o lowerdir='{base}',upperdir=upper,workdir=work root
mount -t proc proc root/proc
mount -t sysfs sysfs root/sys
mount --rbind /dev root/dev
cp -L /etc/resolv.conf root/etc/resolv.conf
env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    chroot root sh -s <<'INSIDE'
{install}
INSIDE
",
        dir = dir.display(),
        log = log.display(),
        base = base.display(),
        install = recipe.install(),
    );
    let mut unshare = Command::new("unshare");
    unshare
        .args([
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--propagation",
            "private",
        ])
        .args(["sh", "-s"]);
    let doing = format!(
        "install the server in the {} image (log: {})",
        recipe.suite,
        log.display()
    );
    command::checked(&doing, unshare, &script).map(drop)
}
