//! The XML of `JUnit`, as CI systems read it: one test case per check and host. Names are stable from run to run, so
//! that a system that keeps a history sees when a check began to fail. There is no standard; the elements
//! and attributes are those that GitLab, Jenkins and GitHub's readers agree on.

use std::fmt::Write as _;

/// How a test case went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseResult {
    /// All is well; the text, if any, is worth knowing.
    Passed {
        /// Notes, one a line.
        notes: String,
    },
    /// Something was found.
    Failed {
        /// Codes, for systems that group by them.
        kind: String,
        /// One line.
        message: String,
        /// Everything.
        text: String,
    },
    /// It could not be looked at.
    Skipped {
        /// Why not.
        message: String,
    },
}

/// A test case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The group that it is in: `shop.db1`.
    pub class: String,
    /// Its name there.
    pub name: String,
    /// How it went.
    pub result: CaseResult,
}

/// The document of one suite.
pub fn junit(suite: &str, cases: &[Case]) -> String {
    let count = |is: fn(&CaseResult) -> bool| cases.iter().filter(|case| is(&case.result)).count();
    let failures = count(|result| matches!(result, CaseResult::Failed { .. }));
    let skipped = count(|result| matches!(result, CaseResult::Skipped { .. }));
    let counts = format!(
        "tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\"",
        cases.len()
    );
    let suite = escaped(suite);
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"{suite}\" {counts}>\n  <testsuite name=\"{suite}\" {counts}>\n"
    );
    for case in cases {
        let (class, name) = (escaped(&case.class), escaped(&case.name));
        let _ = write!(text, "    <testcase classname=\"{class}\" name=\"{name}\"");
        let _ = match &case.result {
            CaseResult::Passed { notes } if notes.is_empty() => writeln!(text, "/>"),
            CaseResult::Passed { notes } => writeln!(
                text,
                "><system-out>{}</system-out></testcase>",
                escaped(notes)
            ),
            CaseResult::Failed {
                kind,
                message,
                text: all,
            } => writeln!(
                text,
                "><failure type=\"{}\" message=\"{}\">{}</failure></testcase>",
                escaped(kind),
                escaped(message),
                escaped(all)
            ),
            CaseResult::Skipped { message } => writeln!(
                text,
                "><skipped message=\"{}\"/></testcase>",
                escaped(message)
            ),
        };
    }
    text.push_str("  </testsuite>\n</testsuites>");
    text
}

/// Text for an element or an attribute. Characters that XML 1.0 cannot carry at all become U+FFFD.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => {
                escaped.push(character);
            }
            _ => escaped.push('\u{fffd}'),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(name: &str, result: CaseResult) -> Case {
        Case {
            class: "shop.db1".to_owned(),
            name: name.to_owned(),
            result,
        }
    }

    #[test]
    fn each_result_has_its_element() {
        let cases = [
            case(
                "lag",
                CaseResult::Passed {
                    notes: String::new(),
                },
            ),
            case(
                "clocks",
                CaseResult::Passed {
                    notes: "a note".to_owned(),
                },
            ),
            case(
                "accounts",
                CaseResult::Failed {
                    kind: "AccountDiffers".to_owned(),
                    message: "has no \"repl\" & <more>".to_owned(),
                    text: "two\nlines \u{1b}[1m".to_owned(),
                },
            ),
            case(
                "disks",
                CaseResult::Skipped {
                    message: "away".to_owned(),
                },
            ),
        ];
        insta::assert_snapshot!(junit("hactl verify shop", &cases), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="hactl verify shop" tests="4" failures="1" errors="0" skipped="1">
          <testsuite name="hactl verify shop" tests="4" failures="1" errors="0" skipped="1">
            <testcase classname="shop.db1" name="lag"/>
            <testcase classname="shop.db1" name="clocks"><system-out>a note</system-out></testcase>
            <testcase classname="shop.db1" name="accounts"><failure type="AccountDiffers" message="has no &quot;repl&quot; &amp; &lt;more&gt;">two
        lines �[1m</failure></testcase>
            <testcase classname="shop.db1" name="disks"><skipped message="away"/></testcase>
          </testsuite>
        </testsuites>
        "#);
    }
}
