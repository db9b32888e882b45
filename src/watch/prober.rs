//! Asks one server by TCP, as the monitor account, over and over: the way that applications come. A
//! session is kept, and opened anew when it was lost. Must never wait without a bound, and must never
//! call a server that says no dead.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{sleep, timeout};

use super::clock::Clock;
use super::pace::Pace;
use super::sign::{Sign, Told};
use crate::fleet::sql::{Sql, SqlError};
use crate::inventory::{Account, Address, HostName};
use crate::mysql::{Dialect, FactQuery, IDENTITY_QUERY, identify};

/// After how long a question without an answer is spoken of. It goes on being awaited.
const QUIET: Duration = Duration::from_millis(250);
/// How long a connection that was refused or lost is left alone at least.
const BREATH: Duration = Duration::from_millis(20);

/// What one server is asked with.
#[derive(Debug)]
pub(super) struct Prober {
    pub(super) host: HostName,
    pub(super) address: Address,
    pub(super) port: u16,
    pub(super) monitor: Account,
    /// Between two questions while all is well.
    pub(super) interval: Duration,
    /// How long an answer is waited for.
    pub(super) silence: Duration,
    pub(super) clock: Clock,
    pub(super) pace: watch::Receiver<Pace>,
    /// Rung to ask at once.
    pub(super) bell: Arc<Notify>,
    pub(super) signs: mpsc::Sender<Sign>,
}

/// A session and what it speaks.
struct Open {
    sql: Sql,
    dialect: Dialect,
    queries: Vec<FactQuery>,
}

impl Prober {
    /// Asks for as long as somebody listens.
    pub(super) async fn run(mut self) {
        let mut open = None;
        loop {
            let begun = Instant::now();
            let told = self.ask_aloud(&mut open, begun).await;
            if self.tell(begun, told).await.is_err() {
                return;
            }
            let pause = self.pace.borrow_and_update().of_server(self.interval);
            let rest = pause.saturating_sub(begun.elapsed()).max(BREATH);
            tokio::select! {
                () = sleep(rest) => {}
                () = self.bell.notified() => {}
                changed = self.pace.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Asks once, and speaks up when the answer is slow.
    async fn ask_aloud(&self, open: &mut Option<Open>, begun: Instant) -> Told {
        let mut asking = std::pin::pin!(self.ask(open));
        if let Ok(told) = timeout(QUIET, &mut asking).await {
            return told;
        }
        let text = format!("nothing came back from {} yet", self.place());
        // The next attempt to tell finds the same listener gone.
        let _ = self.tell(begun, Told::Silent(text)).await;
        asking.await
    }

    async fn tell(&self, begun: Instant, told: Told) -> Result<(), ()> {
        let sign = Sign {
            host: self.host.clone(),
            asked: self.clock.at(begun),
            at: self.clock.now(),
            told,
        };
        self.signs.send(sign).await.map_err(drop)
    }

    /// One attempt. A kept session that turns out to be lost says nothing about the server: a new
    /// connection does.
    async fn ask(&self, open: &mut Option<Open>) -> Told {
        if let Some(mut kept) = open.take() {
            match self.beat(&mut kept).await {
                Ok(told) => {
                    *open = Some(kept);
                    return told;
                }
                Err(error) if error.ends_session() => {}
                Err(error) => return self.no_answer(&error),
            }
        }
        let mut fresh = match self.connect().await {
            Ok(Ok(fresh)) => fresh,
            Ok(Err(told)) => return told,
            Err(error) => return self.no_answer(&error),
        };
        match self.beat(&mut fresh).await {
            Ok(told) => {
                *open = Some(fresh);
                told
            }
            Err(error) => self.no_answer(&error),
        }
    }

    /// Asks the questions of a beat.
    async fn beat(&self, open: &mut Open) -> Result<Told, SqlError> {
        let texts: Vec<&str> = open.queries.iter().map(|q| q.statement.text()).collect();
        let begun = Instant::now();
        let answers = open.sql.query_many(&texts, self.silence).await?;
        let took = begun.elapsed();
        let names = open.queries.iter().map(|query| query.name);
        Ok(
            match open.dialect.read_beat(&names.zip(answers).collect()) {
                Ok(facts) => Told::Beat {
                    facts: Box::new(facts),
                    took,
                },
                Err(error) => self.senseless(&error.to_string()),
            },
        )
    }

    /// Opens a session and asks what it speaks.
    async fn connect(&self) -> Result<Result<Open, Told>, SqlError> {
        let mut sql = Sql::connect_tcp(
            &self.address.to_string(),
            self.port,
            &self.monitor.user,
            Some(&self.monitor.password),
            self.silence,
        )
        .await?;
        let rows = sql.query(IDENTITY_QUERY, self.silence).await?;
        let field = |name: &str| {
            let row = rows.first()?;
            row.get(name).cloned().flatten()
        };
        let (version, comment) = (field("version"), field("version_comment"));
        let identity = identify(
            version.as_deref().unwrap_or_default(),
            comment.as_deref().unwrap_or_default(),
        );
        Ok(match identity {
            Ok((flavor, version)) => {
                let dialect = Dialect::new(flavor, version);
                Ok(Open {
                    sql,
                    dialect,
                    queries: dialect.beat_queries(),
                })
            }
            Err(error) => Err(self.senseless(&error.to_string())),
        })
    }

    fn no_answer(&self, error: &SqlError) -> Told {
        let text = format!("{}: {error}", self.place());
        match error {
            SqlError::Refused => Told::Refused(format!("refused by {}", self.place())),
            SqlError::Server { number, .. } => Told::Rejected {
                number: *number,
                text,
            },
            SqlError::Timeout { .. } | SqlError::Lost | SqlError::Io(_) => Told::Silent(text),
        }
    }

    /// An answer that cannot be read: whoever sent it is alive.
    fn senseless(&self, why: &str) -> Told {
        Told::Rejected {
            number: 0,
            text: format!("{}: {why}", self.place()),
        }
    }

    fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}
