//! What only a whole check of a cluster asks of a machine: disks, the options that its server would start
//! with, and who answers for the writer VIP. What was not asked, or got no clear answer, is not in here.

use serde::Serialize;

/// The answers of one machine to [`crate::facts::Inspection`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Inspected {
    /// The options of all the server's files, in the order in which they count: names with `_`, the last of
    /// a name wins. `None` when the program that reads them is not there. They may hold a person's
    /// secrets, so they are never shown as a whole.
    #[serde(skip)]
    pub options: Option<Vec<(String, String)>>,
    /// The filesystems under the folders that were asked about.
    pub disks: Vec<Disk>,
    /// The hardware addresses of its interfaces, in lower case.
    pub hardware: Vec<String>,
    /// The hardware addresses of the other machines that said that the VIP is theirs. `None` when nobody
    /// could be asked.
    pub vip_answers: Option<Vec<String>>,
}

/// The filesystem under a folder, as an unprivileged server may use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Disk {
    /// The folder.
    pub folder: String,
    /// Which filesystem it is; two folders of one share it.
    pub id: String,
    /// All its bytes.
    pub size: u64,
    /// Those that the server may still fill.
    pub free: u64,
    /// All its inodes; 0 where the filesystem does not count them.
    pub inodes: u64,
    /// Those that are free.
    pub inodes_free: u64,
}

/// By how much a machine's clock is ahead of this one's: somewhere between the two, in milliseconds. It was
/// read after the question was sent and before the answer was here, so nothing is assumed of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ClockOffset {
    /// At least this; below zero it is behind.
    pub least_ms: i64,
    /// At most this.
    pub most_ms: i64,
}
