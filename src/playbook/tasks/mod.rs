//! The modules of tasks, one file each: `probe, diff, apply` with a pure `diff`.
//!
//! A module says what it needs to know ([`Module::needs`]) and what would have to change
//! ([`Module::diff`]); it never does anything. To add one: a file here with its arguments and these
//! two functions, a variant of [`Module`], a key in the loader's `RawTask`.

mod assert;
mod command;
mod content;
mod copy;
mod file;
mod mysql_admin;
mod mysql_canary;
mod mysql_config;
mod mysql_query;
mod mysql_replica;
mod mysql_seed;
mod mysql_user;
mod mysql_variables;
mod package;
mod service;
mod sysctl;
mod template;
mod vip;
mod wait_for;

pub(super) use assert::Assert;
#[cfg(test)]
pub(super) use command::Arguments as CommandArguments;
pub(super) use command::{Command, Shell};
pub(super) use copy::Copy;
pub(super) use file::File;
pub(super) use mysql_admin::MysqlAdmin;
pub(super) use mysql_canary::MysqlCanary;
pub(super) use mysql_config::MysqlConfig;
pub(super) use mysql_query::MysqlQuery;
pub(super) use mysql_replica::MysqlReplica;
pub(super) use mysql_seed::MysqlSeed;
pub(super) use mysql_user::MysqlUser;
pub(super) use mysql_variables::MysqlVariables;
pub(super) use package::Package;
pub(super) use service::Service;
pub(super) use sysctl::Sysctl;
pub(super) use template::Template;
pub(super) use vip::Vip;
pub(super) use wait_for::WaitFor;

use crate::facts::Needs;
use crate::plan::{Access, Action};
use crate::playbook::{Scope, TaskError};

/// Something that has to be done, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What.
    pub action: Action,
    /// What was seen that is not as it should be.
    pub why: String,
}

impl Change {
    /// Shorthand.
    pub fn new(action: Action, why: impl Into<String>) -> Self {
        Self {
            action,
            why: why.into(),
        }
    }
}

/// A task's module with its arguments.
#[derive(Clone, Debug)]
pub enum Module {
    /// Packages of the distribution.
    Package(Package),
    /// A file rendered from a template.
    Template(Template),
    /// A file with a given content.
    Copy(Copy),
    /// A folder, a link, an owner, or nothing.
    File(File),
    /// A parameter of the kernel.
    Sysctl(Sysctl),
    /// Something that has to be so first.
    WaitFor(WaitFor),
    /// Something that must hold.
    Assert(Assert),
    /// A statement of a user.
    MysqlQuery(MysqlQuery),
    /// A systemd unit.
    Service(Service),
    /// A user's command.
    Command(Command),
    /// A user's command, by a shell.
    Shell(Shell),
    /// The server's option file, and the server with it.
    MysqlConfig(MysqlConfig),
    /// hactl's own account.
    MysqlAdmin(MysqlAdmin),
    /// Variables of the running server.
    MysqlVariables(MysqlVariables),
    /// One of the inventory's accounts.
    MysqlUser(MysqlUser),
    /// The primary's data on a replica.
    MysqlSeed(MysqlSeed),
    /// Replication from a source.
    MysqlReplica(MysqlReplica),
    /// A row that proves replication.
    MysqlCanary(MysqlCanary),
    /// The writer VIP.
    Vip(Vip),
}

impl Module {
    /// What a probe of the host must answer for [`Module::diff`].
    pub fn needs(&self, scope: &Scope<'_>) -> Result<Needs, TaskError> {
        match self {
            Self::Package(module) => module.needs(scope),
            Self::Template(module) => module.needs(scope),
            Self::Service(module) => module.needs(scope),
            Self::MysqlConfig(module) => Ok(module.needs(scope)),
            Self::Copy(module) => module.needs(scope),
            Self::File(module) => module.needs(scope),
            Self::Sysctl(module) => module.needs(scope),
            Self::WaitFor(module) => module.needs(scope),
            Self::Command(module) => module.needs(scope),
            Self::Shell(module) => module.needs(scope),
            Self::Assert(_)
            | Self::MysqlQuery(_)
            | Self::MysqlAdmin(_)
            | Self::MysqlVariables(_)
            | Self::MysqlUser(_)
            | Self::MysqlSeed(_)
            | Self::MysqlReplica(_)
            | Self::MysqlCanary(_)
            | Self::Vip(_) => Ok(Needs::default()),
        }
    }

    /// What has to be done on a host, by what was seen of it. Pure.
    pub fn diff(&self, scope: &Scope<'_>) -> Result<Vec<Change>, TaskError> {
        match self {
            Self::Package(module) => module.diff(scope),
            Self::Template(module) => module.diff(scope),
            Self::Service(module) => module.diff(scope),
            Self::MysqlConfig(module) => module.diff(scope),
            Self::Copy(module) => module.diff(scope),
            Self::File(module) => module.diff(scope),
            Self::Sysctl(module) => module.diff(scope),
            Self::WaitFor(module) => module.diff(scope),
            Self::Assert(module) => module.diff(scope),
            Self::MysqlQuery(module) => module.diff(scope),
            Self::Command(module) => module.diff(scope),
            Self::Shell(module) => module.diff(scope),
            Self::MysqlAdmin(module) => Ok(module.diff(scope)),
            Self::MysqlVariables(module) => Ok(module.diff(scope)),
            Self::MysqlUser(module) => module.diff(scope),
            Self::MysqlSeed(module) => module.diff(scope),
            Self::MysqlReplica(module) => Ok(module.diff(scope)),
            Self::MysqlCanary(module) => Ok(module.diff(scope)),
            Self::Vip(module) => module.diff(scope),
        }
    }

    /// Whether it stands between two barriers: it acts on several hosts at once, or, as an installed
    /// package does, it decides how what follows is rendered.
    pub fn is_barrier(&self) -> bool {
        matches!(
            self,
            Self::Package(_) | Self::MysqlSeed(_) | Self::MysqlCanary(_) | Self::Assert(_)
        )
    }

    /// Whether what it gives a host is a file with a content.
    pub fn writes_a_file(&self) -> bool {
        matches!(
            self,
            Self::Template(_) | Self::Copy(_) | Self::MysqlConfig(_)
        )
    }

    /// Whether it says something that later tasks may ask about, and that has to be judged.
    pub fn answers(&self) -> bool {
        matches!(
            self,
            Self::Command(_) | Self::Shell(_) | Self::MysqlQuery(_)
        )
    }

    /// Whether it can do its work as another user than root.
    pub fn runs_as_anybody(&self) -> bool {
        matches!(self, Self::Command(_) | Self::Shell(_))
    }

    /// Whether it changes who leads, who follows, or what they hold.
    pub fn concerns_cluster(&self) -> bool {
        match self {
            Self::Package(_)
            | Self::Template(_)
            | Self::Service(_)
            | Self::Copy(_)
            | Self::File(_)
            | Self::Sysctl(_)
            | Self::WaitFor(_)
            | Self::Assert(_)
            | Self::Command(_)
            | Self::Shell(_) => false,
            Self::MysqlQuery(query) => query.access() == Access::Write,
            // A primary that is restarted takes no writes until it is told to.
            Self::MysqlConfig(_)
            | Self::MysqlAdmin(_)
            | Self::MysqlVariables(_)
            | Self::MysqlUser(_)
            | Self::MysqlSeed(_)
            | Self::MysqlReplica(_)
            | Self::MysqlCanary(_)
            | Self::Vip(_) => true,
        }
    }
}
