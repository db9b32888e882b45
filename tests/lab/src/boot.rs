//! The power supply of one host: a shell script that outlives the process which started it, puts
//! the host's network up afresh, boots it, and boots it again when it rebooted itself. It runs in
//! control groups of the host's own, so that one write kills everything in the host at once.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::network::{Network, PREFIX_LEN};
use crate::{LabError, paths};

/// What belongs to one host on the outer machine, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The host's name inside.
    pub(crate) name: String,
    /// Its number in the lab, counted from 1.
    pub(crate) number: u8,
    /// The lab's network.
    pub(crate) network: Network,
    /// Its folder: disk, console log, script.
    pub(crate) dir: PathBuf,
    /// The layers under its disk, uppermost first.
    pub(crate) layers: Vec<PathBuf>,
}

impl Place {
    /// What the host wrote, over the image: its disk.
    pub(crate) fn disk(&self) -> PathBuf {
        self.dir.join("upper")
    }

    /// Everything that the host printed while it booted, all boots in one file.
    pub(crate) fn console(&self) -> PathBuf {
        self.dir.join("console.log")
    }

    /// While this file is there, the cable is unplugged, over reboots too.
    pub(crate) fn cut_mark(&self) -> PathBuf {
        self.dir.join("cut")
    }

    /// The name that systemd-nspawn knows the host by, unique on this machine.
    pub(crate) fn machine(&self) -> String {
        self.network.namespace(self.number)
    }

    /// The host's control group in the unified hierarchy.
    pub(crate) fn cgroup(&self) -> PathBuf {
        self.in_hierarchy(&paths::unified_cgroup())
    }

    /// The host's control groups in all hierarchies that matter.
    pub(crate) fn cgroups(&self) -> Vec<PathBuf> {
        std::iter::once(paths::unified_cgroup())
            .chain(paths::named_cgroup())
            .map(|root| self.in_hierarchy(&root))
            .collect()
    }

    fn in_hierarchy(&self, root: &Path) -> PathBuf {
        root.join("hactl-lab").join(self.machine())
    }

    /// Writes the script. Once per host; every boot uses it.
    pub(crate) fn write_script(&self) -> Result<(), LabError> {
        let path = self.script_path();
        fs::write(&path, self.script()).map_err(LabError::file("write", &path))
    }

    /// Starts the script, detached from this process and its terminal.
    pub(crate) fn start(&self) -> Result<(), LabError> {
        let console = self.console();
        let log = File::options()
            .create(true)
            .append(true)
            .open(&console)
            .map_err(LabError::file("open", &console))?;
        let errors = log.try_clone().map_err(LabError::file("open", &console))?;
        let mut setsid = Command::new("setsid");
        setsid
            .arg("--fork")
            .arg("sh")
            .arg(self.script_path())
            .arg("power");
        let doing = format!("power {} on", self.name);
        let started = setsid
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .status();
        started.map(drop).map_err(|source| LabError::Start {
            program: "setsid".to_owned(),
            doing,
            source,
        })
    }

    fn script_path(&self) -> PathBuf {
        self.dir.join("boot.sh")
    }

    /// Why it is as it is:
    /// - `--keep-unit` makes `payload` and `supervisor` groups below the group that nspawn was
    ///   started in. Two hosts that share it share `payload`, and systemd in one kills services of
    ///   the other. Nor may the loop itself live in that group (no processes in inner groups).
    /// - The overlay is mounted in a mount namespace of the boot: it vanishes with the last process,
    ///   and there is never anything to unmount.
    /// - A namespace and a cable per boot: a reboot forgets addresses (the VIP!), connections, packet
    ///   filters and kernel settings, as metal does.
    /// - nspawn leaves locks and folders in /run when it is killed: it gets a /run of its own for them.
    /// - nspawn ends with 133 when the host rebooted itself, and with 0 when it switched itself off.
    fn script(&self) -> String {
        let layers: Vec<String> = self
            .layers
            .iter()
            .map(|l| l.display().to_string())
            .collect();
        let groups: Vec<String> = self
            .cgroups()
            .iter()
            .map(|g| g.display().to_string())
            .collect();
        format!(
            r#"#!/bin/sh
# The power supply of {name}: run by the lab, not by hand.
set -eu
cd '{dir}'
umask 022
unset NOTIFY_SOCKET
enter() {{
    for group in {groups}; do
        mkdir -p "$group/$1"
        echo $$ > "$group/$1/cgroup.procs"
    done
}}
network() {{
    if [ -e /sys/class/net/{cable} ]; then ip link del {cable}; fi
    if [ -e /run/netns/{namespace} ]; then ip netns del {namespace}; fi
    ip netns add {namespace}
    ip link add {cable} type veth peer name eth0 address {mac} netns {namespace}
    ip link set {cable} master {bridge}
    ip -n {namespace} link set lo up
    ip -n {namespace} addr add {address}/{PREFIX_LEN} brd + dev eth0
    ip -n {namespace} link set eth0 up
    ip -n {namespace} route add default via {gateway}
    [ -e cut ] || ip link set {cable} up
}}
case $1 in
power)
    enter power
    while :; do
        echo "--- boot $(date +%FT%T)"
        network
        for group in {groups}; do
            [ ! -d "$group/machine" ] || find "$group/machine" -depth -type d -exec rmdir {{}} +
        done
        status=0
        unshare --mount --propagation private sh '{dir}/boot.sh' machine || status=$?
        echo "--- ended with $status $(date +%FT%T)"
        [ $status = 133 ] || exit $status
    done
    ;;
machine)
    enter machine
    mount -t overlay overlay -o lowerdir='{layers}',upperdir=upper,workdir=work root
    mkdir -p /run/systemd/nspawn
    mount -t tmpfs -o mode=0755 tmpfs /run/systemd/nspawn
    export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
    exec systemd-nspawn --quiet --boot --register=no --keep-unit \
        --directory='{dir}/root' --machine={machine} --hostname={name} \
        --network-namespace-path=/run/netns/{namespace} \
        --capability=CAP_NET_ADMIN,CAP_NET_RAW \
        --console=pipe --resolv-conf=off --timezone=off --link-journal=no
    ;;
esac
"#,
            name = self.name,
            dir = self.dir.display(),
            groups = groups.join(" "),
            cable = self.network.cable(self.number),
            namespace = self.network.namespace(self.number),
            mac = self.network.mac(self.number),
            bridge = self.network.bridge(),
            address = self.network.host(self.number),
            gateway = self.network.gateway(),
            layers = layers.join(":"),
            machine = self.machine(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(number: u8) -> Place {
        Place {
            name: format!("db{number}"),
            number,
            network: Network {
                net: (10, 77),
                number: 9,
            },
            dir: PathBuf::from("/var/lib/hactl-lab/t/hosts/x"),
            layers: vec![PathBuf::from("/a/upper"), PathBuf::from("/b")],
        }
    }

    #[test]
    fn the_script_has_no_word_left_open() {
        let script = place(2).script();
        assert!(script.contains("lowerdir='/a/upper:/b'"), "{script}");
        assert!(script.contains("addr add 10.77.9.12/24"), "{script}");
        assert!(
            !script.contains("{name}") && !script.contains("{{"),
            "{script}"
        );
    }

    #[test]
    fn two_hosts_share_no_control_group() {
        assert_ne!(place(1).cgroup(), place(2).cgroup());
        assert!(!place(11).cgroup().starts_with(place(1).cgroup()));
    }
}
