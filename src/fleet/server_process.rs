//! How a host's own shell finds the processes of its database server: text for scripts, without one
//! fork. It must never name a process that only sits in the data folder, such as a person's shell.

use crate::fleet::script::Script;
use crate::mysql::Dialect;

/// Prints the process ids, one a line. A process without memory of its own (`VmSize` in
/// `/proc/PID/status`, proc(5)) is a zombie or on its way out after a SIGKILL: no instruction of it
/// runs any more, however long the kernel takes to give a large buffer pool back. A program that was
/// upgraded under its running process is known by its name, one that was started by another name by
/// its file.
const FIND: &str = r#"
server_processes() {
    for process in /proc/[0-9]*; do
        [ "$process/cwd" -ef "$data_folder" ] || continue
        { read -r name <"$process/comm"; } 2>/dev/null || continue
        [ "$name" = "$server" ] || [ "$process/exe" -ef "$program" ] || continue
        while read -r key _; do
            [ "$key" = VmSize: ] || continue
            echo "${process#/proc/}"
            break
        done 2>/dev/null <"$process/status"
    done
}
"#;

/// A script that may call `server_processes`; `$server` is the program's name, `$program` its file.
pub(crate) fn script(dialect: Dialect) -> Script {
    Script::default()
        .set("server", dialect.server_binary())
        .set("data_folder", dialect.data_dir())
        .line("program=$(command -v \"$server\")")
        .line(FIND)
}
