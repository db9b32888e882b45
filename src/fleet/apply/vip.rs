//! Adds and removes the writer VIP, and announces it.

use super::{SCRIPT, run};
use crate::fleet::script::Script;
use crate::fleet::{ActionError, Connection};
use crate::plan::Outcome;

/// A neighbour that answers for the address before it is added here is another holder: then it is not
/// added. The announcement runs in the background: the address works without it, and each packet of
/// arping waits a second.
const ADD: &str = r#"
set -e
plain=${address%/*}
if ip -o addr show dev "$interface" | grep -qF " $plain/"; then echo already; exit 0; fi
case $plain in
*:*) ;;
*)
    if command -v arping >/dev/null 2>&1 && ! arping -q -D -c 1 -w 1 -I "$interface" "$plain"; then
        echo "another machine answers for $plain" >&2
        exit 9
    fi
    ;;
esac
ip addr add "$address" dev "$interface"
case $plain in
*:*) ;;
*)
    if command -v arping >/dev/null 2>&1; then
        (arping -q -U -c 3 -I "$interface" "$plain"; arping -q -A -c 2 -I "$interface" "$plain") >/dev/null 2>&1 &
    fi
    ;;
esac
"#;

const REMOVE: &str = r#"
plain=${address%/*}
ip -o addr show dev "$interface" | grep -qF " $plain/" || { echo already; exit 0; }
ip addr del "$address" dev "$interface"
"#;

/// Adds the address and announces it.
pub(super) async fn add(
    connection: &Connection,
    address: &str,
    interface: &str,
) -> Result<Outcome, ActionError> {
    match change(connection, "adding the writer VIP", ADD, address, interface).await {
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

/// Removes the address.
pub(super) async fn remove(
    connection: &Connection,
    address: &str,
    interface: &str,
) -> Result<Outcome, ActionError> {
    change(
        connection,
        "removing the writer VIP",
        REMOVE,
        address,
        interface,
    )
    .await
}

async fn change(
    connection: &Connection,
    what: &'static str,
    body: &str,
    address: &str,
    interface: &str,
) -> Result<Outcome, ActionError> {
    let script = Script::new("")
        .set("address", address)
        .set("interface", interface)
        .line(body);
    let answer = run(connection, what, script, SCRIPT).await?;
    Ok(if answer.trim() == "already" {
        Outcome::Already
    } else {
        Outcome::Changed
    })
}
