//! What is in an image, as text: the packages, and the scripts that are run in it once. The cache
//! key is a hash of exactly this text, so a changed recipe makes a new image. No effects.

use crate::suite::{Flavor, Suite};

/// Beyond Debian's minimal base: what any server has (systemd, sshd, sudo), and what hactl's tasks
/// use on a host.
const PACKAGES: [&str; 14] = [
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "sudo",
    "iproute2",
    "iputils-arping",
    "iputils-ping",
    "procps",
    "ca-certificates",
    "util-linux",
    "nftables",
    "netcat-openbsd",
    "less",
];

/// Units that would slow a boot down, or would change a host behind a test's back.
const MASKED: [&str; 13] = [
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "console-getty.service",
    "getty@tty1.service",
    "systemd-resolved.service",
    "systemd-networkd.service",
    "systemd-networkd-wait-online.service",
    "systemd-timesyncd.service",
    "systemd-pstore.service",
];

/// How a base image of one suite is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recipe {
    /// The suite.
    pub(crate) suite: Suite,
    /// The package mirror.
    pub(crate) mirror: String,
}

impl Recipe {
    /// The packages, comma separated, as `mmdebstrap --include` takes them.
    pub(crate) fn packages() -> String {
        PACKAGES.join(",")
    }

    /// Run once inside the new tree, by a POSIX shell as root, with the network of the outer
    /// machine.
    pub(crate) fn customize(&self) -> String {
        let package = self.suite.flavor().server_package();
        let masked = MASKED.join(" ");
        format!(
            r#"set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
# Suites whose Release file is past its date stay usable; .deb files stay where a second run of
# apt finds them; the disk of a lab host is not worth an fsync per file.
cat > /etc/apt/apt.conf.d/99hactl-lab <<'END'
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
APT::Keep-Downloaded-Packages "true";
END
echo force-unsafe-io > /etc/dpkg/dpkg.cfg.d/hactl-lab
systemctl mask {masked}
mkdir -p /etc/ssh/sshd_config.d
cat > /etc/ssh/sshd_config.d/hactl-lab.conf <<'END'
UseDNS no
PrintMotd no
PermitRootLogin prohibit-password
END
# Keys are made per host, and known to the lab before the first connection.
rm -f /etc/ssh/ssh_host_*
useradd --uid 1000 --create-home --shell /bin/bash ops
echo 'ops ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/ops
chmod 0440 /etc/sudoers.d/ops
# mmdebstrap turns recommended packages off for itself; a host's own apt installs them.
apt-get install --yes --download-only --install-recommends {package}
rm -f /var/cache/apt/*.bin /var/log/apt/* /var/log/dpkg.log
"#
        )
    }

    /// Run inside an overlay on the base: the same host with its database server installed.
    pub(crate) fn install(&self) -> String {
        let flavor = self.suite.flavor();
        let package = flavor.server_package();
        // The identity of a server is made at its first start when the file is absent.
        let forget = match flavor {
            Flavor::MariaDb => "",
            Flavor::MySql => "rm -f /var/lib/mysql/auto.cnf",
        };
        format!(
            r"set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
# Debian's hook that forbids maintainer scripts to start services.
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
apt-get install --yes {package}
rm -f /usr/sbin/policy-rc.d /var/log/apt/* /var/log/dpkg.log
{forget}
"
        )
    }

    /// Cache key of the base image.
    pub(crate) fn base_key(&self) -> String {
        let text = format!(
            "{}\n{}\n{}",
            self.mirror,
            Self::packages(),
            self.customize()
        );
        format!("{}-{:08x}", self.suite, fingerprint(&text))
    }

    /// Cache key of the layer with the server installed. It depends on the base's.
    pub(crate) fn server_key(&self) -> String {
        let text = format!("{}\n{}", self.base_key(), self.install());
        format!("{}-server-{:08x}", self.suite, fingerprint(&text))
    }
}

/// FNV-1a, folded to 32 bits: the same on every machine and in every version, which the standard
/// hasher does not promise. A collision would need two recipes of one person to meet.
fn fingerprint(text: &str) -> u32 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let bytes = hash.to_be_bytes();
    u32::from_be_bytes([
        bytes[0] ^ bytes[4],
        bytes[1] ^ bytes[5],
        bytes[2] ^ bytes[6],
        bytes[3] ^ bytes[7],
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(suite: Suite) -> Recipe {
        Recipe {
            suite,
            mirror: "http://deb.debian.org/debian".to_owned(),
        }
    }

    #[test]
    fn the_key_follows_the_recipe() {
        let one = recipe(Suite::Bookworm);
        let other = Recipe {
            mirror: "http://elsewhere/debian".to_owned(),
            ..one.clone()
        };
        assert_eq!(one.base_key(), one.clone().base_key());
        assert_ne!(one.base_key(), other.base_key());
        assert_ne!(one.server_key(), other.server_key());
        assert!(one.base_key().starts_with("bookworm-"));
    }

    #[test]
    fn each_suite_brings_its_own_server() {
        assert!(
            recipe(Suite::Sid)
                .customize()
                .contains("--install-recommends mysql-server")
        );
        assert!(
            recipe(Suite::Trixie)
                .install()
                .contains("install --yes mariadb-server")
        );
        assert!(recipe(Suite::Sid).install().contains("auto.cnf"));
    }

    #[test]
    fn the_fingerprint_never_changes() {
        // FNV-1a 64 of "a" is af63dc4c8601ec8c.
        assert_eq!(fingerprint("a"), 0xaf63_dc4c ^ 0x8601_ec8c);
    }
}
