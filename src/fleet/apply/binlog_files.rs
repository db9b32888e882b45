//! Finds a server's binary logs on its host by its option files, since the server is dead. Changes
//! nothing there.

use crate::fleet::script::Script;
use crate::mysql::Dialect;

/// Exit status of a script that finds no such log.
pub(super) const NO_LOG: i32 = 66;
/// Exit status where no binary log was ever written.
pub(super) const NEVER_LOGGED: i32 = 67;

/// Sets the positional parameters to the logs, from `$first` on (from the oldest where it is empty), and
/// goes to their folder. hactl's own configuration names the log; where it lies may be the inventory's.
/// Clients wait: the shell reads for itself, and starts one program.
const FIND: &str = r#"
data= base= index=
while IFS= read -r option; do
    value=${option#*=}
    case $option in
    --datadir=*) data=$value ;;
    --log[-_]bin=*) base=$value ;;
    --log[-_]bin[-_]index=*) index=$value ;;
    esac
done <<END
$(my_print_defaults mysqld server mariadb mariadbd 2>/dev/null)
END
cd "${data:-$default_data}" || exit 66
index=${index:-${base:-binlog}.index}
[ -r "$index" ] || {
    echo "$PWD/$index is not there" >&2
    for log in "${index%.index}".[0-9]*; do [ ! -e "$log" ] || exit 66; done
    exit 67
}
set --
while IFS= read -r log || [ -n "$log" ]; do
    if [ "${log##*/}" = "$first" ]; then first=; fi
    if [ -z "$first" ] && [ -n "$log" ]; then set -- "$@" "$log"; fi
done <"$index"
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
