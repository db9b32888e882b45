//! Runs the inventory's hooks on this machine. A hook decides nothing but by its failure.

use crate::fleet::local::{LocalCommand, LocalError, LocalOutput};
use crate::fleet::{ActionError, LiveFleet, Progress};
use crate::inventory::{HookPoint, HostName};
use crate::plan::Outcome;

/// Runs one hook about a host; without such a hook nothing is to be done.
pub(super) async fn run(
    fleet: &LiveFleet,
    subject: &HostName,
    hook: HookPoint,
    progress: &dyn Progress,
) -> Result<Outcome, ActionError> {
    let hooks = &fleet.cluster().hooks;
    let Some(text) = hooks.commands.get(&hook) else {
        return Ok(Outcome::Already);
    };
    let command = LocalCommand::new(text, hooks.timeout).with("HACTL_HOOK", hook.to_string());
    let output = locally(fleet, subject, command, "the hook", progress).await?;
    if output.status == 0 {
        return Ok(Outcome::Changed);
    }
    Err(ActionError::Unfit {
        host: subject.clone(),
        reason: format!(
            "the hook {hook} ended with status {}{}",
            output.status,
            quoted(&output)
        ),
        hint: format!("try it by hand: {text}"),
    })
}

/// Runs a command about a host, and passes on what it says.
pub(super) async fn locally(
    fleet: &LiveFleet,
    subject: &HostName,
    command: LocalCommand,
    what: &'static str,
    progress: &dyn Progress,
) -> Result<LocalOutput, ActionError> {
    let (cluster, host) = (fleet.cluster(), fleet.host(subject)?);
    let accounts = &cluster.accounts;
    let secrets = [&accounts.replication, &accounts.monitor, &accounts.admin];
    let ended = command
        .with("HACTL_CLUSTER", cluster.name.to_string())
        .with("HACTL_HOST", subject.to_string())
        .with("HACTL_ADDRESS", host.address.to_string())
        .with("HACTL_PORT", host.port.to_string())
        .run(&secrets.map(|account| &account.password))
        .await;
    let lines = match &ended {
        Ok(output) => &output.lines,
        Err(LocalError::TimedOut { lines, .. }) => lines,
        Err(LocalError::Start(_)) => &Vec::new(),
    };
    for line in lines {
        progress.tell(subject, line);
    }
    ended.map_err(|error| ActionError::Unfit {
        host: subject.clone(),
        reason: format!("{what}: {error}"),
        hint:
            "try it by hand on this machine, and give it more time in the inventory if it needs it"
                .to_owned(),
    })
}

/// The last words of a command, for a message.
pub(super) fn quoted(output: &LocalOutput) -> String {
    match output.lines.last() {
        Some(line) => format!(": {line}"),
        None => String::new(),
    }
}
