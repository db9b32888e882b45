//! A machine as an action leaves it: packages, files, units, addresses, and what hactl noted there.

use std::collections::BTreeMap;

use crate::facts::{
    FileFacts, InterfaceAddress, Mark, MarkKind, PackageFacts, PackageManager, Reached, ServerView,
    UnitFacts, UnitState,
};
use crate::inventory::{Cluster, HostName};
use crate::mysql::Switch;
use crate::plan::{Action, LiveVariable, TakesEffect, UnitChange};

use super::server::{booted, fresh, switch};

pub(super) fn on_machine(
    cluster: &Cluster,
    reached: &mut Reached,
    host: &HostName,
    action: &Action,
) {
    match action {
        Action::InstallPackages { packages } => install(cluster, reached, host, packages),
        Action::Configure(config) => {
            on_machine(
                cluster,
                reached,
                host,
                &Action::WriteFile(config.file.clone()),
            );
            match &config.takes {
                TakesEffect::Restart => {
                    set_unit(cluster, reached, host, &config.unit, UnitChange::Restart);
                }
                TakesEffect::Live(settings) => set_live(reached, settings),
            }
        }
        Action::WriteFile(file) => {
            let facts = FileFacts::Present {
                content: file.content.clone(),
                owner: file.owner.clone(),
                group: file.group.clone(),
                mode: file.mode.clone(),
            };
            reached.os.files.insert(file.path.clone(), facts);
            note(cluster, reached, &file.path, Some(&file.content));
        }
        Action::SetUnit { unit, change } => set_unit(cluster, reached, host, unit, *change),
        Action::AddVip {
            address, interface, ..
        } => {
            let Some((address, prefix)) = address.split_once('/') else {
                return;
            };
            if let (Ok(address), Ok(prefix_len)) = (address.parse(), prefix.parse()) {
                let held = InterfaceAddress {
                    interface: interface.clone(),
                    address,
                    prefix_len,
                };
                if !reached.os.addresses.contains(&held) {
                    reached.os.addresses.push(held);
                }
            }
        }
        Action::RemoveVip { address, interface } => reached.os.addresses.retain(|held| {
            format!("{}/{}", held.address, held.prefix_len) != *address
                || held.interface != *interface
        }),
        Action::RemoveFile { path } => {
            reached.os.files.insert(path.clone(), FileFacts::Absent);
            note(cluster, reached, path, None);
        }
        Action::Run(_) | Action::SetPath(_) | Action::SetSysctl { .. } | Action::Await { .. } => {
            super::tasks::on_machine(&mut reached.os, action);
        }
        _ => {}
    }
}

/// What the server has then, as far as it was asked what SQL has set.
fn set_live(reached: &mut Reached, settings: &BTreeMap<String, String>) {
    let ServerView::Up(facts) = &mut reached.server else {
        return;
    };
    let Some(set) = &mut facts.set_since_start else {
        return;
    };
    for (name, value) in settings {
        set.insert(name.clone(), value.clone());
    }
}

/// A file that is one of the cluster's marks is seen as that mark, too.
fn note(cluster: &Cluster, reached: &mut Reached, path: &str, content: Option<&str>) {
    let Some(kind) = MarkKind::ALL
        .into_iter()
        .find(|kind| kind.path(&cluster.name) == path)
    else {
        return;
    };
    let mark: Option<Mark> = content.and_then(|text| serde_json::from_str(text).ok());
    let marks = &mut reached.os.marks;
    match kind {
        MarkKind::Maintenance => marks.maintenance = mark,
        MarkKind::Failover => marks.failover = mark,
        MarkKind::Fenced => marks.fenced = mark,
    }
}

/// Debian starts a server when it installs it, and enables it; others leave both to whoever installs it.
/// A machine that was not asked is taken for Debian.
fn install(cluster: &Cluster, reached: &mut Reached, host: &HostName, packages: &[String]) {
    for package in packages {
        let candidate = reached
            .os
            .packages
            .get(package)
            .and_then(|known| known.candidate.clone());
        let installed = Some(candidate.unwrap_or_else(|| "newest".to_owned()));
        reached.os.packages.insert(
            package.clone(),
            PackageFacts {
                installed,
                candidate: None,
            },
        );
    }
    let dialect = reached.dialect(cluster.server.flavor);
    let is_server = |package: &String| {
        package == dialect.server_package() || cluster.server.packages.contains(package)
    };
    if !packages.iter().any(is_server) {
        return;
    }
    let manager = reached.os.package_manager.unwrap_or(PackageManager::Apt);
    let (state, enablement) = if manager.starts_servers() {
        (UnitState::Active, "enabled")
    } else {
        (UnitState::Inactive, "disabled")
    };
    let unit = UnitFacts {
        state,
        enablement: enablement.to_owned(),
        ..UnitFacts::unknown()
    };
    let name = dialect.service_unit().to_owned();
    reached.os.units.insert(name, unit);
    if !manager.starts_servers() {
        reached.server = ServerView::Stopped;
    } else if let Some(host) = cluster.host(host) {
        reached.server = ServerView::Up(Box::new(fresh(dialect, host.server_id)));
    }
}

fn set_unit(
    cluster: &Cluster,
    reached: &mut Reached,
    host: &HostName,
    unit: &str,
    change: UnitChange,
) {
    let dialect = reached.dialect(cluster.server.flavor);
    let facts = reached
        .os
        .units
        .entry(unit.to_owned())
        .or_insert_with(UnitFacts::unknown);
    match change {
        UnitChange::Start | UnitChange::Restart => {
            facts.state = UnitState::Active;
            facts.stale = false;
        }
        UnitChange::Stop => facts.state = UnitState::Inactive,
        UnitChange::Enable => "enabled".clone_into(&mut facts.enablement),
        UnitChange::Disable => "disabled".clone_into(&mut facts.enablement),
        UnitChange::Mask => "masked".clone_into(&mut facts.enablement),
    }
    if unit != dialect.service_unit() {
        return;
    }
    match (change, &mut reached.server) {
        (UnitChange::Stop, server) => *server = ServerView::Stopped,
        // It boots as its file says: read-only, and waiting for nobody.
        (UnitChange::Start | UnitChange::Restart, ServerView::Up(facts)) => {
            switch(facts, LiveVariable::ReadOnly, Switch::On);
            switch(facts, LiveVariable::SemiSyncSource, Switch::Off);
        }
        (UnitChange::Start | UnitChange::Restart, server) => {
            if let Some(host) = cluster.host(host) {
                *server = ServerView::Up(Box::new(booted(dialect, host.server_id)));
            }
        }
        _ => {}
    }
}
