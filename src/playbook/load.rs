//! From text to a playbook. Everything that is wrong is reported together, at its place, before any
//! host is touched: unknown keys, two modules in a task, handlers that nobody defined, expressions
//! that cannot be parsed.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::playbook::arguments::Texts;
use crate::playbook::tasks::{
    MysqlAdmin, MysqlCanary, MysqlReplica, MysqlSeed, MysqlUser, MysqlVariables, Package, Service,
    Template, Vip,
};
use crate::playbook::{
    Library, Module, Pattern, Place, Play, Playbook, PlaybookError, RunOn, Serial, Task, Templates,
};
use crate::yaml::{Diagnostic, Document, Source};

/// A play as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPlay {
    name: String,
    hosts: String,
    serial: Option<usize>,
    #[serde(default)]
    tasks: Vec<RawTask>,
    #[serde(default)]
    handlers: Vec<RawTask>,
}

/// A task as it is written: common keys, and exactly one module. Every module is a field of its own
/// rather than a flattened enum, since flattening loses the line of a wrong argument.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTask {
    name: Option<String>,
    when: Option<String>,
    #[serde(default)]
    run_on: RunOn,
    #[serde(rename = "loop", default)]
    items: Vec<String>,
    #[serde(default)]
    notify: Texts,
    import_tasks: Option<String>,
    package: Option<Package>,
    template: Option<Template>,
    service: Option<Service>,
    mysql_admin: Option<MysqlAdmin>,
    mysql_variables: Option<MysqlVariables>,
    mysql_user: Option<MysqlUser>,
    mysql_seed: Option<MysqlSeed>,
    mysql_replica: Option<MysqlReplica>,
    mysql_canary: Option<MysqlCanary>,
    vip: Option<Vip>,
}

/// Loads a playbook of a library by its file name.
pub fn load(
    library: &Library,
    name: &str,
    templates: &Templates,
) -> Result<Playbook, PlaybookError> {
    let mut loader = Loader {
        library,
        templates,
        wrong: Vec::new(),
    };
    let document = loader.open(name)?;
    let raw: Vec<RawPlay> = document
        .deserialize()
        .map_err(|wrong| PlaybookError::Invalid(wrong.into()))?;
    let mut plays = Vec::new();
    for (index, raw) in raw.into_iter().enumerate() {
        plays.push(loader.play(&document, index, raw)?);
    }
    if loader.wrong.is_empty() {
        Ok(Playbook {
            name: name.to_owned(),
            plays,
        })
    } else {
        Err(PlaybookError::Invalid(loader.wrong.into_iter().collect()))
    }
}

struct Loader<'a> {
    library: &'a Library,
    templates: &'a Templates,
    wrong: Vec<Diagnostic>,
}

impl Loader<'_> {
    fn open(&self, name: &str) -> Result<Document, PlaybookError> {
        let text = self
            .library
            .playbooks
            .get(name)
            .ok_or_else(|| PlaybookError::NotFound {
                name: name.to_owned(),
                known: self
                    .library
                    .playbooks
                    .keys()
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(", "),
            })?;
        Document::parse(Source::new(format!("playbooks/{name}"), text.as_str()))
            .map_err(|wrong| PlaybookError::Invalid(wrong.into()))
    }

    fn play(
        &mut self,
        document: &Document,
        index: usize,
        raw: RawPlay,
    ) -> Result<Play, PlaybookError> {
        let at = index.to_string();
        let tasks = self.tasks(document, &[&at, "tasks"], raw.tasks)?;
        let handlers = self.tasks(document, &[&at, "handlers"], raw.handlers)?;
        self.check_notify(document, &at, &tasks, &handlers);
        let serial = match raw.serial {
            None => Serial::All,
            Some(0) => {
                let span = document.at(&[&at, "serial"]);
                self.wrong.push(
                    document
                        .error(span, "no hosts at a time")
                        .help("write `serial: 1` or leave it out"),
                );
                Serial::All
            }
            Some(size) => Serial::Batch(size),
        };
        Ok(Play {
            name: raw.name,
            hosts: Pattern::parse(&raw.hosts),
            serial,
            tasks,
            handlers,
        })
    }

    fn tasks(
        &mut self,
        document: &Document,
        path: &[&str],
        raw: Vec<RawTask>,
    ) -> Result<Vec<Task>, PlaybookError> {
        let mut tasks = Vec::new();
        for (index, raw) in raw.into_iter().enumerate() {
            let index = index.to_string();
            let path: Vec<&str> = path.iter().copied().chain([index.as_str()]).collect();
            match &raw.import_tasks {
                Some(file) => tasks.extend(self.import(file)?),
                None => tasks.extend(self.task(document, &path, raw)),
            }
        }
        Ok(tasks)
    }

    /// A file of tasks; its tasks keep their own places for messages.
    fn import(&mut self, file: &str) -> Result<Vec<Task>, PlaybookError> {
        let document = self.open(file)?;
        let raw: Vec<RawTask> = document
            .deserialize()
            .map_err(|wrong| PlaybookError::Invalid(wrong.into()))?;
        self.tasks(&document, &[], raw)
    }

    fn task(&mut self, document: &Document, path: &[&str], raw: RawTask) -> Option<Task> {
        let span = document.at(path);
        let start = document.source().position(span.start);
        let place = Place {
            file: document.source().name().to_owned(),
            line: start.line,
            column: start.column,
        };
        if let Some(expression) = &raw.when
            && let Err(error) = self.templates.check_expression(expression)
        {
            let at = document.at(&[path, &["when"]].concat());
            self.wrong.push(document.error(at, error.to_string()));
        }
        let (name, when, run_on) = (raw.name.clone(), raw.when.clone(), raw.run_on);
        let (items, notify) = (raw.items.clone(), raw.notify.clone());
        let mut modules = modules(raw);
        if modules.len() != 1 {
            let message = if modules.is_empty() {
                "a task without a module"
            } else {
                "a task with two modules"
            };
            self.wrong.push(document.error(span, message).help(
                "a task has exactly one of: package, template, service, mysql_admin, mysql_variables, mysql_user, \
                 mysql_seed, mysql_replica, mysql_canary, vip, import_tasks",
            ));
            return None;
        }
        let module = modules.remove(0);
        let notify = notify.0.into_iter().map(|text| text.0).collect();
        let name = name.unwrap_or_else(|| place.to_string());
        Some(Task {
            name,
            place,
            module,
            run_on,
            when,
            items,
            notify,
        })
    }

    fn check_notify(&mut self, document: &Document, play: &str, tasks: &[Task], handlers: &[Task]) {
        let known: BTreeSet<_> = handlers
            .iter()
            .map(|handler| handler.name.as_str())
            .collect();
        for task in tasks {
            for name in task
                .notify
                .iter()
                .filter(|name| !known.contains(name.as_str()))
            {
                let span = document.at(&[play]);
                let listed = known.iter().copied().collect::<Vec<_>>().join(", ");
                self.wrong.push(
                    document
                        .error(span, format!("no handler `{name}` in this play"))
                        .label(format!("notified by the task at {}", task.place))
                        .help(format!("the play's handlers are: {listed}")),
                );
            }
        }
    }
}

fn modules(raw: RawTask) -> Vec<Module> {
    [
        raw.package.map(Module::Package),
        raw.template.map(Module::Template),
        raw.service.map(Module::Service),
        raw.mysql_admin.map(Module::MysqlAdmin),
        raw.mysql_variables.map(Module::MysqlVariables),
        raw.mysql_user.map(Module::MysqlUser),
        raw.mysql_seed.map(Module::MysqlSeed),
        raw.mysql_replica.map(Module::MysqlReplica),
        raw.mysql_canary.map(Module::MysqlCanary),
        raw.vip.map(Module::Vip),
    ]
    .into_iter()
    .flatten()
    .collect()
}
