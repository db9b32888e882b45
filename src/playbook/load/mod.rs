//! From text to a playbook. Everything that is wrong is reported together, at its place, before any
//! host is touched: unknown keys, two modules in a task, handlers that nobody defined, expressions
//! that cannot be parsed, variables that nobody set.

mod around;
pub(super) mod raw;
mod schema;
mod task;
mod texts;
mod words;

use std::collections::BTreeSet;

pub use schema::{schema, tasks_schema};
pub use words::{Word, explained};

use self::around::{Around, run_as, tags};
use self::raw::{RawPlay, RawTask};
use self::texts::{Found, Texts};
use self::words::Meaning;
use crate::playbook::arguments::{Plain, Vars};
use crate::playbook::serial::{NO_BATCH, Refused, Written};
use crate::playbook::variables::refused_name;
use crate::playbook::{
    Batch, Block, Failing, Library, Pattern, Play, Playbook, PlaybookError, Section, Serial, Task,
    Templates, Within,
};
use crate::yaml::{Document, Source, Span};

/// Loads a playbook of a library by its file name.
pub fn load(
    library: &Library,
    name: &str,
    templates: &Templates,
) -> Result<Playbook, PlaybookError> {
    let mut loader = Loader {
        library,
        templates,
        found: Found::default(),
        blocks: Vec::new(),
        registered: BTreeSet::new(),
        imports: Vec::new(),
    };
    let document = loader.open(name)?;
    let raw: Vec<RawPlay> = document
        .deserialize()
        .map_err(|wrong| PlaybookError::Invalid(wrong.into()))?;
    let mut plays = Vec::new();
    for (index, raw) in raw.into_iter().enumerate() {
        plays.push(loader.play(&document, index, raw)?);
    }
    if loader.found.wrong.is_empty() {
        Ok(Playbook {
            name: name.to_owned(),
            plays,
            words: loader.found.words,
        })
    } else {
        let wrong = loader.found.wrong.into_iter();
        Err(PlaybookError::Invalid(wrong.collect()))
    }
}

struct Loader<'a> {
    library: &'a Library,
    templates: &'a Templates,
    found: Found,
    /// The blocks of the present play.
    blocks: Vec<Block>,
    /// What has been registered by now, in the order of the files.
    registered: BTreeSet<String>,
    /// The files that are being imported, each by the one before it.
    imports: Vec<String>,
}

impl<'a> Loader<'a> {
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
        Document::parse(Source::new(self.library.shown(name), text.as_str()))
            .map_err(|wrong| PlaybookError::Invalid(wrong.into()))
    }

    fn play(
        &mut self,
        document: &Document,
        index: usize,
        raw: RawPlay,
    ) -> Result<Play, PlaybookError> {
        let at = index.to_string();
        self.blocks = Vec::new();
        let around = Around {
            tags: tags(&raw.tags).collect(),
            run_as: run_as(
                raw.becomes,
                raw.become_user.as_deref(),
                crate::plan::RunAs::Root,
            ),
            ..Around::default()
        };
        self.check_vars(document, &[&at, "vars"], &raw.vars, &BTreeSet::new());
        let names = raw.vars.0.iter().map(|(name, _)| name.clone()).collect();
        let context = Context {
            document,
            vars: names,
        };
        let tasks = self.tasks(&context, &[&at, "tasks"], raw.tasks, &around)?;
        let handlers = self.tasks(&context, &[&at, "handlers"], raw.handlers, &around)?;
        self.check_notify(document, &at, &tasks, &handlers);
        let serial = self.serial(document, &at, raw.serial);
        Ok(Play {
            name: raw.name,
            hosts: self.hosts(document, &at, &raw.hosts),
            serial,
            vars: raw.vars,
            tasks,
            blocks: std::mem::take(&mut self.blocks),
            handlers,
        })
    }

    fn hosts(
        &mut self,
        document: &Document,
        at: &str,
        texts: &crate::playbook::arguments::Texts,
    ) -> Pattern {
        let words: Vec<&str> = texts.0.iter().map(|text| text.0.as_str()).collect();
        let pattern = Pattern::parse(&words.join(","));
        self.found.words.push(Word {
            source: document.source().clone(),
            span: document.at(&[at, "hosts"]),
            meaning: Meaning::Hosts(pattern.clone()),
        });
        pattern
    }

    fn serial(&mut self, document: &Document, at: &str, written: Option<Written>) -> Serial {
        let path = [at, "serial"];
        let sizes: Vec<(Plain, Span)> = match written {
            None => return Serial::All,
            Some(Written::One(size)) => vec![(size, document.at(&path))],
            Some(Written::List(list)) => {
                let place = |index: usize| document.at(&[at, "serial", &index.to_string()]);
                let sizes = list.into_iter().enumerate();
                sizes.map(|(index, size)| (size, place(index))).collect()
            }
        };
        if sizes.is_empty() {
            self.refuse(document, document.at(&path), NO_BATCH);
        }
        let mut batches = Vec::new();
        for (size, span) in sizes {
            match Batch::parse(&size.0.0) {
                Ok(batch) => batches.push(batch),
                Err(refused) => self.refuse(document, span, refused),
            }
        }
        Serial::Batches(batches)
    }

    fn refuse(&mut self, document: &Document, span: Span, refused: Refused) {
        let diagnostic = document.error(span, refused.message).help(refused.help);
        self.found.wrong.push(diagnostic);
    }

    fn tasks(
        &mut self,
        context: &Context<'_>,
        path: &[&str],
        raw: Vec<RawTask>,
        around: &Around,
    ) -> Result<Vec<Task>, PlaybookError> {
        let mut tasks = Vec::new();
        for (index, mut raw) in raw.into_iter().enumerate() {
            let index = index.to_string();
            let path: Vec<&str> = path.iter().copied().chain([index.as_str()]).collect();
            let whole = raw.block.is_some() || raw.import_tasks.is_some();
            let modules = raw.take_modules();
            if !whole {
                tasks.extend(self.task(context, &path, raw, modules, around));
            } else if self.is_whole(context, &path, &raw, &modules) {
                tasks.extend(self.whole(context, &path, raw, around)?);
            }
        }
        Ok(tasks)
    }

    /// A block, or a file of tasks.
    fn whole(
        &mut self,
        context: &Context<'_>,
        path: &[&str],
        mut raw: RawTask,
        around: &Around,
    ) -> Result<Vec<Task>, PlaybookError> {
        self.check_vars(
            context.document,
            &[path, &["vars"]].concat(),
            &raw.vars,
            &context.vars,
        );
        let own = raw.vars.0.iter().map(|(name, _)| name.clone());
        let inner = Context {
            document: context.document,
            vars: context.vars.iter().cloned().chain(own).collect(),
        };
        if let Some(node) = context.document.node(path) {
            let texts = self.texts(&inner);
            texts.task(node, &mut self.found);
        }
        let around = around.with(&raw);
        if let Some(file) = &raw.import_tasks {
            return self.import(&inner, path, file, &around);
        }
        let lists = [
            (Section::Tasks, "block", raw.block.take()),
            (Section::Rescue, "rescue", raw.rescue.take()),
            (Section::Always, "always", raw.always.take()),
        ];
        let catches = lists[1].2.is_some();
        // A block that neither catches nor cleans up is but a way to write things once.
        let block = (catches || lists[2].2.is_some()).then_some(self.blocks.len());
        if block.is_some() {
            self.blocks.push(Block {
                failure: if catches {
                    Failing::Caught
                } else {
                    Failing::Passes
                },
            });
        }
        let mut tasks = Vec::new();
        for (section, key, list) in lists {
            let mut around = around.clone();
            around
                .within
                .extend(block.map(|block| Within { block, section }));
            let path = [path, &[key]].concat();
            tasks.extend(self.tasks(&inner, &path, list.unwrap_or_default(), &around)?);
        }
        Ok(tasks)
    }

    /// A file of tasks; its tasks keep their own places for messages.
    fn import(
        &mut self,
        context: &Context<'_>,
        path: &[&str],
        file: &str,
        around: &Around,
    ) -> Result<Vec<Task>, PlaybookError> {
        if self.imports.iter().any(|above| above == file) {
            let span = context.document.at(&[path, &["import_tasks"]].concat());
            let diagnostic = context.document.error(span, "this file imports itself");
            self.found.wrong.push(diagnostic);
            return Ok(Vec::new());
        }
        let document = self.open(file)?;
        let raw: Vec<RawTask> = document
            .deserialize()
            .map_err(|wrong| PlaybookError::Invalid(wrong.into()))?;
        let context = Context {
            document: &document,
            vars: context.vars.clone(),
        };
        self.imports.push(file.to_owned());
        let tasks = self.tasks(&context, &[], raw, around);
        self.imports.pop();
        tasks
    }

    fn texts<'b>(&self, context: &Context<'b>) -> Texts<'b>
    where
        'a: 'b,
    {
        Texts {
            document: context.document,
            templates: self.templates,
            set: context.vars.union(&self.registered).cloned().collect(),
        }
    }

    /// Variables have names that templates can use and that are not taken.
    fn check_vars(
        &mut self,
        document: &Document,
        path: &[&str],
        vars: &Vars,
        above: &BTreeSet<String>,
    ) {
        let mut set = above.clone();
        for (name, _) in &vars.0 {
            let place = [path, &[name]].concat();
            let texts = Texts {
                document,
                templates: self.templates,
                set: set.union(&self.registered).cloned().collect(),
            };
            if above.is_empty()
                && let Some(node) = document.node(&place)
            {
                texts.vars(node, &mut self.found);
            }
            self.check_name(document, document.key_at(&place), name);
            set.insert(name.clone());
        }
    }

    fn check_name(&mut self, document: &Document, span: Span, name: &str) {
        if let Some((message, help)) = refused_name(name) {
            let diagnostic = document.error(span, message);
            self.found.wrong.push(diagnostic.help(help));
        }
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
                self.found.wrong.push(
                    document
                        .error(span, format!("no handler `{name}` in this play"))
                        .label(format!("notified by the task at {}", task.place))
                        .help(format!("the play's handlers are: {listed}")),
                );
            }
        }
    }
}

/// Where tasks are being read.
struct Context<'a> {
    document: &'a Document,
    /// Names of the play's and the blocks' variables.
    vars: BTreeSet<String>,
}
