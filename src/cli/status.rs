//! `hactl status`: the cluster as it is, as a tree.

use std::collections::BTreeMap;
use std::io::Write as _;

use super::args::{Global, OutputFormat};
use super::{CliError, Exit, session, tree};
use crate::facts::HostView;
use crate::fleet::Fleet as _;

/// Runs the command.
pub(super) async fn run(global: &Global) -> Result<Exit, CliError> {
    let cluster = session::inventory(global)?;
    let fleet = session::connect(global, &cluster).await;
    let seen = fleet.observe(&BTreeMap::new()).await;
    let mut out = anstream::stdout().lock();
    match global.output {
        OutputFormat::Human => {
            let _ = write!(out, "{}", tree::render(&cluster, &seen));
        }
        OutputFormat::Json | OutputFormat::Jsonl => {
            let _ = writeln!(out, "{}", serde_json::to_string(&seen).unwrap_or_default());
        }
    }
    let unreachable = seen
        .hosts
        .values()
        .any(|view| matches!(view, HostView::Unreachable(_)));
    Ok(if unreachable {
        Exit::Unreachable
    } else {
        Exit::Ok
    })
}
