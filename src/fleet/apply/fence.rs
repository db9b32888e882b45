//! Makes a failed primary harmless (S12): over ssh, or by the inventory's command on this machine.
//! It says "done" only of what it has read back, and never touches data.

use std::time::Duration;

use super::hook::{locally, quoted};
use super::run;
use crate::facts::{Mark, MarkKind};
use crate::fleet::local::LocalCommand;
use crate::fleet::lock::Holder;
use crate::fleet::script::quote_sh;
use crate::fleet::{ActionError, Connection, LiveFleet, Progress, server_process, vip_lease};
use crate::inventory::{FenceContract, Host, HostName};
use crate::observe;
use crate::plan::Outcome;

/// How long the whole may take; on a host that works it takes some 30 ms.
const FENCE: Duration = Duration::from_secs(10);

/// The kill comes first: no commit is acknowledged after it. Then everything else at once: the unit
/// is stopped, so that systemd's `Restart=` does not revive the server, the address goes, and files
/// are written, which may hang where the disk is what failed. The last, reading the units anew, takes
/// systemd a tenth of a second in which it answers nobody; it goes on behind our back and a second
/// later, when the promotion no longer needs this host. Until then a server that somebody starts boots read-only (S11), and verify finds a unit that is not masked.
///
/// A unit file of the host's own in /etc cannot be masked; it is taken out of the boot instead.
const FENCE_SCRIPT: &str = r#"
killed=
for pid in $(server_processes); do kill -9 "$pid" 2>/dev/null && killed=1; done
timeout 3 systemctl stop --no-block -- $units >/dev/null 2>&1 &
stopping=$!
masked=1
for unit in $units; do [ "/etc/systemd/system/$unit" -ef /dev/null ] || masked=; done
(
    for unit in $units; do
        file=/etc/systemd/system/$unit
        if [ -e "$file" ] && ! [ -L "$file" ]; then
            systemctl --no-reload disable -- "$unit"
        else
            ln -sfn /dev/null "$file"
        fi
    done
    mkdir -p "${mark%/*}" && printf '%s\n' "$marked" >"$mark.new" && mv -f -- "$mark.new" "$mark"
) >/dev/null 2>&1 &
writing=$!
held() { [ -z "$address" ] || ip -o addr show to "$address" | while read -r _ name _ cidr _; do echo "$cidr $name"; done; }
removed=
[ -z "$address" ] || vip_lock 1
while read -r cidr name; do
    [ -n "$cidr" ] || continue
    ip addr del "$cidr" dev "${name%@*}" && removed=1
done <<END
$(held)
END
vip_unlock
wait "$stopping"
tries=0
while left=$(server_processes); [ -n "$left" ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 200 ]; then
        echo "process" $left "of the server is still there after kill -9" >&2
        exit 3
    fi
    kill -9 $left 2>/dev/null
    killed=1
    sleep 0.01
done
left=$(held)
if [ -n "$left" ]; then echo "the address is still there: $left" >&2; exit 4; fi
for state in $(timeout 3 systemctl show -p ActiveState --value -- $units 2>/dev/null); do
    case $state in
    active | activating | reloading) echo "systemd still says $state of one of: $units" >&2; exit 5 ;;
    esac
done
tries=0
while kill -0 "$writing" 2>/dev/null && [ "$tries" -lt 30 ]; do tries=$((tries + 1)); sleep 0.01; done
for unit in $units; do [ "/etc/systemd/system/$unit" -ef /dev/null ] || echo "unmasked $unit"; done
[ -n "$killed$removed" ] || [ -z "$masked" ] || { echo already; exit 0; }
{ sleep 1; timeout 60 systemctl daemon-reload; } >/dev/null 2>&1 &
exit 0
"#;

/// Which of the units there are: one that is not there need not be masked.
const UNITS: &str = r#"
units=$service
for unit in $sockets; do
    for folder in /etc/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
        [ -e "$folder/$unit" ] && { units="$units $unit"; break; }
    done
done
"#;

/// Fences over ssh: kills, takes the address off, stops and masks the units, leaves a mark.
pub(super) async fn over_ssh(
    fleet: &LiveFleet,
    connection: &Connection,
    progress: &dyn Progress,
) -> Result<Outcome, ActionError> {
    let (cluster, dialect) = (fleet.cluster(), fleet.expected());
    let vip = cluster.vip.as_ref();
    let script = server_process::script(dialect)
        .set(
            "address",
            &vip.map(|vip| vip.address.to_string()).unwrap_or_default(),
        )
        .set("service", dialect.service_unit())
        .set("sockets", &dialect.all_socket_units().join(" "))
        .set("mark", &MarkKind::Fenced.path(&cluster.name))
        .set("marked", &mark(&connection.host))
        .line(UNITS)
        .line(vip_lease::locking().to_string())
        .line(FENCE_SCRIPT);
    let answer = run(connection, "fencing", script, FENCE).await?;
    connection.forget_session().await;
    for unit in answer
        .lines()
        .filter_map(|line| line.strip_prefix("unmasked "))
    {
        progress.tell(
            &connection.host,
            &format!("{unit} is stopped and could not be masked: somebody may start it, read-only"),
        );
    }
    Ok(if answer.trim() == "already" {
        Outcome::Already
    } else {
        Outcome::Changed
    })
}

fn mark(host: &HostName) -> String {
    let holder = Holder::this_process("");
    let mark = Mark {
        at: observe::now(),
        by: format!("{}, pid {}", holder.who, holder.pid),
        host: Some(host.clone()),
        text: "server killed and masked, writer VIP off".to_owned(),
    };
    // Text and numbers always serialise.
    serde_json::to_string(&mark).unwrap_or_default()
}

/// Fences by the inventory's command. The host itself is not asked.
pub(super) async fn by_command(
    fleet: &LiveFleet,
    subject: &HostName,
    progress: &dyn Progress,
) -> Result<Outcome, ActionError> {
    let unfit = |reason: String, hint: &str| ActionError::Unfit {
        host: subject.clone(),
        reason,
        hint: hint.to_owned(),
    };
    let Some(fence) = &fleet.cluster().failover.fence else {
        return Err(unfit(
            "the inventory has no fence command".to_owned(),
            "add `failover: fence:` to the inventory",
        ));
    };
    let ssh = fleet.connection(subject).map_or(Ssh::Fails, |_| Ssh::Works);
    let text = command_line(&fence.command, fence.contract, fleet.host(subject)?, ssh);
    let command = LocalCommand::new(text, fence.timeout).with("HACTL_SSH", ssh.word());
    let output = locally(fleet, subject, command, "the fence command", progress).await?;
    let done: &[i32] = match fence.contract {
        FenceContract::Hactl => &[0],
        FenceContract::MhaShutdown | FenceContract::MhaIpFailover => &[0, 10],
    };
    if done.contains(&output.status) {
        return Ok(Outcome::Changed);
    }
    Err(unfit(
        format!(
            "the fence command ended with status {}{}",
            output.status,
            quoted(&output)
        ),
        "the old primary may be alive: power it off by hand, then run `hactl failover` again",
    ))
}

/// Whether ssh to the failed host works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ssh {
    Works,
    Fails,
}

impl Ssh {
    fn word(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Fails => "fails",
        }
    }

    /// The word of MHA's scripts: with ssh the server can be stopped, without it only the machine.
    fn mha_command(self) -> &'static str {
        match self {
            Self::Works => "stopssh",
            Self::Fails => "stop",
        }
    }
}

/// The command with the words that its contract asks for.
fn command_line(command: &str, contract: FenceContract, host: &Host, ssh: Ssh) -> String {
    let prefix = match contract {
        FenceContract::Hactl => return command.to_owned(),
        FenceContract::MhaShutdown => "",
        FenceContract::MhaIpFailover => "orig_master_",
    };
    let user = host.ssh.user.as_deref().unwrap_or("root");
    // MHA means a name and its address; one that is no address is looked up by the script itself.
    let address = host.address.to_string();
    let words = [
        format!("--command={}", ssh.mha_command()),
        format!("--ssh_user={user}"),
        format!("--{prefix}host={address}"),
        format!("--{prefix}ip={address}"),
        format!("--{prefix}port={}", host.port),
    ];
    let quoted = words.map(|word| {
        let (option, value) = word.split_once('=').unwrap_or((&word, ""));
        format!("{option}={}", quote_sh(value))
    });
    format!("{command} {}", quoted.join(" "))
}
