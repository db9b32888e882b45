//! Text for scripts that stop or restart a unit: it is let come to rest first. A MariaDB that is told to
//! stop while it starts never ends: its main thread waits in `init_slave()` for a thread that the stop has
//! ended already, whoever connects waits too, and Debian's unit forbids systemd to kill it (seen with gdb,
//! 10.11.18, after a hactl that was killed and the next one had each restarted it). It must never wait for a
//! unit that only counts down to its next attempt: that one may be stopped at any time.

/// `at_rest UNIT` returns when systemd has no job for the unit and it is not between two states. Whoever
/// runs the script bounds it.
pub(super) const AT_REST: &str = r#"
at_rest() {
    while :; do
        case $(systemctl show -p Job -p SubState -- "$1" 2>/dev/null) in
        *Job=[1-9]* | *SubState=start* | *SubState=reload* | *SubState=stop* | *SubState=final*) sleep 0.1 ;;
        *) return 0 ;;
        esac
    done
}
"#;
