//! One task: its module, the keys around it, and that they go together.

use super::around::Around;
use super::raw::{MODULES, RawTask};
use super::{Context, Loader};
use crate::plan::RunAs;
use crate::playbook::arguments::LoopText;
use crate::playbook::{Loop, Module, Place, Retry, Task, names};
use std::time::Duration;

/// How often a task with `until` is tried again, and after which pause, unless it says so; Ansible's.
const RETRIES: u32 = 3;
const DELAY: Duration = Duration::from_secs(5);

impl Loader<'_> {
    /// A task with exactly one module.
    pub(super) fn task(
        &mut self,
        context: &Context<'_>,
        path: &[&str],
        raw: RawTask,
        mut modules: Vec<Module>,
        around: &Around,
    ) -> Option<Task> {
        let document = context.document;
        let span = document.at(path);
        if modules.len() != 1 {
            let message = if modules.is_empty() {
                "a task without a module"
            } else {
                "a task with two modules"
            };
            let help = format!("a task has exactly one of: {}", MODULES.join(", "));
            self.found
                .wrong
                .push(document.error(span, message).help(help));
            return None;
        }
        let module = modules.remove(0);
        self.check_texts(context, path, &raw);
        let around = around.with(&raw);
        self.check_keys(context, path, &raw, &module, &around.run_as);
        if let Some(name) = &raw.register {
            let place = document.at(&[path, &["register"]].concat());
            self.check_name(document, place, name);
            self.registered.insert(name.clone());
        }
        let place = place(context, path);
        Some(Task {
            name: raw.name.clone().unwrap_or_else(|| place.to_string()),
            place,
            module,
            run_on: around.run_on,
            when: around.when,
            retry: retry(&raw),
            items: items(raw.items),
            notify: raw.notify.0.into_iter().map(|text| text.0).collect(),
            register: raw.register,
            tags: around.tags,
            vars: around.vars,
            run_as: around.run_as,
            changed_when: raw.changed_when.map(|conditions| conditions.0),
            failed_when: raw.failed_when.map(|conditions| conditions.0),
            within: around.within,
        })
    }

    fn check_texts(&mut self, context: &Context<'_>, path: &[&str], raw: &RawTask) {
        let vars = [path, &["vars"]].concat();
        for (name, _) in &raw.vars.0 {
            let span = context
                .document
                .key_at(&[vars.as_slice(), &[name]].concat());
            self.check_name(context.document, span, name);
        }
        let Some(node) = context.document.node(path) else {
            return;
        };
        let mut texts = self.texts(context);
        let own = raw.vars.0.iter().map(|(name, _)| name.clone());
        // A task's own result is known when `until` and the like are asked.
        texts.set.extend(own.chain(raw.register.clone()));
        texts.task(node, &mut self.found);
    }

    fn check_keys(
        &mut self,
        context: &Context<'_>,
        path: &[&str],
        raw: &RawTask,
        module: &Module,
        run_as: &RunAs,
    ) {
        let document = context.document;
        let mut wrong = |key: &str, message: &str, help: &str| {
            let span = document.key_at(&[path, &[key]].concat());
            self.found
                .wrong
                .push(document.error(span, message).help(help));
        };
        let judges = [
            ("changed_when", raw.changed_when.is_some()),
            ("failed_when", raw.failed_when.is_some()),
        ];
        for (key, _) in judges.into_iter().filter(|(_, is_used)| *is_used) {
            if !module.answers() {
                let help =
                    "it judges what a command or a query said; other modules know by themselves";
                wrong(key, &format!("`{key}` belongs to another module"), help);
            }
        }
        if raw.delay.is_some() && raw.retries.is_none() && raw.until.is_none() {
            let help = "say how often: `retries: 3`, or until when: `until: …`";
            wrong("delay", "a pause before what is never tried again", help);
        }
        if *run_as != RunAs::Root && !module.runs_as_anybody() {
            let key = if raw.become_user.is_some() {
                "become_user"
            } else {
                "become"
            };
            let help = "only command and shell run as another user; leave it out here, and off the block and the play";
            wrong(key, "this module works as root", help);
        }
        for (key, list) in [("rescue", &raw.rescue), ("always", &raw.always)] {
            if list.is_some() {
                wrong(
                    key,
                    &format!("`{key}` without a `block`"),
                    "put the tasks that it is for under `block:`",
                );
            }
        }
    }

    /// A block or an import that is nothing else.
    pub(super) fn is_whole(
        &mut self,
        context: &Context<'_>,
        path: &[&str],
        raw: &RawTask,
        modules: &[Module],
    ) -> bool {
        let document = context.document;
        let what = if raw.block.is_some() {
            "block"
        } else {
            "import_tasks"
        };
        if !modules.is_empty() || (raw.block.is_some() && raw.import_tasks.is_some()) {
            let help = format!("a task has exactly one of: {}", MODULES.join(", "));
            let span = document.at(path);
            let diagnostic = document.error(span, "a task with two modules");
            self.found.wrong.push(diagnostic.help(help));
            return false;
        }
        let mut stray = raw.keys_of_one_task();
        if raw.block.is_none() {
            stray.extend(raw.rescue.as_ref().map(|_| "rescue"));
            stray.extend(raw.always.as_ref().map(|_| "always"));
        }
        if path.contains(&"handlers") {
            stray.push(what);
        }
        for key in &stray {
            let span = document.key_at(&[path, &[key]].concat());
            let (message, help) = if *key == what {
                (format!("`{what}` among handlers"), "a handler is one task")
            } else {
                let help = "put it on each of the tasks that it is meant for";
                (format!("`{what}` takes no `{key}`"), help)
            };
            self.found
                .wrong
                .push(document.error(span, message).help(help));
        }
        stray.is_empty()
    }
}

fn place(context: &Context<'_>, path: &[&str]) -> Place {
    let source = context.document.source();
    let start = source.position(context.document.at(path).start);
    Place {
        file: source.name().to_owned(),
        line: start.line,
        column: start.column,
    }
}

fn retry(raw: &RawTask) -> Option<Retry> {
    let until = raw.until.clone().map(|conditions| conditions.0);
    if raw.retries.is_none() && until.is_none() {
        return None;
    }
    Some(Retry {
        times: raw.retries.unwrap_or(RETRIES),
        delay: raw.delay.map_or(DELAY, |delay| delay.0),
        until: until.unwrap_or_default(),
    })
}

fn items(text: Option<LoopText>) -> Loop {
    match text {
        None => Loop::Once,
        Some(LoopText::Items(items)) => Loop::Items(items),
        Some(LoopText::Expression(text)) => {
            let inner = names::sole_expression(&text).unwrap_or(&text);
            Loop::Expression(inner.to_owned())
        }
    }
}
