//! Text for scripts that start a server once with options of its own. They are in systemd's memory while it
//! starts and taken back whatever happens; they must never be in a file, where a later start would find them.

/// `start_with UNIT OPTIONS` (which may be empty), by the variable that the units of `MariaDB` give to the
/// server. At most once in a script.
pub(super) const START_WITH: &str = r#"
start_with() {
    if [ -n "$2" ]; then
        trap 'systemctl unset-environment MYSQLD_OPTS' EXIT
        trap 'exit 143' TERM INT HUP
        systemctl set-environment "MYSQLD_OPTS=$2" || return
    fi
    systemctl reset-failed -- "$1" 2>/dev/null
    systemctl start -- "$1"
}
"#;
