//! The part of the probe that only a whole check of a cluster asks: its text, and how its answers are
//! read. It runs beside the rest and changes nothing; the question about the VIP claims no address.

use super::Fields;
use super::answers::first;
use crate::facts::{Disk, Inspected, Inspection};
use crate::fleet::script::Script;

/// Asks the others on the wire whose the address is, as a machine does before it takes an address
/// (RFC 5227): the sender names no address of its own, so nobody learns anything from it. A holder never
/// answers itself, and whoever answers it is one too many; it does not wait long for that. One that holds
/// nothing has its answer at once where all is well.
const VIP: &str = r#"
ask_vip() {
    command -v arping >/dev/null || return 0
    patience=2.5
    if [ -n "$(ip -o addr show to "$1/32" 2>/dev/null)" ]; then patience=0.25; fi
    timeout -s INT "$patience" arping -D -f -c 2 -w 2 -I "$2" "$1" 2>/dev/null | {
        while read -r line; do put arping "$line"; done
    }
}
"#;

/// From the kernel itself: in a container the files of /sys may be those of the machine around it.
const HARDWARE: &str = r#"
ip -o link show 2>/dev/null | while read -r link; do
    case $link in
    *link/ether\ *)
        link=${link#*link/ether }
        put hardware "${link%% *}"
        ;;
    esac
done
"#;

/// What the server would start with, from all of its files. One flavor's program knows which of their
/// groups are the server's; the other's has to be told, and one of them has the release in its name.
const OPTIONS: &str = r#"
release() { "$program" --version 2>/dev/null | sed -n 's/.*Ver \([0-9]*\.[0-9]*\).*/\1/p'; }
if options=$(my_print_defaults --mysqld 2>/dev/null) ||
    options=$(my_print_defaults mysqld server "mysqld-$(release)" 2>/dev/null); then
    put options read
    printf '%s\n' "$options" | while IFS= read -r option; do
        [ -z "$option" ] || put option "$option"
    done
fi
"#;

/// Bytes that root alone may fill are none to a server.
const DISKS: &str = r#"
disks() {
    for folder in "$@"; do
        [ ! -d "$folder" ] || stat -f --printf 'disk\t%i|%S|%b|%f|%a|%c|%d|%n\n' "$folder" 2>/dev/null
    done
}
"#;

/// What comes before the rest of the probe: a question to others, whose answer takes its time.
pub(super) fn begin(script: Script, inspection: Option<&Inspection>) -> Script {
    let Some(inspection) = inspection else {
        return script;
    };
    match &inspection.vip {
        Some((address, interface)) => script
            .set("vip", &address.to_string())
            .set("vip_interface", interface)
            .line(VIP)
            .line("ask_vip \"$vip\" \"$vip_interface\" &"),
        None => script,
    }
}

/// What comes after it.
pub(super) fn end(script: Script, inspection: Option<&Inspection>) -> Script {
    let Some(inspection) = inspection else {
        return script;
    };
    let disks = std::iter::once("disks").chain(inspection.folders.iter().map(String::as_str));
    script
        .line("put inspected yes")
        .line(HARDWARE)
        .line(OPTIONS)
        .line(DISKS)
        .command(disks)
        .line("wait")
}

/// Reads the answers; `None` where nothing of it was asked.
pub(super) fn read(fields: &Fields) -> Option<Inspected> {
    first(fields, "inspected")?;
    let all = |name: &str| fields.get(name).into_iter().flatten();
    let options = all("option").map(|line| option(line)).collect();
    Some(Inspected {
        options: first(fields, "options").map(|_| options),
        disks: all("disk").filter_map(|line| disk(line)).collect(),
        hardware: all("hardware")
            .map(|mac| mac.to_ascii_lowercase())
            .collect(),
        vip_answers: vip_answers(all("arping")),
    })
}

/// `--sync-binlog=1`; names are written with `-` or `_`.
fn option(line: &str) -> (String, String) {
    let line = line.strip_prefix("--").unwrap_or(line);
    let (name, value) = line.split_once('=').unwrap_or((line, ""));
    let name = name.to_ascii_lowercase().replace('-', "_");
    let name = name.strip_prefix("loose_").unwrap_or(&name);
    (name.to_owned(), value.to_owned())
}

/// `id|size of a block|blocks|free|free for all|inodes|free inodes|folder`.
fn disk(line: &str) -> Option<Disk> {
    let mut parts = line.splitn(8, '|');
    let id = parts.next()?.to_owned();
    let mut number = || parts.next()?.parse::<u64>().ok();
    let (block, blocks, free, usable) = (number()?, number()?, number()?, number()?);
    let (inodes, inodes_free) = (number()?, number()?);
    // What is kept for root counts as used, as it does for df(1).
    let size = blocks.checked_sub(free)?.checked_add(usable)?;
    Some(Disk {
        folder: parts.next()?.to_owned(),
        id,
        size: size.checked_mul(block)?,
        free: usable.checked_mul(block)?,
        inodes,
        inodes_free,
    })
}

/// What arping of iputils printed. Another program of that name prints other words, and one that sent
/// nothing asked nobody.
fn vip_answers<'a>(lines: impl Iterator<Item = &'a String>) -> Option<Vec<String>> {
    let mut asked = false;
    let mut sent = false;
    let mut answers = Vec::new();
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["ARPING", _, "from", "0.0.0.0", _] => asked = true,
            ["Sent", number, "probes", ..] => sent = *number != "0",
            [_, "reply", "from", _, mac, ..] => {
                let mac = mac.trim_matches(['[', ']']).to_ascii_lowercase();
                if !answers.contains(&mac) {
                    answers.push(mac);
                }
            }
            _ => {}
        }
    }
    (asked && sent).then_some(answers)
}

#[cfg(test)]
mod tests {
    use super::super::answers::fields;
    use super::*;

    #[test]
    fn answers_become_facts() {
        let text = "inspected\tyes\nhardware\t02:AA:00:00:00:01\noptions\tread\n\
            option\t--sync-binlog=1\noption\t--loose-x_y=a=b\noption\t--skip-name-resolve\n\
            disk\t7|4096|100|40|30|1000|10|/var/lib/my|sql\n\
            arping\tARPING 192.0.2.90 from 0.0.0.0 eth0\n\
            arping\tUnicast reply from 192.0.2.90 [02:AA:00:00:00:02]  0.712ms\n\
            arping\tSent 1 probes (1 broadcast(s))\narping\tReceived 1 response(s)\n";
        let inspected = read(&fields(text)).unwrap();
        let option = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            inspected.options.unwrap(),
            [
                option("sync_binlog", "1"),
                option("x_y", "a=b"),
                option("skip_name_resolve", "")
            ]
        );
        let disk = &inspected.disks[0];
        assert_eq!(disk.folder, "/var/lib/my|sql");
        assert_eq!((disk.size, disk.free), (90 * 4096, 30 * 4096));
        assert_eq!(inspected.hardware, ["02:aa:00:00:00:01"]);
        assert_eq!(inspected.vip_answers.unwrap(), ["02:aa:00:00:00:02"]);
        assert_eq!(read(&fields("options\tread\n")), None);
    }

    /// Silence is an answer only of a question that was put.
    #[test]
    fn a_question_that_was_not_put_has_no_answer() {
        let said =
            |text: &str| vip_answers(text.lines().map(str::to_owned).collect::<Vec<_>>().iter());
        let head = "ARPING 192.0.2.90 from 0.0.0.0 eth0\n";
        assert_eq!(
            said(&format!("{head}Sent 2 probes (2 broadcast(s))")),
            Some(vec![])
        );
        assert_eq!(said(&format!("{head}Sent 0 probes (0 broadcast(s))")), None);
        assert_eq!(said(head), None);
        assert_eq!(said("ARPING 192.0.2.90\nTimeout\n"), None);
        assert_eq!(said(""), None);
    }
}
