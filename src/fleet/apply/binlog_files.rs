//! Finds a server's binary logs on its host by its option files, since the server is dead. Changes
//! nothing there.

use crate::fleet::script::Script;
use crate::mysql::Dialect;

/// Exit status of a script that finds no such log.
pub(super) const NO_LOG: i32 = 66;

/// Sets the positional parameters to the logs, from `$first` on (from the oldest where it is empty), and
/// goes to their folder. hactl's own configuration names the log; where it lies may be the inventory's.
const FIND: &str = r#"
option() {
    my_print_defaults mysqld server mariadb mariadbd 2>/dev/null | awk -v name="$1" '
        {
            at = index($0, "="); key = substr($0, 3, at - 3); gsub(/-/, "_", key)
            if (at > 0 && key == name) value = substr($0, at + 1)
        }
        END { print value }'
}
data=$(option datadir)
cd "${data:-$default_data}" || exit 66
base=$(option log_bin)
index=$(option log_bin_index)
index=${index:-${base:-binlog}.index}
[ -r "$index" ] || { echo "$PWD/$index is not there" >&2; exit 66; }
IFS='
'
set -f
set -- $(awk -v first="$first" '
    { name = $0; sub(/.*\//, "", name) }
    first == "" || name == first { on = 1 }
    on { print }' "$index")
set +f
unset IFS
[ $# -gt 0 ] || { echo "$first is not in $PWD/$index" >&2; exit 66; }
"#;

/// A script that has found the logs; what is added finds them in `"$@"`.
pub(super) fn find(dialect: Dialect, first: &str) -> Script {
    Script::default()
        .set("default_data", dialect.data_dir())
        .set("first", first)
        .line(FIND)
}

/// Words for the shell, each quoted, with the logs behind them.
pub(super) fn with_logs(words: &[String]) -> String {
    let quoted: Vec<String> = words
        .iter()
        .map(|word| format!("'{}'", word.replace('\'', r"'\''")))
        .collect();
    format!("{} \"$@\"", quoted.join(" "))
}
