//! Templates and expressions, by minijinja with strict undefined. An error here never shows a
//! variable's value: it could be a secret.

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value};

use crate::playbook::{Library, TaskError};

/// The template environment.
#[derive(Clone, Debug)]
pub struct Templates {
    environment: Environment<'static>,
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
        for (name, text) in &library.templates {
            environment
                .add_template_owned(name.clone(), text.clone())
                .map_err(|error| describe(&format!("templates/{name}"), &error))?;
        }
        Ok(Self { environment })
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
        if !text.contains("{{") && !text.contains("{%") {
            return Ok(text.to_owned());
        }
        self.environment
            .render_str(text, context.clone())
            .map_err(|error| describe(&format!("`{text}`"), &error))
    }

    /// Evaluates a `when:` expression.
    pub fn holds(&self, expression: &str, context: &Value) -> Result<bool, TaskError> {
        self.environment
            .compile_expression(expression)
            .and_then(|compiled| compiled.eval(context.clone()))
            .map(|value| value.is_true())
            .map_err(|error| describe(&format!("`{expression}`"), &error))
    }

    /// Whether an expression can be parsed at all.
    pub fn check_expression(&self, expression: &str) -> Result<(), TaskError> {
        self.environment
            .compile_expression(expression)
            .map(|_| ())
            .map_err(|error| describe(&format!("`{expression}`"), &error))
    }
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
