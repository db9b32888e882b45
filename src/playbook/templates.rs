//! Templates and expressions, by minijinja with strict undefined. An error here never shows a
//! variable's value: it could be a secret.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value};

use crate::playbook::{Library, TaskError};

/// The template environment.
#[derive(Clone, Debug)]
pub struct Templates {
    environment: Environment<'static>,
    files: BTreeMap<String, String>,
}

impl Templates {
    /// Parses every template of a library, so that a syntax error is found before anything else.
    pub fn new(library: &Library) -> Result<Self, TaskError> {
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()
            .map_err(|error| describe("the template syntax", &error))?;
        environment.set_syntax(syntax);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        add_tests(&mut environment);
        for (name, text) in &library.templates {
            environment
                .add_template_owned(name.clone(), text.clone())
                .map_err(|error| describe(&format!("templates/{name}"), &error))?;
        }
        Ok(Self {
            environment,
            files: library.files.clone(),
        })
    }

    /// A file that is copied as it is.
    pub fn file(&self, name: &str) -> Result<String, TaskError> {
        let found = self.files.get(name).cloned();
        found.ok_or_else(|| TaskError::NoFile {
            name: name.to_owned(),
            known: self.files.keys().cloned().collect::<Vec<_>>().join(", "),
        })
    }

    /// Renders a template file.
    pub fn render_file(&self, name: &str, context: &Value) -> Result<String, TaskError> {
        let template = self
            .environment
            .get_template(name)
            .map_err(|error| match error.kind() {
                ErrorKind::TemplateNotFound => TaskError::NoTemplate {
                    name: name.to_owned(),
                    known: self
                        .environment
                        .templates()
                        .map(|(known, _)| known.to_owned())
                        .collect::<Vec<_>>()
                        .join(", "),
                },
                _ => describe(&format!("templates/{name}"), &error),
            })?;
        template
            .render(context.clone())
            .map_err(|error| describe(&format!("templates/{name}"), &error))
    }

    /// Renders a text with `{{ … }}` in it.
    pub fn render_text(&self, text: &str, context: &Value) -> Result<String, TaskError> {
        if !has_marks(text) {
            return Ok(text.to_owned());
        }
        self.environment
            .render_str(text, context.clone())
            .map_err(|error| describe(&format!("`{text}`"), &error))
    }

    /// Evaluates an expression.
    pub fn value(&self, expression: &str, context: &Value) -> Result<Value, TaskError> {
        self.environment
            .compile_expression(expression)
            .and_then(|compiled| compiled.eval(context.clone()))
            .map_err(|error| describe(&format!("`{expression}`"), &error))
    }

    /// The variables that an expression asks for.
    pub fn names_of_expression(&self, expression: &str) -> Result<BTreeSet<String>, TaskError> {
        self.environment
            .compile_expression(expression)
            .map(|compiled| compiled.undeclared_variables(false).into_iter().collect())
            .map_err(|error| describe(&format!("`{expression}`"), &error))
    }

    /// The variables that a text asks for.
    pub fn names_of_text(&self, text: &str) -> Result<BTreeSet<String>, TaskError> {
        if !has_marks(text) {
            return Ok(BTreeSet::new());
        }
        self.environment
            .template_from_str(text)
            .map(|template| template.undeclared_variables(false).into_iter().collect())
            .map_err(|error| describe(&format!("`{text}`"), &error))
    }

    /// The variables that a template file asks for; none of a file that is not there.
    pub fn names_of_file(&self, name: &str) -> Result<BTreeSet<String>, TaskError> {
        let template = self.environment.get_template(name);
        Ok(template
            .map(|template| template.undeclared_variables(false).into_iter().collect())
            .unwrap_or_default())
    }
}

/// Whether a text is more than itself.
fn has_marks(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// `result is changed`, as Ansible has it.
fn add_tests(environment: &mut Environment<'static>) {
    let is = |field: &'static str| {
        move |result: &Value| result.get_attr(field).is_ok_and(|value| value.is_true())
    };
    for field in ["changed", "failed", "skipped"] {
        environment.add_test(field, is(field));
    }
    let failed = is("failed");
    environment.add_test("succeeded", move |result: &Value| !failed(result));
}

/// minijinja's own debug output prints every variable in reach; this keeps the sentence and the line.
fn describe(name: &str, error: &Error) -> TaskError {
    let name = match error.name() {
        Some(inner) if inner.contains(".j2") => format!("templates/{inner}"),
        _ => name.to_owned(),
    };
    TaskError::Template {
        name,
        line: error.line().unwrap_or(1),
        detail: error
            .detail()
            .map_or_else(|| error.kind().to_string(), ToOwned::to_owned),
    }
}
