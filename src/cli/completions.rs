//! `hactl completions`: what a shell needs to complete hactl's command line, made from the same types that
//! read it. It looks at no inventory and no host.

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use super::Exit;
use super::args::Args;
use super::screen::print;

/// Runs the command.
pub(super) fn run(shell: Shell) -> Exit {
    let mut script = Vec::new();
    generate(shell, &mut Args::command(), "hactl", &mut script);
    print(String::from_utf8_lossy(&script).trim_end());
    Exit::Ok
}
