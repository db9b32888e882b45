//! What a watcher tells: one line when something begins, one when it is over, with the time to the
//! millisecond. It must never repeat itself: a state that lasts is told once.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::{Diagnosis, Finding, Verdict};
use crate::inventory::HostName;
use crate::report::{Event, Sink};

/// Findings that were told and are not over.
type Told = BTreeMap<(&'static str, Option<HostName>), String>;

/// What was told last.
#[derive(Debug, Default)]
pub(super) struct Tidings {
    leader: Option<HostName>,
    code: Option<&'static str>,
    findings: Told,
    upkeep: Told,
    /// Whether a round of upkeep has said what it knows of each host.
    has_looked: bool,
    /// Failed over from, and not heard since: what became of it was said at the time.
    former: BTreeSet<HostName>,
    said: BTreeMap<&'static str, String>,
    /// What the round of upkeep before said it had repaired, or could not.
    repaired: Vec<String>,
}

impl Tidings {
    /// Tells what has changed in the diagnosis of the primary.
    pub(super) fn diagnosis(&mut self, leader: &HostName, diagnosis: &Diagnosis, sink: &dyn Sink) {
        if self.leader.as_ref() != Some(leader) {
            self.leader = Some(leader.clone());
            self.code = None;
        }
        match &diagnosis.verdict {
            Verdict::Trouble(findings) if !findings.is_empty() => {
                self.heard(findings);
                let news = findings.iter().filter(|finding| !self.is_old(finding));
                let news: Vec<_> = news.cloned().collect();
                changes(&mut self.findings, &news, sink);
                self.code(leader, HEALTHY, &[], sink);
            }
            Verdict::Healthy => {
                self.former.clear();
                changes(&mut self.findings, &[], sink);
                self.code(leader, HEALTHY, &[], sink);
            }
            _ => self.code(leader, diagnosis.code, &diagnosis.because, sink),
        }
    }

    /// This one was failed over from.
    pub(super) fn failed_over(&mut self, former: &HostName) {
        self.former.insert(former.clone());
    }

    /// Forgets former primaries that answer by now.
    fn heard(&mut self, findings: &[Finding]) {
        let is_away = |host: &HostName| {
            let mut findings = findings.iter();
            findings.any(|finding| is_unreachable(finding) && finding.host.as_ref() == Some(host))
        };
        self.former.retain(is_away);
    }

    /// Whether a server gives no answer for a reason that was told, or that a look at its machine is
    /// about to tell.
    fn is_old(&self, finding: &Finding) -> bool {
        let host = finding.host.as_ref();
        is_unreachable(finding)
            && (!self.has_looked
                || host.is_some_and(|host| self.former.contains(host))
                || self.upkeep.contains_key(&(Finding::FENCED, host.cloned())))
    }

    /// Says something about a subject, unless that is what was said of it last: seconds that count
    /// on make nothing new.
    pub(super) fn once(&mut self, subject: &'static str, text: &str, sink: &dyn Sink) {
        let gist: String = text.chars().filter(|c| !c.is_ascii_digit()).collect();
        if self.said.get(subject) == Some(&gist) {
            return;
        }
        say(sink, text);
        self.said.insert(subject, gist);
    }

    /// Forgets what was said about a subject: it is over.
    pub(super) fn over(&mut self, subject: &'static str) {
        self.said.remove(subject);
    }

    fn code(&mut self, leader: &HostName, code: &'static str, because: &[String], sink: &dyn Sink) {
        if self.code == Some(code) {
            return;
        }
        // What is well from the first moment needs no word.
        if code != HEALTHY {
            tell(sink, &format!("{leader} {code}"), because.to_vec());
        } else if let Some(earlier) = self.code {
            say(
                sink,
                &format!("{leader} answers and is well again after {earlier}"),
            );
        }
        self.code = Some(code);
    }

    /// Tells what a round of upkeep repaired or could not. What goes wrong again and again is told once.
    pub(super) fn repaired(&mut self, lines: Vec<String>, sink: &dyn Sink) {
        for line in &lines {
            if !self.repaired.contains(line) {
                say(sink, line);
            }
        }
        self.repaired = lines;
    }

    /// Tells what a round of upkeep found, or finds no more. A round that could not ask the primary found
    /// nothing out: what was told lasts.
    pub(super) fn upkeep(&mut self, findings: Option<&[Finding]>, sink: &dyn Sink) {
        self.has_looked = true;
        let Some(findings) = findings else {
            return;
        };
        changes(&mut self.upkeep, findings, sink);
        // That it gives no answer is not over; it is told in the better words.
        let upkeep = &self.upkeep;
        self.findings.retain(|(code, host), _| {
            *code != Finding::REPLICA_UNREACHABLE
                || !upkeep.contains_key(&(Finding::FENCED, host.clone()))
        });
    }
}

/// Tells which findings came and which went.
fn changes(told: &mut Told, findings: &[Finding], sink: &dyn Sink) {
    let mut now = BTreeMap::new();
    for finding in findings {
        let key = (finding.code, finding.host.clone());
        let place = place(finding.host.as_ref());
        if !told.contains_key(&key) {
            let details = vec![finding.message.clone(), format!("next: {}", finding.next)];
            tell(sink, &format!("{place} {}", finding.code), details);
        }
        now.insert(key, finding.message.clone());
    }
    for (code, host) in told.keys() {
        if !now.contains_key(&(*code, host.clone())) {
            say(sink, &format!("{} {code} is over", place(host.as_ref())));
        }
    }
    *told = now;
}

fn is_unreachable(finding: &Finding) -> bool {
    finding.code == Finding::REPLICA_UNREACHABLE
}

/// The code under which all is well.
const HEALTHY: &str = "Healthy";

fn place(host: Option<&HostName>) -> &str {
    host.map_or("cluster", |host| host.as_ref())
}

/// One line with the time of day.
pub(super) fn say(sink: &dyn Sink, text: &str) {
    tell(sink, text, Vec::new());
}

/// The same, and what there is to say about it.
fn tell(sink: &dyn Sink, text: &str, details: Vec<String>) {
    let now = jiff::Zoned::now().strftime("%H:%M:%S%.3f");
    sink.event(&Event::Note {
        text: format!("{now} {text}"),
        details,
    });
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::decide::Severity;
    use crate::fixture::name;

    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Sink for Heard {
        fn event(&self, event: &Event) {
            if let Event::Note { text, details } = event {
                // Without the time of day.
                let text = text.split_once(' ').unwrap().1.to_owned();
                let said = [vec![text], details.clone()].concat();
                self.0.lock().unwrap().push(said.join(" | "));
            }
        }
    }

    impl Heard {
        fn take(&self) -> Vec<String> {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    fn diagnosis(code: &'static str, verdict: Verdict) -> Diagnosis {
        Diagnosis {
            code,
            severity: Severity::Info,
            verdict,
            because: vec!["refused by db1:3306".to_owned()],
            acquaintance: crate::decide::Acquaintance::SeenAlive,
        }
    }

    fn lagging(message: &str) -> Verdict {
        Verdict::Trouble(vec![Finding::on(
            &name("db2"),
            Severity::Warning,
            "ReplicaLagging",
            message,
            "wait",
        )])
    }

    #[test]
    fn a_state_that_lasts_is_told_once() {
        let (mut tidings, heard, leader) = (Tidings::default(), Heard::default(), name("db1"));
        let healthy = diagnosis("Healthy", Verdict::Healthy);
        tidings.diagnosis(&leader, &healthy, &heard);
        assert!(heard.take().is_empty(), "well from the first moment");
        let suspected = diagnosis("SuspectedPrimary", Verdict::Suspected);
        tidings.diagnosis(&leader, &suspected, &heard);
        tidings.diagnosis(&leader, &suspected, &heard);
        assert_eq!(heard.take(), ["db1 SuspectedPrimary | refused by db1:3306"]);
        tidings.diagnosis(&leader, &healthy, &heard);
        assert_eq!(
            heard.take(),
            ["db1 answers and is well again after SuspectedPrimary"]
        );
        tidings.diagnosis(&leader, &suspected, &heard);
        heard.take();
        tidings.diagnosis(&name("db2"), &healthy, &heard);
        assert!(heard.take().is_empty(), "db2 was never suspected");
    }

    #[test]
    fn a_finding_is_told_when_it_comes_and_when_it_goes() {
        let (mut tidings, heard, leader) = (Tidings::default(), Heard::default(), name("db1"));
        tidings.diagnosis(&leader, &diagnosis("Trouble", lagging("5 s")), &heard);
        tidings.diagnosis(&leader, &diagnosis("Trouble", lagging("6 s")), &heard);
        assert_eq!(heard.take(), ["db2 ReplicaLagging | 5 s | next: wait"]);
        tidings.diagnosis(&leader, &diagnosis("Healthy", Verdict::Healthy), &heard);
        assert_eq!(heard.take(), ["db2 ReplicaLagging is over"]);
    }

    fn found(code: &'static str) -> Vec<Finding> {
        vec![Finding::on(
            &name("db1"),
            Severity::Warning,
            code,
            "it is so",
            "rejoin",
        )]
    }

    #[test]
    fn a_fenced_server_is_told_of_once() {
        let (mut tidings, heard, leader) = (Tidings::default(), Heard::default(), name("db2"));
        let away = || {
            let findings = found(Finding::REPLICA_UNREACHABLE);
            diagnosis("Trouble", Verdict::Trouble(findings))
        };
        // A watcher that begins: its first look is on its way.
        tidings.diagnosis(&leader, &away(), &heard);
        assert!(heard.take().is_empty());
        tidings.upkeep(Some(&found(Finding::FENCED)), &heard);
        assert_eq!(heard.take(), ["db1 Fenced | it is so | next: rejoin"]);
        tidings.diagnosis(&leader, &away(), &heard);
        assert!(heard.take().is_empty());
        // One that is merely away is told of, and of one that turns out to be fenced nothing is over.
        tidings.upkeep(Some(&[]), &heard);
        tidings.diagnosis(&leader, &away(), &heard);
        assert_eq!(
            heard.take(),
            [
                "db1 Fenced is over",
                "db1 ReplicaUnreachable | it is so | next: rejoin"
            ]
        );
        tidings.upkeep(Some(&found(Finding::FENCED)), &heard);
        tidings.diagnosis(&leader, &away(), &heard);
        assert_eq!(heard.take(), ["db1 Fenced | it is so | next: rejoin"]);
    }

    #[test]
    fn nothing_is_over_because_the_primary_could_not_be_asked() {
        let (mut tidings, heard) = (Tidings::default(), Heard::default());
        tidings.upkeep(Some(&found("DeadReplica")), &heard);
        heard.take();
        tidings.upkeep(None, &heard);
        tidings.upkeep(Some(&found("DeadReplica")), &heard);
        assert!(heard.take().is_empty());
        tidings.upkeep(Some(&[]), &heard);
        assert_eq!(heard.take(), ["db1 DeadReplica is over"]);
    }

    #[test]
    fn what_is_fenced_again_after_a_rejoin_that_failed_is_said_once() {
        let (mut tidings, heard) = (Tidings::default(), Heard::default());
        tidings.upkeep(Some(&found(Finding::FENCED)), &heard);
        heard.take();
        let mut round = |told: &[Finding], repaired: &[&str]| {
            tidings.upkeep(Some(told), &heard);
            let lines = repaired.iter().map(|line| (*line).to_owned()).collect();
            tidings.repaired(lines, &heard);
            heard.take()
        };
        let fenced = "db1 fenced again";
        let failed = "db1 not fenced";
        assert_eq!(round(&[], &[failed]), ["db1 Fenced is over", failed]);
        assert!(round(&[], &[failed]).is_empty());
        assert_eq!(round(&[], &[fenced]), [fenced]);
        let told = found(Finding::FENCED);
        assert_eq!(round(&told, &[]), ["db1 Fenced | it is so | next: rejoin"]);
        assert!(round(&told, &[]).is_empty());
        // The next rejoin that fails is news.
        assert_eq!(round(&[], &[fenced]), ["db1 Fenced is over", fenced]);
    }

    #[test]
    fn a_former_primary_is_told_of_again_only_when_it_was_heard_since() {
        let (mut tidings, heard, leader) = (Tidings::default(), Heard::default(), name("db2"));
        let trouble = |code| diagnosis("Trouble", Verdict::Trouble(found(code)));
        tidings.upkeep(Some(&[]), &heard);
        tidings.failed_over(&name("db1"));
        tidings.diagnosis(&leader, &trouble(Finding::REPLICA_UNREACHABLE), &heard);
        assert!(heard.take().is_empty());
        tidings.diagnosis(&leader, &trouble("ReplicaLagging"), &heard);
        heard.take();
        tidings.diagnosis(&leader, &trouble(Finding::REPLICA_UNREACHABLE), &heard);
        assert!(
            heard
                .take()
                .contains(&"db1 ReplicaUnreachable | it is so | next: rejoin".to_owned())
        );
    }

    #[test]
    fn the_same_word_on_one_subject_is_said_once() {
        let (mut tidings, heard) = (Tidings::default(), Heard::default());
        for text in ["27 s ago", "30 s ago", "not fenced"] {
            tidings.once("refused", text, &heard);
        }
        assert_eq!(heard.take(), ["27 s ago", "not fenced"]);
        tidings.over("refused");
        tidings.once("refused", "not fenced", &heard);
        assert_eq!(heard.take(), ["not fenced"]);
    }
}
