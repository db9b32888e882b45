//! Runs a user's command on a host, and hands back what it said. It judges nothing: a status other
//! than 0 is an answer. What is read from standard input never shows in an argument vector.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::fleet::script::{Script, quote_sh};
use crate::fleet::{ActionError, Connection};
use crate::plan::{Answer, Command, Invocation, Outcome, RunAs};

/// How much of an output is kept: enough for any sensible question, too little to fill a memory.
const KEPT: usize = 1 << 20;

/// Runs it to its end.
pub(super) async fn run(
    connection: &Connection,
    command: &Command,
) -> Result<Outcome, ActionError> {
    let output = connection
        .link
        .run(&script(connection, command), command.within)
        .await?;
    // What `timeout` says; a command that ends so by itself is taken for one that took too long.
    if output.status == TIMED_OUT {
        return Err(ActionError::TimedOut {
            host: connection.host.clone(),
            what: format!("`{command}` ended"),
            after: command.within,
        });
    }
    let kept = &output.stdout[..output.stdout.len().min(KEPT)];
    Ok(Outcome::Said {
        answer: Answer {
            status: output.status,
            output: String::from_utf8_lossy(kept).into_owned(),
            errors: output.stderr,
            rows: Vec::new(),
        },
    })
}

const TIMED_OUT: i32 = 124;

fn script(connection: &Connection, command: &Command) -> Script {
    let mut words: Vec<&str> = match &command.user {
        RunAs::Root => Vec::new(),
        RunAs::Login => as_user(&connection.link.whoami().login_user),
        RunAs::User(user) => as_user(user),
    };
    match &command.invocation {
        Invocation::Words(given) => words.extend(given.iter().map(String::as_str)),
        Invocation::Shell(text) => words.extend(["/bin/sh", "-c", text]),
    }
    let words: Vec<_> = words.into_iter().map(quote_sh).collect();
    let mut script = Script::default();
    if let Some(folder) = &command.folder {
        script = script
            .set("folder", folder)
            .line("cd -- \"$folder\" || return 1");
    }
    let line = words.join(" ");
    match &command.input {
        None => script.line(line),
        Some(input) => script
            .set("input", &STANDARD.encode(input))
            .line(format!("printf %s \"$input\" | base64 -d | {line}")),
    }
}

fn as_user(user: &str) -> Vec<&str> {
    vec!["runuser", "-u", user, "--"]
}
