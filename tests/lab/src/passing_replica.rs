//! A semi-sync replica that attaches and leaves at once, as one does whose connection was given up by its
//! own side before the server came to it. It must never be asked to read from behind what another replica
//! has: attaching acknowledges everything before the position.
//!
//! It speaks the protocol itself, for the few packets that it takes: an account without a password, one
//! `SET`, one `COM_BINLOG_DUMP` (<https://mariadb.com/docs/server/reference/clientserver-protocol>).

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use crate::{Host, LabError};

/// A server that ends the last visit for ever does not let the next one in.
const PATIENCE: Duration = Duration::from_secs(3);

/// The account, for the primary. It has no password, and may read the binary log of a lab's server.
const ACCOUNT: &str = "CREATE USER IF NOT EXISTS passing@'%' IDENTIFIED BY '';
GRANT REPLICATION SLAVE ON *.* TO passing@'%';";

/// Protocol 4.1, and the answer to the challenge with its length.
const CAPABILITIES: u32 = 1 << 9 | 1 << 15;
const LARGEST_PACKET: u32 = 1 << 24;
const UTF8: u8 = 33;
const COM_QUERY: u8 = 3;
const COM_BINLOG_DUMP: u8 = 18;
/// `BINLOG_DUMP_NON_BLOCK`: at the end of the log the server ends it, and waits for nothing.
const TO_THE_END: u16 = 1;
const OK: u8 = 0;
const EOF: u8 = 0xfe;
const ERROR: u8 = 0xff;

/// Visits of one primary in a replica's name.
#[derive(Debug)]
pub struct PassingReplica {
    primary: Ipv4Addr,
    server_id: u32,
    file: String,
    position: u32,
}

impl PassingReplica {
    /// Will attach under a replica's server id, at the present end of the primary's binary log.
    ///
    /// # Errors
    /// When the primary does not take the account, or says nothing of its log.
    pub fn prepare(primary: &Host, server_id: u32) -> Result<Self, LabError> {
        primary.sql(ACCOUNT)?;
        let status = primary.sql("SHOW MASTER STATUS")?;
        let mut columns = status.split_whitespace();
        let file = columns.next().unwrap_or_default().to_owned();
        let position = columns.next().and_then(|text| text.parse().ok());
        Ok(Self {
            primary: primary.address(),
            server_id,
            file,
            position: position.unwrap_or(u32::MAX),
        })
    }

    /// Attaches, reads to the end of the log, leaves.
    ///
    /// # Errors
    /// When the server refuses, or, by the kind of the error, has not let it in and out again in time.
    pub fn visit(&self) -> io::Result<()> {
        let mut line = TcpStream::connect((self.primary, 3306))?;
        line.set_read_timeout(Some(PATIENCE))?;
        receive(&mut line)?;
        let login = [
            &CAPABILITIES.to_le_bytes()[..],
            &LARGEST_PACKET.to_le_bytes(),
            &[UTF8],
            &[0; 23],
            b"passing\0",
            &[0],
        ];
        send(&mut line, 1, &login.concat())?;
        assent(&receive(&mut line)?)?;
        let semi_sync = [&[COM_QUERY][..], b"SET @rpl_semi_sync_slave = 1"];
        send(&mut line, 0, &semi_sync.concat())?;
        assent(&receive(&mut line)?)?;
        let dump = [
            &[COM_BINLOG_DUMP][..],
            &self.position.to_le_bytes(),
            &TO_THE_END.to_le_bytes(),
            &self.server_id.to_le_bytes(),
            self.file.as_bytes(),
        ];
        send(&mut line, 0, &dump.concat())?;
        loop {
            match receive(&mut line)? {
                event if event.first() == Some(&OK) => {}
                end if end.first() == Some(&EOF) => return Ok(()),
                no => return assent(&no),
            }
        }
    }
}

fn send(line: &mut TcpStream, number: u8, payload: &[u8]) -> io::Result<()> {
    let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
    let mut packet = length.to_le_bytes();
    packet[3] = number;
    line.write_all(&[&packet[..], payload].concat())
}

fn receive(line: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = [0; 4];
    line.read_exact(&mut head)?;
    head[3] = 0;
    let mut payload = vec![0; u32::from_le_bytes(head) as usize];
    line.read_exact(&mut payload)?;
    Ok(payload)
}

fn assent(answer: &[u8]) -> io::Result<()> {
    match answer.first() {
        Some(&OK) => Ok(()),
        Some(&ERROR) => Err(io::Error::other(
            String::from_utf8_lossy(answer.get(3..).unwrap_or_default()).into_owned(),
        )),
        _ => Err(io::Error::other(format!(
            "an answer of another kind: {answer:?}"
        ))),
    }
}
