//! The renewal of the writer VIP's lease, and the lock on the host that keeps it apart from a removal.
//!
//! `ip address change` adds an address that is not there, for IPv4 and IPv6 alike (tried on Linux 6.18
//! with iproute2 6.1; `inet_rtm_newaddr` in net/ipv4/devinet.c says that programs rely on it). So the
//! address is asked for first, and nobody may take it away between the question and the change. A
//! renewal that cannot have the lock must never go on without it.

use super::script::Script;

/// Beside the locks of the clusters. It lies in memory, and is the host's own: the address is, too.
const FILE: &str = "/run/hactl/vip.lock";

/// Two functions for scripts. `flock` (util-linux) is what the clusters' locks need, too. A lock goes
/// with the last copy of its descriptor: whatever is to outlive the script is started after
/// `vip_unlock`.
const LOCK: &str = r#"
vip_lock() {
    [ -d "${vip_lock%/*}" ] || mkdir -p "${vip_lock%/*}" || return
    { : >>"$vip_lock"; } 2>/dev/null || return
    exec 8>>"$vip_lock"
    flock -w "$1" 8
}
vip_unlock() { exec 8>&-; }
"#;

const RENEW: &str = r#"
vip_lock 1 || { echo busy; exit; }
[ -n "$(ip -o address show dev "$interface" to "$address")" ] || { echo absent; exit; }
ip address change "$address" dev "$interface" valid_lft "$time" preferred_lft "$time" && echo renewed
"#;

/// A script that may call `vip_lock SECONDS`, which fails when it does not get the lock in that time, and
/// `vip_unlock`.
pub(in crate::fleet) fn locking() -> Script {
    Script::default().set("vip_lock", FILE).line(LOCK)
}

/// Gives an address that is there this time to live, in seconds or `forever`. Prints `renewed`, `absent`
/// when it is not there, or `busy` when somebody else changes it.
pub(crate) fn renewal(address: &str, interface: &str, time: &str) -> Script {
    locking()
        .set("address", address)
        .set("interface", interface)
        .set("time", time)
        .line(RENEW)
}
