//! Plays and tasks as they are written. Every module is a field of its own rather than a flattened enum,
//! since flattening loses the line of a wrong argument.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::playbook::arguments::{Conditions, LoopText, Span, Texts, Vars};
use crate::playbook::serial::Written;
use crate::playbook::tasks::{
    Assert, Command, Copy, File, MysqlAdmin, MysqlCanary, MysqlConfig, MysqlQuery, MysqlReplica,
    MysqlSeed, MysqlUser, MysqlVariables, Package, Service, Shell, Sysctl, Template, Vip, WaitFor,
};
use crate::playbook::{Module, RunOn};

/// Tasks for some of the hosts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Play")]
pub(in crate::playbook) struct RawPlay {
    /// What it is called.
    pub(super) name: String,
    /// Its hosts: `all`, `primary`, `replicas`, `serving`, `joining`, names, groups, `db*`; `a,b`, `&a`, `!a`.
    pub(super) hosts: Texts,
    /// How many hosts at a time, the primary in the last batch: `1`, `30%`, or a list whose last size repeats;
    /// by default all side by side.
    pub(super) serial: Option<Written>,
    /// Variables of all its tasks; each may rest on those above it.
    #[serde(default)]
    pub(super) vars: Vars,
    /// Tags of all its tasks, for `--tags` and `--skip-tags`.
    #[serde(default)]
    pub(super) tags: Texts,
    /// Whether commands run as root.
    #[serde(rename = "become")]
    #[schemars(extend("default" = true))]
    pub(super) becomes: Option<bool>,
    /// As whom commands run, in place of root.
    pub(super) become_user: Option<String>,
    /// What is done, in order.
    #[serde(default)]
    pub(super) tasks: Vec<RawTask>,
    /// What is done once at the end of the play, if a task that changed something notified it.
    #[serde(default)]
    pub(super) handlers: Vec<RawTask>,
}

/// A task: common keys, and exactly one module; or a block of tasks; or a file of them.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Task")]
pub(in crate::playbook) struct RawTask {
    /// What it is called, by handlers too; by default after its line.
    pub(super) name: Option<String>,
    /// Expressions that must all hold, or the task is left out on this host.
    #[serde(default)]
    pub(super) when: Conditions,
    /// On which of the play's hosts.
    pub(super) run_on: Option<RunOn>,
    /// Once for each value of a list, or of an expression that gives one, as `item`.
    #[serde(rename = "loop")]
    pub(super) items: Option<LoopText>,
    /// Handlers to run at the end of the play if it changes something.
    #[serde(default)]
    pub(super) notify: Texts,
    /// The name under which later tasks find its result.
    pub(super) register: Option<String>,
    /// For `--tags` and `--skip-tags`; a list, or a text with commas.
    #[serde(default)]
    pub(super) tags: Texts,
    /// Its own variables, over those of its blocks and its play.
    #[serde(default)]
    pub(super) vars: Vars,
    /// Whether its command runs as root.
    #[serde(rename = "become")]
    pub(super) becomes: Option<bool>,
    /// As whom its command runs, in place of root.
    pub(super) become_user: Option<String>,
    /// How often it is tried again after a failure; 3 where there is an `until`.
    pub(super) retries: Option<u32>,
    /// The pause before each further try.
    #[schemars(extend("default" = "5s"))]
    pub(super) delay: Option<Span>,
    /// It is tried again until this holds of `result`.
    pub(super) until: Option<Conditions>,
    /// Whether what a command or query said, `result`, means that it changed something.
    pub(super) changed_when: Option<Conditions>,
    /// Whether what a command or query said, `result`, means that it failed.
    pub(super) failed_when: Option<Conditions>,
    /// Several tasks that share `when`, `vars`, `tags`, `run_on` and `become`.
    pub(super) block: Option<Vec<RawTask>>,
    /// Tasks for where one of the block failed; the host is well again after them.
    pub(super) rescue: Option<Vec<RawTask>>,
    /// Tasks for the end of the block, whatever happened.
    pub(super) always: Option<Vec<RawTask>>,
    /// The tasks of another file.
    pub(super) import_tasks: Option<String>,
    /// Packages of the distribution are installed, by apt, dnf or yum; one that is there is never upgraded.
    pub(super) package: Option<Package>,
    /// A file has the content of a rendered template, its owner and its mode.
    pub(super) template: Option<Template>,
    /// A file has the content of another below `files`, as it is, or a text, rendered.
    pub(super) copy: Option<Copy>,
    /// A folder or a link exists, a path does not, or what exists has an owner and a mode. A folder that
    /// holds something is never taken away.
    pub(super) file: Option<File>,
    /// A systemd unit runs or not, starts at boot or not.
    pub(super) service: Option<Service>,
    /// A parameter of the kernel has a value, now and after a reboot.
    pub(super) sysctl: Option<Sysctl>,
    /// A port of the host listens or a path exists, or does not any more, within a time.
    pub(super) wait_for: Option<WaitFor>,
    /// Expressions hold, or the host goes no further.
    pub(super) assert: Option<Assert>,
    /// One statement as the admin account; its rows are for `register`.
    pub(super) mysql_query: Option<MysqlQuery>,
    /// A command, without a shell: a text, or keys. Done on every run, or once with `creates` or
    /// `removes`; its words are seen in `ps`, `stdin` is not.
    pub(super) command: Option<Command>,
    /// The same by `/bin/sh`.
    pub(super) shell: Option<Shell>,
    /// The server's option file is a rendered template, and the server runs with it: set live where that
    /// is possible, restarted else.
    pub(super) mysql_config: Option<MysqlConfig>,
    /// hactl's own account can log in. No arguments: `{}`.
    pub(super) mysql_admin: Option<MysqlAdmin>,
    /// The switches of a running server that make it a primary or a replica; never in a file.
    pub(super) mysql_variables: Option<MysqlVariables>,
    /// One of the inventory's accounts has its password and exactly its privileges.
    pub(super) mysql_user: Option<MysqlUser>,
    /// A replica that is empty, or is named by `--reseed`, has the primary's data. No arguments: `{}`.
    pub(super) mysql_seed: Option<MysqlSeed>,
    /// A server replicates from the primary. No arguments: `{}`.
    pub(super) mysql_replica: Option<MysqlReplica>,
    /// A row written on the primary arrives on every replica; for handlers. No arguments: `{}`.
    pub(super) mysql_canary: Option<MysqlCanary>,
    /// The writer VIP is on this host, or it is not.
    pub(super) vip: Option<Vip>,
}

/// Every word that can be a task's module.
pub(super) const MODULES: [&str; 21] = [
    "package",
    "template",
    "copy",
    "file",
    "service",
    "sysctl",
    "command",
    "shell",
    "wait_for",
    "assert",
    "mysql_config",
    "mysql_admin",
    "mysql_variables",
    "mysql_user",
    "mysql_query",
    "mysql_seed",
    "mysql_replica",
    "mysql_canary",
    "vip",
    "import_tasks",
    "block",
];

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
