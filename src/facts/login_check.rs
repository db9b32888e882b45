//! The answer to "can the replication account log in from this host to that server?".

use serde::Serialize;

use crate::inventory::HostName;

/// One login, tried from a host by the server's own client program.
///
/// Two running replication threads do not answer this: a thread that logged in an hour ago runs on
/// after its password was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoginCheck {
    /// The server that was logged in to.
    pub to: HostName,
    /// `None` when the login worked; else the client's own words.
    pub refused: Option<String>,
}
