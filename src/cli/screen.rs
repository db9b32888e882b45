//! What is written where: data to standard output, everything else to standard error. It must never
//! fail because nobody reads.

use std::io::{IsTerminal as _, Write as _};
use std::os::fd::AsFd;

use super::args::{Global, OutputFormat};
use crate::report::{Bars, JsonLines, Plain, Sink, fold};

/// The reader of events that the person asked for.
pub(super) fn events(global: &Global) -> Box<dyn Sink> {
    match global.output {
        OutputFormat::Jsonl => Box::new(JsonLines),
        _ if std::io::stderr().is_terminal() => Box::new(Bars::default()),
        _ => Box::new(Plain::default()),
    }
}

/// One message for the person.
pub(super) fn say(text: &str) {
    let text = laid_out(text, std::io::stderr());
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// What the person asked to see, as text.
pub(super) fn show(text: &str) {
    let text = laid_out(text, std::io::stdout());
    let _ = writeln!(anstream::stdout().lock(), "{text}");
}

/// Long lines go on indented where it is a terminal that shows them.
fn laid_out(text: &str, stream: impl AsFd) -> String {
    match terminal_size::terminal_size_of(stream) {
        Some((width, _)) => fold(text, width.0.into()),
        None => text.to_owned(),
    }
}

/// Data for a program.
pub(super) fn print(text: &str) {
    let _ = writeln!(anstream::stdout().lock(), "{text}");
}
