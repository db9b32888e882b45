//! Errant transactions: what a replica has executed and its primary has not, and that is not merely
//! newer. Servers are never asked at the same instant, so what the primary itself wrote meanwhile must
//! not be taken for errant; a GTID names its writer, and that decides.

use super::{GtidSet, ServerFacts};

/// The server whose transactions a part of a `MySQL` set names.
fn writer(part: &str) -> &str {
    part.trim().split(':').next().unwrap_or_default()
}

/// What a server wrote itself while it was a replica, and what it holds beside that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnWrites {
    /// The transactions, as text.
    pub transactions: String,
    /// Everything else that it has executed.
    pub rest: GtidSet,
}

impl ServerFacts {
    /// The errant transactions of this replica beside its primary as a set. On `MariaDB`, whose sets hold
    /// one GTID a domain, the furthest of each. `None` as of [`Self::errant_beside`].
    pub fn errant_set_beside(&self, primary: &Self) -> Option<GtidSet> {
        let flavor = self.dialect.flavor;
        let text = self.errant_beside(primary)?;
        if let Ok(set) = GtidSet::parse(flavor, &text) {
            return Some(set);
        }
        text.split(',')
            .filter_map(|gtid| GtidSet::parse(flavor, gtid).ok())
            // Two of one number are two servers' own: either names the domain's end.
            .reduce(|all, gtid| all.union(&gtid).unwrap_or(all))
    }

    /// What this replica wrote itself, or somebody wrote on it under an invented name, and `sibling`, a
    /// replica of the same source, lacks. A source that is not there to compare with cannot have
    /// written it: a GTID names its writer.
    pub fn own_writes_beside(&self, sibling: &Self) -> Option<OwnWrites> {
        let flavor = self.dialect.flavor;
        let (transactions, rest) = match (&self.executed, &sibling.executed) {
            (GtidSet::MySql(here), GtidSet::MySql(there)) => {
                let own = self
                    .server_uuid
                    .as_deref()
                    .filter(|uuid| !uuid.is_empty())?;
                let beyond = here.subtract(there).to_string();
                let mine = |part: &&str| {
                    writer(part).eq_ignore_ascii_case(own) || self.is_injected(part, sibling)
                };
                let parts: Vec<_> = beyond.split(',').filter(mine).map(str::trim).collect();
                let transactions = parts.join(",");
                let written = GtidSet::parse(flavor, &transactions).ok()?;
                let rest = self.executed.subtract(&written).ok()?;
                (transactions, rest)
            }
            (GtidSet::MariaDb(_), GtidSet::MariaDb(_)) => {
                let (here, there) = (self.binlog_state.as_ref()?, sibling.binlog_state.as_ref()?);
                let seeded = sibling.slave_pos.as_ref();
                let mine: Vec<_> = here
                    .beyond(there)
                    .into_iter()
                    .filter(|gtid| gtid.server_id == self.server_id)
                    .filter(|gtid| {
                        let alone = GtidSet::parse(flavor, &gtid.to_string());
                        !matches!((alone, seeded), (Ok(alone), Some(seeded)) if seeded.contains(&alone))
                    })
                    .collect();
                let text: Vec<_> = mine.iter().map(ToString::to_string).collect();
                let others = here.gtids().filter(|gtid| !mine.contains(gtid));
                let rest = others
                    .filter_map(|gtid| GtidSet::parse(flavor, &gtid.to_string()).ok())
                    .try_fold(GtidSet::empty(flavor), |all, one| all.union(&one))
                    .ok()?;
                (text.join(","), rest)
            }
            _ => return None,
        };
        (!transactions.is_empty()).then_some(OwnWrites { transactions, rest })
    }

    /// Whether these transactions of one writer came about by `SET gtid_next`, under the name of a server
    /// that never was: the source has neither written nor sent them, and the sibling has never heard
    /// of their writer, as it has of every former primary. Known of `MySQL` only.
    fn is_injected(&self, transactions: &str, sibling: &Self) -> bool {
        let Some(status) = &self.replica else {
            return false;
        };
        let (Some(source), Some(received)) = (status.source_uuid.as_deref(), &status.retrieved)
        else {
            return false;
        };
        let heard_of = sibling.executed.to_string();
        let name = writer(transactions);
        let mut known = heard_of.split(',').map(writer).chain([source]);
        let is_sent = GtidSet::parse(self.dialect.flavor, transactions.trim())
            .map_or(true, |set| received.contains(&set));
        !source.is_empty() && !is_sent && !known.any(|uuid| uuid.eq_ignore_ascii_case(name))
    }

    /// The errant transactions of this replica beside its primary, as text; `None` when there are none, or
    /// when the two cannot be compared.
    pub fn errant_beside(&self, primary: &Self) -> Option<String> {
        let own = match (&self.executed, &primary.executed) {
            (GtidSet::MySql(here), GtidSet::MySql(there)) => {
                let writer = primary.server_uuid.as_deref().unwrap_or_default();
                let beyond = here.subtract(there).to_string();
                let foreign = |part: &&str| {
                    let uuid = self::writer(part);
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
