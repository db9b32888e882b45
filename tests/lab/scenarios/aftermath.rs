//! What the hosts of a scenario that failed say of themselves, printed before the lab goes: a failure that
//! comes once in a hundred runs has to explain itself the first time. Never a statement's text: it may hold
//! a password's hash.

use hactl_lab::Host;

/// The server's log, its threads as it sees them and as the kernel does, and its sockets.
const TOLD: &str = r#"
systemctl list-jobs --no-legend
systemctl show --property=Id,ActiveState,SubState,StateChangeTimestamp mariadb mysql
journalctl --no-pager --quiet --lines=25 --unit=mariadb --unit=mysql --output=short-precise
ss --listening --tcp --unix --no-header | grep -E 'mysqld|3306'
server=$(pidof mariadbd mysqld) || exit 0
grep -hE '^(Name|State)' /proc/$server/status
cat /proc/$server/task/*/comm | sort | uniq -c
client=$(command -v mariadb || command -v mysql)
timeout 5 "$client" --batch --execute="SELECT id, user, command, time, state FROM information_schema.processlist" ||
    echo 'it gives root no answer within 5 s'
"#;

/// Prints it; nothing here may panic a second time.
pub(crate) fn tell(host: &Host) {
    let told = host.exec(TOLD);
    let text = told.map_or_else(
        |error| error.to_string(),
        |output| output.stdout + &output.stderr,
    );
    eprintln!("---- {} afterwards:\n{text}", host.name());
}
