//! `hactl rejoin`: a failed or diverged former primary comes back as a replica. It never gives up data
//! that was not given up by `--reseed`, and shows what it gave up.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::time::Instant;

use super::args::{Global, OutputFormat, RejoinArgs};
use super::procedure::{Assent, Led, Performed, Scene, free, lead, lock, reached};
use super::screen::{say, show};
use super::{CliError, Exit, files, session, tree};
use crate::decide::{Consent, Refusal, Rejoin};
use crate::execute::ClusterLock;
use crate::facts::Observation;
use crate::fleet::{Fleet as _, LiveFleet};
use crate::inventory::{Cluster, HostName};
use crate::mysql::Tail;
use crate::plan::{Action, CheckContext, Outcome, StagePlan, check};

/// So many lines of what was saved are shown; the file has them all.
const SHOWN: usize = 20;

/// Runs the command.
pub(super) async fn run(global: &Global, args: &RejoinArgs) -> Result<Exit, CliError> {
    let cluster = session::inventory(global).await?;
    session::known(&cluster, &args.host)?;
    let fleet = session::connect(global, &cluster).await;
    let lock = lock(&fleet, "rejoin", Assent::from(&args.carry)).await?;
    let result = under_lock(global, args, &cluster, &fleet, lock.as_ref()).await;
    free(lock).await;
    result
}

async fn under_lock(
    global: &Global,
    args: &RejoinArgs,
    cluster: &Cluster,
    fleet: &LiveFleet,
    lock: Option<&ClusterLock>,
) -> Result<Exit, CliError> {
    let seen = fleet.observe(&BTreeMap::new()).await;
    reached(&seen)?;
    let mut consent = Consent::default();
    if args.reseed {
        consent.reseed.insert(args.host.clone());
    }
    let folder = files::errant().display().to_string();
    let build = |seen: &_| Rejoin::new(cluster, seen, &args.host, &consent, &folder);
    let first = build(&seen).map_err(CliError::Refused)?;
    let leader = first.leader().clone();
    let tail = if first.cuts_off(&seen) {
        look_at_tail(fleet, &args.host, &leader).await?
    } else {
        Tail::default()
    };
    let build = |seen: &_| build(seen).map(|rejoin| rejoin.with_tail(&tail));
    let scene = Scene {
        global,
        cluster,
        fleet,
        lock,
        assent: Assent::from(&args.carry),
        question: &format!("Make {} a replica of {leader}?", args.host),
        zero: Instant::now(),
    };
    // The one server that leads stays it: the rules are those of any other repair.
    let rules = |_: &Rejoin<'_>| {
        |stage: &StagePlan, seen: &Observation| {
            let context = CheckContext {
                primary: &leader,
                consent: &consent.reseed,
                seen,
            };
            check(stage, &context)
        }
    };
    match lead(&scene, seen, build, rules).await? {
        Led::Nothing => Ok(Exit::Ok),
        Led::Performed(performed) => {
            recap(global, cluster, &leader, &performed);
            performed.conclude()
        }
    }
}

/// What the stopped server's log holds and the leader lacks. What cannot be read is not cut off.
async fn look_at_tail(
    fleet: &LiveFleet,
    host: &HostName,
    leader: &HostName,
) -> Result<Tail, CliError> {
    fleet.tail(host, leader).await.map_err(|error| {
        let hint = error.hint();
        let way_out = hint.unwrap_or_else(|| "remove the cause, then run again".to_owned());
        CliError::Refused(vec![Refusal::on(host, error.to_string(), way_out)])
    })
}

fn recap(global: &Global, cluster: &Cluster, leader: &HostName, performed: &Performed) {
    for span in performed.spans.iter().filter(|span| span.is_good()) {
        match &span.step.action {
            Action::SaveErrant { path, .. } => {
                say(&saved("what only it had is kept in", Path::new(path)));
            }
            // Where there is no tail there is no file.
            Action::SaveTail { path, .. } if span.outcome == Some(Outcome::Changed) => {
                say(&saved(
                    "what was cut off is kept as SQL in",
                    Path::new(path),
                ));
                say(&format!(
                    "hold it against the rows of {leader} before you run any of it"
                ));
            }
            _ => {}
        }
    }
    performed.print_document(global);
    if global.output == OutputFormat::Human {
        show(tree::render(cluster, &performed.seen).trim_end());
    }
}

/// Where the transactions are that only one host had, and how they begin. An account's are not for a
/// terminal, not even as a hash.
fn saved(what: &str, path: &Path) -> String {
    let mut text = format!("\n{what} {}", path.display());
    let Ok(file) = std::fs::File::open(path) else {
        return text;
    };
    let mut inside = Inside::Statements;
    let mut lines = BufReader::new(file)
        .split(b'\n')
        .map_while(Result::ok)
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .filter(|line| inside.tells(line));
    for line in lines.by_ref().take(SHOWN) {
        let shown = if has_password(&line) {
            "(a statement with a password: see the file)"
        } else {
            &line
        };
        let _ = write!(text, "\n  {shown}");
    }
    if lines.next().is_some() {
        text.push_str("\n  …");
    }
    text
}

/// Whether a statement may say how somebody logs in, in either server's words.
fn has_password(line: &str) -> bool {
    let line = line.to_ascii_uppercase();
    line.contains("PASSWORD")
        || line.contains("IDENTIFIED")
        || line.contains("AUTHENTICATION_STRING")
}

/// Which part of a binary log's text a line is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    /// Statements and comments.
    Statements,
    /// Rows, encoded; the comments after them say the same in words.
    Encoded,
}

impl Inside {
    /// Whether a line tells a person what was changed.
    fn tells(&mut self, line: &str) -> bool {
        const FRAME: [&str; 8] = [
            "/*",
            "SET ",
            "DELIMITER",
            "ROLLBACK",
            "COMMIT",
            "BEGIN",
            "START ",
            "--",
        ];
        if line.starts_with("BINLOG '") {
            *self = Self::Encoded;
        } else if *self == Self::Encoded {
            if line.starts_with('\'') {
                *self = Self::Statements;
            }
        } else {
            let comment = line.starts_with('#') && !line.starts_with("###");
            let frame = FRAME.iter().any(|word| line.starts_with(word));
            return !line.is_empty() && !comment && !frame;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
-- Executed on db1 and not on db2: 0-1-15
/*!50530 SET @@SESSION.PSEUDO_SLAVE_MODE=1*/;
DELIMITER /*!*/;
# at 1422
SET TIMESTAMP=1795246420/*!*/;
create table mine.t(a int)
/*!*/;
START TRANSACTION
/*!*/;
#Q> insert into mine.t values(1)

BINLOG '
VEkBaxMNB00KLAAAAPoGAAAAAD4AAAAAAAEABG1pbmUAAXQAAQMAAdTOIK0=
'/*!*/;
### INSERT INTO `mine`.`t`
### SET
###   @1=1
COMMIT/*!*/;
";

    #[test]
    fn what_was_saved_is_shown_in_words_and_named_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db1.sql");
        std::fs::write(&path, LOG).unwrap();
        let saved = |path: &Path| saved("what only it had is kept in", path);
        let head = format!("\nwhat only it had is kept in {}", path.display());
        let rows =
            "\n  create table mine.t(a int)\n  ### INSERT INTO `mine`.`t`\n  ### SET\n  ###   @1=1";
        assert_eq!(saved(&path), format!("{head}{rows}"));
        std::fs::write(&path, "insert\n".repeat(SHOWN + 1)).unwrap();
        let text = saved(&path);
        assert_eq!(text.matches("insert").count(), SHOWN);
        assert!(text.ends_with("\n  …"));
        std::fs::write(&path, "create user a identified by password '*ABC'\n").unwrap();
        let hidden = format!("{head}\n  (a statement with a password: see the file)");
        assert_eq!(saved(&path), hidden);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(saved(&path), head);
    }
}
