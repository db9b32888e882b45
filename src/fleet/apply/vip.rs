//! Adds and removes the writer VIP, and announces it. An address that is there already is never
//! announced again: renewing a lease is silent.

use std::time::Duration;

use super::{SCRIPT, run};
use crate::fleet::script::Script;
use crate::fleet::{ActionError, Connection, vip_lease};
use crate::plan::{Neighbours, Outcome};

/// What is there already only has its lifetime set; the kernel drops an address whose lifetime has
/// run out, so reading it and then changing it would race: `replace` does both.
///
/// A neighbour that answers for the address before it is added here is another holder: then it is not
/// added, if the network is to be asked at all. Announcements run in the background, request and
/// reply forms side by side and three times a second apart, since each is a single packet that a
/// switch or a neighbour may miss. Nothing announces an IPv6 address but the kernel: with duplicate
/// address detection off for the moment it is usable at once, and `ndisc_notify` makes the kernel send
/// an unsolicited neighbour advertisement then (ip-sysctl.rst).
const ADD: &str = r#"
plain=${address%/*}
there=$(ip -o addr show dev "$interface" to "$plain") || exit
if [ -n "$there" ]; then
    case $there in
    *" dynamic"*) was=leased ;;
    *) was=permanent ;;
    esac
    if [ -z "$lease" ] && [ $was = permanent ]; then echo already; exit 0; fi
    lifetime=${lease:-forever}
    ip addr replace "$address" dev "$interface" valid_lft "$lifetime" preferred_lft "$lifetime" || exit
    [ -n "$lease" ] && [ $was = leased ] && echo already
    exit 0
fi
lifetime=${lease:-forever}
case $plain in
*:*)
    if [ "$neighbours" = ask ]; then
        ip addr add "$address" dev "$interface" valid_lft "$lifetime" preferred_lft "$lifetime"
        exit
    fi
    knobs=/proc/sys/net/ipv6/conf/$interface
    { read -r detect <"$knobs/accept_dad" && read -r notify <"$knobs/ndisc_notify"; } 2>/dev/null
    if { echo 0 >"$knobs/accept_dad" && echo 1 >"$knobs/ndisc_notify"; } 2>/dev/null; then
        trap 'echo "$detect" >"$knobs/accept_dad"; echo "$notify" >"$knobs/ndisc_notify"' EXIT
        ip addr add "$address" dev "$interface" valid_lft "$lifetime" preferred_lft "$lifetime"
    else
        ip addr add "$address" dev "$interface" valid_lft "$lifetime" preferred_lft "$lifetime" nodad
    fi
    exit
    ;;
esac
arping=$(command -v arping)
if [ "$neighbours" = ask ] && [ -n "$arping" ] && ! arping -q -D -c 1 -w 1 -I "$interface" "$plain"; then
    echo "another machine answers for $plain" >&2
    exit 9
fi
ip addr add "$address" dev "$interface" valid_lft "$lifetime" preferred_lft "$lifetime" || exit
if [ -n "$arping" ]; then
    arping -q -U -c 3 -I "$interface" "$plain" >/dev/null 2>&1 &
    arping -q -A -c 3 -I "$interface" "$plain" >/dev/null 2>&1 &
fi
exit 0
"#;

/// From whatever interface it is on: a person may have moved it. No renewal comes between: one that has
/// seen the address ends before it goes, and one that comes later does not find it.
const REMOVE: &str = r#"
vip_lock 5 || { echo "the address is being changed by another program, for more than 5 s" >&2; exit 4; }
plain=${address%/*}
held() { ip -o addr show to "$plain" | while read -r _ name _ cidr _; do echo "$cidr ${name%@*}"; done; }
there=$(held)
[ -n "$there" ] || { echo already; exit 0; }
while read -r cidr name; do
    ip addr del "$cidr" dev "$name" || exit
done <<END
$there
END
there=$(held)
[ -z "$there" ] || { echo "the address is still there: $there" >&2; exit 4; }
"#;

/// Adds the address and announces it; one that is there has its lifetime set anew.
pub(super) async fn add(
    connection: &Connection,
    address: &str,
    interface: &str,
    neighbours: Neighbours,
    lease: Option<Duration>,
) -> Result<Outcome, ActionError> {
    let script = Script::default()
        .set("address", address)
        .set("interface", interface)
        .set(
            "neighbours",
            match neighbours {
                Neighbours::Ask => "ask",
                Neighbours::Known => "known",
            },
        )
        .set("lease", &lease.map(seconds).unwrap_or_default())
        .line(ADD);
    match change(connection, "adding the writer VIP", script).await {
        Err(ActionError::Script { host, what, status: 9, stderr, .. }) => Err(ActionError::Script {
            host,
            what,
            status: 9,
            stderr,
            hint: Some(
                "find that machine (`arping` shows its MAC address) and take the address off it, then run again"
                    .to_owned(),
            ),
        }),
        other => other,
    }
}

/// A lifetime as the kernel counts it: whole seconds, never longer than it was meant.
fn seconds(lease: Duration) -> String {
    lease.as_secs().max(1).to_string()
}

/// Removes the address.
pub(super) async fn remove(connection: &Connection, address: &str) -> Result<Outcome, ActionError> {
    change(connection, "removing the writer VIP", removal(address)).await
}

fn removal(address: &str) -> Script {
    vip_lease::locking().set("address", address).line(REMOVE)
}

async fn change(
    connection: &Connection,
    what: &'static str,
    script: Script,
) -> Result<Outcome, ActionError> {
    let answer = run(connection, what, script, SCRIPT).await?;
    Ok(if answer.trim() == "already" {
        Outcome::Already
    } else {
        Outcome::Changed
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::{Child, Command, Stdio};
    use std::thread::sleep;

    use super::*;

    /// An `ip` whose address is a file, and with which a renewal is slow between its question and its change.
    const IP: &str = r#"
ip() {
    case "$*" in
    *" show "*)
        [ ! -e "$here/address" ] || echo "2: eth0    inet 192.0.2.90/24 scope global eth0"
        case "$*" in *" address "*) touch "$here/asked"; sleep 0.5 ;; esac ;;
    *" change "*) touch "$here/address" ;;
    *" del "*) rm "$here/address" ;;
    esac
    }
"#;

    fn start(here: &Path, script: &Script) -> Child {
        let lock = here.join("lock").display().to_string();
        let whole = Script::default()
            .set("here", &here.display().to_string())
            .line(IP)
            .line(script.to_string())
            // The last word counts.
            .to_string();
        let whole = whole.replace("/run/hactl/vip.lock", &lock);
        Command::new("sh")
            .args(["-c", &whole])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn said(child: Child) -> String {
        let output = child.wait_with_output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    #[test]
    fn an_address_that_was_removed_is_not_renewed_back() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        let renewal = || vip_lease::renewal("192.0.2.90/24", "eth0", "10");
        fs::write(here.join("address"), "").unwrap();
        let first = start(here, &renewal());
        while !here.join("asked").exists() {
            sleep(Duration::from_millis(5));
        }
        // It has seen the address, and has not changed it yet.
        let removing = start(here, &removal("192.0.2.90/24"));
        assert_eq!(said(first), "renewed");
        assert_eq!(said(removing), "");
        assert!(!here.join("address").exists(), "the renewal put it back");
        assert_eq!(said(start(here, &renewal())), "absent");
        assert!(!here.join("address").exists(), "the renewal added it");
    }
}
