//! Which servers can cut off, at their start, the tail of the binary log that no replica acknowledged.

use super::{Dialect, Version};

impl Dialect {
    /// Whether a crashed semi-sync primary, started once as a replica (`--init-rpl-role=SLAVE`), cuts
    /// off what nobody acknowledged instead of committing it.
    ///
    /// `MariaDB` only (MDEV-21117), and reliably since MDEV-33465: 10.6.19, 10.11.9, 11.1.6, 11.2.5,
    /// 11.4.3. 10.5 accepts the option and keeps the tail (tried on 10.5.23). `MySQL` has no such
    /// option and does not start with it (tried on 9.7): its tail is committed, and is errant.
    pub fn can_rewind(self) -> bool {
        let Version { major, minor, .. } = self.version;
        self.is_mariadb()
            && match (major, minor) {
                (10, 6) => self.at_least(10, 6, 19),
                (10, 11) => self.at_least(10, 11, 9),
                (11, 1) => self.at_least(11, 1, 6),
                (11, 2) => self.at_least(11, 2, 5),
                // Every other series has either ended before the repair or begun after it.
                _ => self.at_least(11, 4, 3),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mysql::Flavor;

    #[test]
    fn only_repaired_releases_cut_the_tail_off() {
        let can = |flavor, (major, minor, patch)| {
            Dialect::new(flavor, Version::new(major, minor, patch)).can_rewind()
        };
        let mariadb = |version| can(Flavor::MariaDb, version);
        for good in [
            (10, 6, 19),
            (10, 6, 21),
            (10, 11, 9),
            (10, 11, 18),
            (11, 1, 6),
            (11, 2, 5),
            (11, 4, 3),
            (11, 8, 6),
            (12, 0, 1),
        ] {
            assert!(mariadb(good), "{good:?}");
        }
        for bad in [
            (10, 5, 23),
            (10, 6, 18),
            (10, 10, 7),
            (10, 11, 8),
            (11, 0, 6),
            (11, 1, 5),
            (11, 2, 4),
            (11, 3, 2),
            (11, 4, 2),
        ] {
            assert!(!mariadb(bad), "{bad:?}");
        }
        for never in [(8, 0, 36), (8, 4, 3), (9, 7, 4), (12, 0, 0)] {
            assert!(!can(Flavor::MySql, never), "{never:?}");
        }
    }
}
