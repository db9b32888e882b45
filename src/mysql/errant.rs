//! Errant transactions: what a replica has executed and its primary has not, and that is not merely
//! newer. Servers are never asked at the same instant, so what the primary itself wrote meanwhile must
//! not be taken for errant; a GTID names its writer, and that decides.

use super::{GtidSet, ServerFacts};

impl ServerFacts {
    /// The errant transactions of this replica beside its primary, as text; `None` when there are none, or
    /// when the two cannot be compared.
    pub fn errant_beside(&self, primary: &Self) -> Option<String> {
        let own = match (&self.executed, &primary.executed) {
            (GtidSet::MySql(here), GtidSet::MySql(there)) => {
                let writer = primary.server_uuid.as_deref().unwrap_or_default();
                let beyond = here.subtract(there).to_string();
                let foreign = |part: &&str| {
                    let uuid = part.trim().split(':').next().unwrap_or_default();
                    !uuid.is_empty() && !uuid.eq_ignore_ascii_case(writer)
                };
                beyond
                    .split(',')
                    .filter(foreign)
                    .map(str::trim)
                    .collect::<Vec<_>>()
                    .join(",")
            }
            (GtidSet::MariaDb(_), GtidSet::MariaDb(_)) => {
                let (here, there) = (self.binlog_state.as_ref()?, primary.binlog_state.as_ref()?);
                // What the primary received before it led, and what it was seeded with, is in its
                // slave position only.
                let before = primary.slave_pos.as_ref();
                here.beyond(there)
                    .into_iter()
                    .filter(|gtid| gtid.server_id != primary.server_id)
                    .map(|gtid| gtid.to_string())
                    .filter(|gtid| {
                        let alone = GtidSet::parse(self.dialect.flavor, gtid);
                        !matches!((alone, before), (Ok(alone), Some(before)) if before.contains(&alone))
                    })
                    .collect::<Vec<_>>()
                    .join(",")
            }
            _ => return None,
        };
        (!own.is_empty()).then_some(own)
    }
}
