//! What the checks must know of a host. They ask for nothing that is slow on a healthy one.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::units::PURGE;
use crate::facts::{Inspection, Needs};
use crate::inventory::{Cluster, Host};
use crate::mysql::Dialect;

/// Settings that name a folder or a file in one, beside the data folder.
const PLACES: [&str; 5] = [
    "log_bin",
    "relay_log",
    "innodb_log_group_home_dir",
    "innodb_undo_directory",
    "tmpdir",
];

/// What a host must be asked for the checks, beside the files that bootstrap writes.
pub fn needs(cluster: &Cluster, host: &Host) -> Needs {
    let dialect = Dialect::default_dialect(cluster.server.flavor);
    let units = [dialect.service_unit(), PURGE]
        .into_iter()
        .chain(dialect.safe_start_unit())
        .chain(dialect.all_socket_units().iter().copied());
    let vip = cluster.vip.as_ref().and_then(|vip| match vip.address {
        IpAddr::V4(address) => {
            let interface = cluster.vip_interface(&host.name)?;
            Some((address, interface.to_owned()))
        }
        // Neighbours are found in another way there, and no tool that is everywhere asks them.
        IpAddr::V6(_) => None,
    });
    Needs {
        units: units.map(ToOwned::to_owned).collect(),
        inspection: Some(Inspection {
            folders: folders(dialect, host),
            vip,
        }),
        ..Needs::default()
    }
}

fn folders(dialect: Dialect, host: &Host) -> BTreeSet<String> {
    let mut folders = BTreeSet::from([dialect.data_dir().to_owned()]);
    for name in PLACES {
        let Some(place) = host.settings.get(name).map(ToString::to_string) else {
            continue;
        };
        if place.starts_with('/') {
            let parent = place.rsplit_once('/').map_or("/", |(parent, _)| parent);
            folders.insert(parent.to_owned());
            folders.insert(place);
        }
    }
    folders.remove("");
    folders
}
