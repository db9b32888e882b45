//! Installs packages by apt.

use std::time::Duration;

use super::run;
use crate::fleet::script::Script;
use crate::fleet::{ActionError, Connection};
use crate::plan::Outcome;

/// A server package is large, and mirrors are slow.
const INSTALL: Duration = Duration::from_mins(15);

/// The lists are fetched anew only when what is wanted is not in them, or cannot be fetched as they
/// say. Another apt that runs is waited for; configuration files are never asked about.
const APT: &str = r"
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a
apt() {
    apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold -o Acquire::Retries=3 \
        --no-install-recommends install -- $packages
}
if apt-cache show -- $packages >/dev/null 2>&1 && apt >&2; then exit 0; fi
apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 update >&2 || exit 100
apt >&2
";

/// Installs what is missing.
pub(super) async fn install(
    connection: &Connection,
    packages: &[String],
) -> Result<Outcome, ActionError> {
    let script = Script::new("")
        .set("packages", &packages.join(" "))
        .line(APT);
    match run(connection, "apt-get install", script, INSTALL).await {
        Ok(_) => Ok(Outcome::Changed),
        Err(ActionError::Script {
            host,
            what,
            status,
            stderr,
            ..
        }) => {
            let hint = hint(&stderr, packages);
            Err(ActionError::Script {
                host,
                what,
                status,
                stderr,
                hint,
            })
        }
        Err(other) => Err(other),
    }
}

fn hint(stderr: &str, packages: &[String]) -> Option<String> {
    let names = packages.join(", ");
    if stderr.contains("Unable to locate package")
        || stderr.contains("has no installation candidate")
    {
        Some(format!(
            "the host's apt sources have no {names}; add the repository that has it, or name other packages under `server: packages:`"
        ))
    } else if stderr.contains("Could not get lock") {
        Some("another apt ran for more than five minutes; run again when it is done".to_owned())
    } else if stderr.contains("Temporary failure resolving") || stderr.contains("Could not connect")
    {
        Some("the host does not reach its apt mirror".to_owned())
    } else {
        None
    }
}
