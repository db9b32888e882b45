//! Plays and tasks as they are written. Every module is a field of its own rather than a flattened enum,
//! since flattening loses the line of a wrong argument.

use serde::Deserialize;

use crate::playbook::arguments::{Conditions, LoopText, Span, Texts, Vars};
use crate::playbook::serial::Written;
use crate::playbook::tasks::{
    Assert, Command, Copy, File, MysqlAdmin, MysqlCanary, MysqlConfig, MysqlQuery, MysqlReplica,
    MysqlSeed, MysqlUser, MysqlVariables, Package, Service, Shell, Sysctl, Template, Vip, WaitFor,
};
use crate::playbook::{Module, RunOn};

/// A play.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPlay {
    pub(super) name: String,
    pub(super) hosts: Texts,
    pub(super) serial: Option<Written>,
    #[serde(default)]
    pub(super) vars: Vars,
    #[serde(default)]
    pub(super) tags: Texts,
    #[serde(rename = "become")]
    pub(super) becomes: Option<bool>,
    pub(super) become_user: Option<String>,
    #[serde(default)]
    pub(super) tasks: Vec<RawTask>,
    #[serde(default)]
    pub(super) handlers: Vec<RawTask>,
}

/// A task: common keys, and exactly one module; or a block of tasks; or a file of them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTask {
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) when: Conditions,
    pub(super) run_on: Option<RunOn>,
    #[serde(rename = "loop")]
    pub(super) items: Option<LoopText>,
    #[serde(default)]
    pub(super) notify: Texts,
    pub(super) register: Option<String>,
    #[serde(default)]
    pub(super) tags: Texts,
    #[serde(default)]
    pub(super) vars: Vars,
    #[serde(rename = "become")]
    pub(super) becomes: Option<bool>,
    pub(super) become_user: Option<String>,
    pub(super) retries: Option<u32>,
    pub(super) delay: Option<Span>,
    pub(super) until: Option<Conditions>,
    pub(super) changed_when: Option<Conditions>,
    pub(super) failed_when: Option<Conditions>,
    pub(super) block: Option<Vec<RawTask>>,
    pub(super) rescue: Option<Vec<RawTask>>,
    pub(super) always: Option<Vec<RawTask>>,
    pub(super) import_tasks: Option<String>,
    pub(super) package: Option<Package>,
    pub(super) template: Option<Template>,
    pub(super) copy: Option<Copy>,
    pub(super) file: Option<File>,
    pub(super) service: Option<Service>,
    pub(super) sysctl: Option<Sysctl>,
    pub(super) wait_for: Option<WaitFor>,
    pub(super) assert: Option<Assert>,
    pub(super) mysql_query: Option<MysqlQuery>,
    pub(super) command: Option<Command>,
    pub(super) shell: Option<Shell>,
    pub(super) mysql_config: Option<MysqlConfig>,
    pub(super) mysql_admin: Option<MysqlAdmin>,
    pub(super) mysql_variables: Option<MysqlVariables>,
    pub(super) mysql_user: Option<MysqlUser>,
    pub(super) mysql_seed: Option<MysqlSeed>,
    pub(super) mysql_replica: Option<MysqlReplica>,
    pub(super) mysql_canary: Option<MysqlCanary>,
    pub(super) vip: Option<Vip>,
}

/// Every word that can be a task's module.
pub(super) const MODULES: &str = "package, template, copy, file, service, sysctl, command, shell, wait_for, \
                                  assert, mysql_config, mysql_admin, mysql_variables, mysql_user, mysql_query, mysql_seed, \
                                  mysql_replica, mysql_canary, vip, import_tasks, block";

impl RawTask {
    /// The modules that are named; one is right.
    pub(super) fn take_modules(&mut self) -> Vec<Module> {
        [
            self.package.take().map(Module::Package),
            self.template.take().map(Module::Template),
            self.copy.take().map(Module::Copy),
            self.file.take().map(Module::File),
            self.service.take().map(Module::Service),
            self.sysctl.take().map(Module::Sysctl),
            self.wait_for.take().map(Module::WaitFor),
            self.assert.take().map(Module::Assert),
            self.mysql_query.take().map(Module::MysqlQuery),
            self.command.take().map(Module::Command),
            self.shell.take().map(Module::Shell),
            self.mysql_config.take().map(Module::MysqlConfig),
            self.mysql_admin.take().map(Module::MysqlAdmin),
            self.mysql_variables.take().map(Module::MysqlVariables),
            self.mysql_user.take().map(Module::MysqlUser),
            self.mysql_seed.take().map(Module::MysqlSeed),
            self.mysql_replica.take().map(Module::MysqlReplica),
            self.mysql_canary.take().map(Module::MysqlCanary),
            self.vip.take().map(Module::Vip),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Keys that only make sense on a task with a module, as far as they are used here.
    pub(super) fn keys_of_one_task(&self) -> Vec<&'static str> {
        let used = [
            ("loop", self.items.is_some()),
            ("notify", !self.notify.0.is_empty()),
            ("register", self.register.is_some()),
            ("retries", self.retries.is_some()),
            ("delay", self.delay.is_some()),
            ("until", self.until.is_some()),
            ("changed_when", self.changed_when.is_some()),
            ("failed_when", self.failed_when.is_some()),
        ];
        let used = used.into_iter().filter(|(_, is_used)| *is_used);
        used.map(|(key, _)| key).collect()
    }
}
