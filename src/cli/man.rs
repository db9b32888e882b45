//! `hactl man`: the manual pages, made from the same types that read the command line. It looks at no
//! inventory and no host, and must never write anywhere but into the folder that it was given.

use std::path::Path;

use clap::CommandFactory as _;
use clap_mangen::{Man, generate_to};

use super::args::Args;
use super::screen::print;
use super::{CliError, Exit};

/// Runs the command: every page into a folder, or the one of hactl itself to standard output.
pub(super) fn run(folder: Option<&Path>) -> Result<Exit, CliError> {
    if let Some(folder) = folder {
        write(folder)?;
    } else {
        let mut page = Vec::new();
        let rendered = Man::new(Args::command()).render(&mut page);
        rendered.map_err(|source| CliError::Local {
            what: "render the manual page",
            source,
        })?;
        print(String::from_utf8_lossy(&page).trim_end());
    }
    Ok(Exit::Ok)
}

fn write(folder: &Path) -> Result<(), CliError> {
    std::fs::read_dir(folder).map_err(|source| CliError::Unreadable {
        path: folder.to_owned(),
        source,
    })?;
    generate_to(Args::command(), folder).map_err(|source| CliError::Local {
        what: "write the manual pages",
        source,
    })
}
