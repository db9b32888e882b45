//! `hactl status`: the cluster as it is, as a tree.

use std::collections::BTreeMap;

use super::args::{Global, OutputFormat};
use super::screen::{print, show};
use super::{CliError, Exit, notices, session, tree};
use crate::facts::HostView;
use crate::fleet::Fleet as _;

/// Runs the command.
pub(super) async fn run(global: &Global) -> Result<Exit, CliError> {
    let cluster = session::inventory(global).await?;
    let fleet = session::connect(global, &cluster).await;
    let seen = fleet.observe(&BTreeMap::new()).await;
    match global.output {
        OutputFormat::Human => {
            let text = tree::render(&cluster, &seen) + &notices::render(&seen);
            show(text.trim_end());
        }
        OutputFormat::Json | OutputFormat::Jsonl | OutputFormat::Junit => {
            print(&serde_json::to_string(&seen).unwrap_or_default());
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
