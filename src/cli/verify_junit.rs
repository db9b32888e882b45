//! What verify found, as test cases: one for each check on each host, and one for the cluster as a whole.
//! Every run has the same names, whatever it found.

use std::fmt::Write as _;

use super::findings::count;
use crate::decide::verify::{CHECKS, Verdict};
use crate::decide::{Finding, Severity};
use crate::facts::Observation;
use crate::inventory::{Cluster, HostName};
use crate::report::{Case, CaseResult, junit};

/// What the case is called that fails when nobody leads, or two do.
const ONE_PRIMARY: &str = "one primary";

/// The whole document.
pub(super) fn render(cluster: &Cluster, seen: &Observation, verdict: &Verdict) -> String {
    let class = |host: Option<&HostName>| {
        let place = host.map_or("cluster", |host| host.as_ref());
        format!("{}.{place}", cluster.name)
    };
    let leaderless: &[Finding] = match verdict {
        Verdict::Leaderless(finding) => std::slice::from_ref(finding),
        Verdict::Checked(_) => &[],
    };
    let mut cases = vec![Case {
        class: class(None),
        name: ONE_PRIMARY.to_owned(),
        result: judged(&leaderless.iter().collect::<Vec<_>>()),
    }];
    for (index, check) in CHECKS.iter().enumerate() {
        let found: Option<&[Finding]> = match verdict {
            Verdict::Checked(checks) => checks.get(index).map(|(_, found)| found.as_slice()),
            Verdict::Leaderless(_) => None,
        };
        for host in cluster.hosts.keys().map(Some).chain([None]) {
            let here = |finding: &&Finding| finding.host.as_ref() == host;
            let found = found.map(|found| found.iter().filter(here).collect::<Vec<_>>());
            cases.push(Case {
                class: class(host),
                name: check.about.to_owned(),
                result: result(seen, host, found.as_deref()),
            });
        }
    }
    junit(&format!("hactl verify {}", cluster.name), &cases)
}

fn result(seen: &Observation, host: Option<&HostName>, found: Option<&[&Finding]>) -> CaseResult {
    let skipped = |message: String| CaseResult::Skipped { message };
    match found {
        None => skipped("not checked: nobody leads the cluster".to_owned()),
        Some([]) => match host.filter(|host| seen.reached(host).is_none()) {
            Some(host) => skipped(format!("not checked: {host} could not be reached")),
            None => judged(&[]),
        },
        Some(found) => judged(found),
    }
}

fn judged(found: &[&Finding]) -> CaseResult {
    let mut text = String::new();
    for finding in found {
        let Finding {
            code,
            severity,
            message,
            next,
            ..
        } = finding;
        let _ = writeln!(text, "{severity}: {message} [{code}]\nnext: {next}");
    }
    let bad: Vec<_> = found
        .iter()
        .filter(|finding| finding.severity > Severity::Info)
        .collect();
    let Some(first) = bad.first() else {
        return CaseResult::Passed { notes: text };
    };
    let mut codes: Vec<_> = bad.iter().map(|finding| finding.code).collect();
    codes.dedup();
    CaseResult::Failed {
        kind: codes.join(" "),
        message: match bad.len() {
            1 => first.message.clone(),
            many => format!("{} ({} in all)", first.message, count(many, "finding")),
        },
        text,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::decide::verify::{Drift, verify};
    use crate::facts::UnreachableKind;
    use crate::fixture::{self, Mutate as _};
    use crate::mysql::Flavor;

    fn names(text: &str) -> BTreeSet<String> {
        let cases = text.lines().filter(|line| line.contains("<testcase"));
        let name = |line: &str| line.split('"').take(4).collect::<Vec<_>>().join("\"");
        cases.map(name).collect()
    }

    #[test]
    fn every_run_has_the_same_cases() {
        let cluster = fixture::cluster(Flavor::MariaDb, 3);
        let run =
            |seen: &Observation| render(&cluster, seen, &verify(&cluster, seen, &Drift::new()));
        let well = run(&fixture::healthy(&cluster));
        assert!(
            well.contains("failures=\"0\" errors=\"0\" skipped=\"0\""),
            "{well}"
        );
        assert_eq!(names(&well).len(), 1 + 4 * CHECKS.len());

        let mut seen = fixture::healthy(&cluster);
        seen.server_mut("db2").server_id = 7;
        let away = fixture::unreachable(UnreachableKind::Network);
        seen.hosts.insert(fixture::name("db3"), away);
        let ill = run(&seen);
        assert_eq!(names(&ill), names(&well));
        assert!(ill.contains(
            "classname=\"shop.db2\" name=\"server ids\"><failure type=\"ServerIdDiffers\""
        ));
        assert!(
            ill.contains("classname=\"shop.db3\" name=\"lag\"><skipped"),
            "{ill}"
        );

        let mut seen = fixture::healthy(&cluster);
        seen.server_mut("db1").replica = seen.server_mut("db2").replica.clone();
        seen.replica_mut("db1").source_host = "192.0.2.2".to_owned();
        let headless = run(&seen);
        assert_eq!(names(&headless), names(&well));
        assert!(headless.contains("failures=\"1\""), "{headless}");
    }
}
