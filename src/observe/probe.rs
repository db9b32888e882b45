//! The script that asks a host everything in one round trip. It changes nothing, and it must not be
//! slow on a healthy host: package managers are asked only about packages that are missing.

use crate::facts::Needs;
use crate::fleet::script::Script;
use crate::mysql::Dialect;

/// Prints `field<TAB>value` lines; a field may repeat.
const STANDING: &str = r#"
put() { printf '%s\t%s\n' "$1" "$2"; }
put hostname "$(uname -n)"
put distribution "$(. /etc/os-release 2>/dev/null; printf %s "${ID-}")"
put release "$(. /etc/os-release 2>/dev/null; printf %s "${VERSION_CODENAME-${VERSION_ID-}}")"
put clock "$(date +%s)"
for link in /sys/class/net/*; do put interface "${link##*/}"; done
ip -o addr show 2>/dev/null | while read -r _ name family address _; do
    case $family in inet | inet6) put address "$name $address" ;; esac
done
for folder in /var/lib/mysql /var/lib /; do
    [ -d "$folder" ] || continue
    put disk_free "$(df -Pk "$folder" | awk 'NR == 2 { print $4 }')"
    break
done
if command -v "$server" >/dev/null 2>&1; then
    put server_version "$("$server" --version 2>/dev/null | head -n 1)"
fi
# The sixth line is the password that this replica uses; only its digest leaves the host.
if [ -f /var/lib/mysql/master.info ]; then
    put source_password "$(sed -n 6p /var/lib/mysql/master.info | tr -d '\n' | sha256sum | cut -d ' ' -f 1)"
fi
"#;

/// Each package, given as arguments.
const PACKAGES: &str = r#"
packages() {
    for package in "$@"; do
        state=$(dpkg-query -W -f '${db:Status-Abbrev} ${Version}' "$package" 2>/dev/null)
        case $state in
        ii*) put package "$package installed ${state##* }" ;;
        *) put package "$package candidate $(apt-cache policy "$package" 2>/dev/null | awk '$1 == "Candidate:" { print $2 }')" ;;
        esac
    done
}
"#;

const FILES: &str = r#"
files() {
    for file in "$@"; do
        if [ -f "$file" ]; then
            put file "$file|$(stat -c '%U|%G|%a' "$file")|$(base64 -w 0 <"$file")"
        elif [ -e "$file" ] || [ -L "$file" ]; then
            put file "$file|$(stat -c %F "$file")"
        else
            put file "$file"
        fi
    done
}
"#;

const UNITS: &str = r#"
units() {
    for unit in "$@"; do
        put unit "$unit|$(systemctl show -p LoadState -p ActiveState -p UnitFileState "$unit" 2>/dev/null | tr '\n' ';')"
    done
}
"#;

/// A hactl that was killed between writing a file and restarting the server leaves this. Times of
/// files have nanoseconds, those of units seconds. A file of the future (the clock was set back)
/// would be newer after any restart.
const STALE: &str = r#"
stale() {
    [ -e "$3" ] && [ "$2" -nt "$3" ] && [ "$(stat -c %Y "$2")" -le "$(date +%s)" ] || return 0
    put stale "$1"
}
"#;

/// The probe of one host.
pub(super) fn script(needs: &Needs, expected: Dialect) -> Script {
    let call = |function: &'static str, names: &std::collections::BTreeSet<String>| {
        std::iter::once(function.to_owned())
            .chain(names.iter().cloned())
            .collect::<Vec<_>>()
    };
    let mut script = Script::new("")
        .set("server", expected.server_binary())
        .line(STANDING)
        .line(PACKAGES)
        .command(call("packages", &needs.packages))
        .line(FILES)
        .command(call("files", &needs.files))
        .line(UNITS)
        .command(call("units", &needs.units))
        .line(STALE);
    for (unit, (file, made)) in &needs.configurations {
        script = script.command(["stale", unit.as_str(), file.as_str(), made.as_str()]);
    }
    script.line("true")
}
