//! What one task sees on one host: the world, the host's own facts, and the variables that templates
//! may use. Passwords are not among them, so that no template can leak one.

use crate::decide::Role;
use crate::facts::{OsFacts, ServerView};
use crate::inventory::{Host, HostName};
use crate::mysql::Dialect;
use crate::plan::RunAs;
use crate::playbook::arguments::{Text, Texts};
use crate::playbook::names::Names;
use crate::playbook::{TaskError, Templates, World, variables};

/// The view of one task on one host.
#[derive(Clone, Debug)]
pub struct Scope<'a> {
    /// Everything.
    pub world: World<'a>,
    /// This host.
    pub host: &'a Host,
    /// As whom a command runs.
    pub run_as: RunAs,
    names: Names<'a>,
}

impl<'a> Scope<'a> {
    /// The view of a host, outside any task.
    pub fn new(world: World<'a>, host: &'a Host, templates: &'a Templates) -> Self {
        let names = Names::of_host(&world, host, templates);
        Self::with(world, host, RunAs::Root, names)
    }

    /// The view with these variables.
    pub(super) fn with(world: World<'a>, host: &'a Host, run_as: RunAs, names: Names<'a>) -> Self {
        Self {
            world,
            host,
            run_as,
            names,
        }
    }

    /// Renders one text.
    pub fn render(&self, text: &Text) -> Result<String, TaskError> {
        self.names.render(text)
    }

    /// Renders each text; one that renders to nothing is left out.
    pub fn render_all(&self, texts: &Texts) -> Result<Vec<String>, TaskError> {
        let rendered: Result<Vec<_>, _> = texts.0.iter().map(|text| self.render(text)).collect();
        Ok(rendered?
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect())
    }

    /// Renders a text that may be left out.
    pub fn render_some(&self, text: Option<&Text>) -> Result<Option<String>, TaskError> {
        text.map(|text| self.render(text)).transpose()
    }

    /// Renders a template file.
    pub fn render_file(&self, name: &str) -> Result<String, TaskError> {
        self.names.render_file(name)
    }

    /// The text of a file that is copied as it is.
    pub fn file(&self, name: &str) -> Result<String, TaskError> {
        self.names.file(name)
    }

    /// Whether an expression holds.
    pub fn holds(&self, expression: &str) -> Result<bool, TaskError> {
        self.names.holds(expression)
    }

    /// The machine's facts; `None` when it was not reached.
    pub fn os(&self) -> Option<&'a OsFacts> {
        self.world.seen.os(&self.host.name)
    }

    /// The server's view; a host that was not reached counts as absent, so that a plan can be drawn
    /// up before the first connection.
    pub fn server(&self) -> &'a ServerView {
        self.world
            .seen
            .reached(&self.host.name)
            .map_or(&ServerView::Absent, |reached| &reached.server)
    }

    /// This host's part.
    pub fn role(&self) -> Role {
        self.world.topology.role(&self.host.name)
    }

    /// The replicas' names.
    pub fn replicas(&self) -> Vec<HostName> {
        let topology = self.world.topology;
        topology
            .replicas(self.world.cluster)
            .map(|host| host.name.clone())
            .collect()
    }

    /// The dialect that is or will be spoken here.
    pub fn dialect(&self) -> Dialect {
        variables::dialect_of(&self.world, self.host)
    }
}
