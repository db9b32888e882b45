//! Dumps the primary once and loads the dump into all replicas at the same time, through this
//! machine: database hosts need no ssh to each other.
//!
//! The import never enters a replica's own binary log. A database named as a marker stands on the
//! replica from before the first row until replication runs, so that a seed that broke in the middle
//! is known to be one and is never replicated from or taken for somebody's data.
//!
//! Where replicas attach by file and position, the place in the primary's log is left on the replica
//! itself, as its source, not started and held over a restart: whoever carries the marker acknowledges
//! nothing, for it is never elected.

use std::time::{Duration, Instant};

use super::{LOCKS, STATEMENT, execute, facts, hold, last_lines, session};
use crate::fleet::script::Script;
use crate::fleet::ssh::RemoteWriter;
use crate::fleet::stream::{CopyError, FanOut, Sink};
use crate::fleet::{ActionError, Connection, LiveFleet, Progress, Session};
use crate::inventory::{HostName, ReplicationMode};
use crate::mysql::{
    BinlogName, Dialect, EventFacts, EventState, GtidSet, HEAD_LENGTH, Seeding, ServerFacts,
    SourceOptions, Statement, Switch, TAIL_LENGTH, quote_ident,
};
use crate::plan::{Copying, Outcome};

/// The longest that a dump and its import may take.
const BOUND: Duration = Duration::from_hours(48);
/// How long the last statements of an import may take once all of the stream was sent.
const FINISH: Duration = Duration::from_hours(2);
/// MariaDB's client repeats a statement that failed on standard error, a megabyte in a dump. When the
/// hactl that reads it is killed, the dump breaks off within a statement, nobody reads on, and the
/// client would stand for ever in that write with its tables locked. So its words go to a file, and
/// only their end to us.
const IMPORT: &str = r#"
import() {
    words=$(mktemp) || return
    "$@" >/dev/null 2>"$words" && status=0 || status=$?
    tail -c 4000 "$words" >&2
    rm -f "$words"
    return "$status"
}
"#;
/// How often is said how far it is.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// How long the server may think about how much it holds: it may have to open every table for that.
const GUESS: Duration = Duration::from_secs(5);
/// How long dropping a database may wait for its locks. The import of a hactl that was killed ends by
/// itself, and takes back its unfinished transaction before it lets go of its tables.
const LEFTOVER: Duration = Duration::from_mins(5);

/// What a dump stands for.
struct Position {
    /// Everything that is in it.
    executed: GtidSet,
    /// The same in the primary's own log; only where replicas attach by it.
    place: Option<(BinlogName, u64)>,
}

/// Fills replicas with the primary's data.
pub(super) async fn seed(
    fleet: &LiveFleet,
    primary: &Connection,
    into: &[HostName],
    emptied: &[HostName],
    progress: &dyn Progress,
) -> Result<Outcome, ActionError> {
    for replica in into {
        let drop_data = emptied.contains(replica);
        prepare(
            fleet,
            fleet.connection(replica)?.as_ref(),
            Content::of(drop_data),
        )
        .await?;
    }
    let position = copy(fleet, primary, into, progress).await?;
    let source = fleet.cluster().as_source(fleet.host(&primary.host)?);
    for replica in into {
        let connected = fleet.connection(replica)?;
        let replica = connected.as_ref();
        complete(fleet, replica, &position.executed).await?;
        if let Some(place) = &position.place {
            point_at_place(fleet, replica, &source, place).await?;
        }
        // The accounts are the primary's now.
        replica.forget_session().await;
    }
    Ok(Outcome::Changed)
}

/// What happens to what is on a replica.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    /// It has none.
    Keep,
    /// Its databases are dropped; it was named for that.
    Drop,
}

impl Content {
    fn of(dropped: bool) -> Self {
        if dropped { Self::Drop } else { Self::Keep }
    }
}

/// Marks the replica as half seeded, makes it stop following whomever it follows, and empties it if
/// that was allowed.
async fn prepare(
    fleet: &LiveFleet,
    replica: &Connection,
    content: Content,
) -> Result<(), ActionError> {
    let host = &replica.host;
    let (mut session, dialect) = session(fleet, replica).await?;
    execute(
        &mut session,
        host,
        &dialect.session_bounds(LOCKS),
        STATEMENT,
    )
    .await?;
    let seen = facts(fleet, &mut session).await?;
    if content == Content::Keep {
        still_empty(host, &seen)?;
    }
    for statement in [
        Some(dialect.without_binlog()),
        dialect.set_privileged_writes(Switch::On),
        Some(dialect.create_seeding_marker()),
    ]
    .into_iter()
    .flatten()
    {
        execute(&mut session, host, &statement, STATEMENT).await?;
    }
    if seen.is_replica() {
        execute(&mut session, host, &dialect.stop_replica(), STATEMENT).await?;
        execute(&mut session, host, &dialect.reset_replica_all(), STATEMENT).await?;
    }
    if content == Content::Drop {
        let patient = dialect.session_bounds(LEFTOVER);
        execute(&mut session, host, &patient, STATEMENT).await?;
        for name in &seen.databases {
            let drop = Statement::new(format!("DROP DATABASE {}", quote_ident(name)));
            execute(&mut session, host, &drop, BOUND).await?;
        }
    }
    Ok(())
}

/// Somebody may have begun to use it since it was looked at.
fn still_empty(host: &HostName, seen: &ServerFacts) -> Result<(), ActionError> {
    if seen.databases.is_empty() || seen.seeding == Seeding::Unfinished {
        return Ok(());
    }
    Err(ActionError::Unfit {
        host: host.clone(),
        reason: format!(
            "it was empty, and holds databases by now: {}",
            seen.databases.join(", ")
        ),
        hint: format!("save what you need from it; `hactl bootstrap --reseed {host}` drops them"),
    })
}

/// Streams the dump and returns the position that it was taken at.
async fn copy(
    fleet: &LiveFleet,
    primary: &Connection,
    into: &[HostName],
    progress: &dyn Progress,
) -> Result<Position, ActionError> {
    let (mut source, dialect) = session(fleet, primary).await?;
    let expected = expected_bytes(&mut source, &primary.host, dialect).await;
    drop(source);
    let dump = Script::new("").command(dialect.dump_command());
    let mut sinks = Vec::new();
    for replica in into {
        let connection = fleet.connection(replica)?;
        let connection = connection.as_ref();
        let (replica_session, theirs) = session(fleet, connection).await?;
        drop(replica_session);
        let mut words = vec!["import".to_owned()];
        words.extend(theirs.import_command());
        let import = Script::new("").line(IMPORT).command(words);
        let writer = connection.link.spawn_writer(&import, BOUND).await?;
        sinks.push(Sink {
            label: replica.to_string(),
            writer,
        });
    }
    let mut reader = primary.link.spawn_reader(&dump, BOUND).await?;
    let begun = Instant::now();
    let mut told: Option<Instant> = None;
    let copied = FanOut {
        head: HEAD_LENGTH,
        tail: TAIL_LENGTH,
        ..FanOut::default()
    }
    .copy(&mut reader, sinks, |bytes| {
        if told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            told = Some(Instant::now());
            let copying = Copying {
                bytes,
                expected_bytes: expected,
                elapsed: begun.elapsed(),
            };
            for replica in into {
                progress.copying(replica, copying);
            }
        }
    })
    .await;
    // A dump that nobody reads any more would never end.
    let dumped = match &copied.source {
        Ok(()) => Some(reader.finish(FINISH).await),
        Err(_) => None,
    };
    let mut imports = Ok(());
    for (delivery, replica) in copied.sinks.into_iter().zip(into) {
        let import = import_ended(replica, delivery.result, delivery.writer).await;
        imports = imports.and(import);
    }
    let broken = |words: &str| broken_dump(&primary.host, words);
    // The first cause is told: half a dump fails to load, too, and a dump that nobody takes any more
    // breaks for that.
    match copied.source {
        Err(CopyError::NobodyListens) | Ok(()) => {}
        Err(error) => return Err(broken(&error.to_string())),
    }
    match dumped.transpose() {
        Ok(Some(end)) if end.status != 0 => {
            let words = format!("status {}: {}", end.status, last_lines(&end.stderr));
            return Err(broken(&words));
        }
        Err(error) => return Err(broken(&error.to_string())),
        Ok(_) => imports?,
    }
    let (head, tail) = (
        String::from_utf8_lossy(&copied.head),
        String::from_utf8_lossy(&copied.tail),
    );
    if !dialect.dump_is_complete(&tail) {
        return Err(broken("it does not end with the line of a complete dump"));
    }
    let executed = dialect
        .read_dump_position(&head, &tail)
        .map_err(|error| broken(&error.to_string()))?
        .ok_or_else(|| broken("it names no GTID position"))?;
    let place = match fleet.cluster().replication_mode {
        ReplicationMode::Gtid => None,
        ReplicationMode::Position => Some(
            dialect
                .read_dump_place(&head)
                .ok_or_else(|| broken("it names no file and position of the primary's log"))?,
        ),
    };
    Ok(Position { executed, place })
}

async fn import_ended(
    replica: &HostName,
    delivered: Result<u64, CopyError>,
    writer: Option<RemoteWriter>,
) -> Result<(), ActionError> {
    // The import's own words say more than "broken pipe".
    let mut words = match writer {
        Some(writer) => {
            let end = writer.finish(FINISH).await;
            let end = end.map_err(|error| broken_import(replica, &error.to_string()))?;
            (end.status != 0).then(|| format!("status {}: {}", end.status, last_lines(&end.stderr)))
        }
        None => Some("its task died".to_owned()),
    };
    if let (None, Err(error)) = (&words, &delivered) {
        words = Some(error.to_string());
    }
    match words {
        None => Ok(()),
        Some(words) => Err(broken_import(replica, &words)),
    }
}

fn broken_import(host: &HostName, words: &str) -> ActionError {
    ActionError::Unfit {
        host: host.clone(),
        reason: format!("loading the dump failed: {words}"),
        hint: "it is marked as half seeded and replicates nothing; run again to load it anew"
            .to_owned(),
    }
}

/// For a person's patience only: a server that does not say is dumped all the same.
async fn expected_bytes(
    source: &mut Session<'_>,
    host: &HostName,
    dialect: Dialect,
) -> Option<u64> {
    let ask = dialect.data_length_query();
    let rows = execute(source, host, &ask, GUESS).await.ok()?;
    rows.first()?.get("bytes")?.as_deref()?.parse().ok()
}

/// Gives the replica the dump's position as its own history.
async fn complete(
    fleet: &LiveFleet,
    replica: &Connection,
    position: &GtidSet,
) -> Result<(), ActionError> {
    let host = &replica.host;
    let (mut session, dialect) = session(fleet, replica).await?;
    let mut statements = vec![dialect.without_binlog(), dialect.reload_privileges()];
    // A dump brings events as they are on the primary: running. Here they would write rows of the
    // replica's own, beside those that replication brings (seen on all versions).
    let running = |event: &&EventFacts| event.state == EventState::Enabled;
    for event in facts(fleet, &mut session)
        .await?
        .events
        .iter()
        .filter(running)
    {
        let off = EventState::DisabledOnReplica;
        statements.push(dialect.set_event(&event.schema, &event.name, off));
    }
    statements.push(dialect.reset_binary_logs());
    statements.push(dialect.set_seeded_position(position));
    statements.extend(dialect.set_privileged_writes(Switch::Off));
    for statement in &statements {
        execute(&mut session, host, statement, STATEMENT).await?;
    }
    Ok(())
}

/// Lets the replica begin after the dump's place in the primary's log. It is not started; nor does it start
/// by itself when its server does, before the marker is gone.
async fn point_at_place(
    fleet: &LiveFleet,
    replica: &Connection,
    source: &SourceOptions,
    (log, offset): &(BinlogName, u64),
) -> Result<(), ActionError> {
    let (mut session, dialect) = session(fleet, replica).await?;
    hold::hold(replica, &mut session, dialect, &fleet.cluster().name).await?;
    let change = dialect.change_source_at(source, (log, *offset));
    execute(&mut session, &replica.host, &change, STATEMENT)
        .await
        .map(drop)
}

fn broken_dump(host: &HostName, words: &str) -> ActionError {
    ActionError::Unfit {
        host: host.clone(),
        reason: format!("the dump broke: {words}"),
        hint: "the replicas are marked as half seeded and replicate nothing; run again to load them anew"
            .to_owned(),
    }
}
