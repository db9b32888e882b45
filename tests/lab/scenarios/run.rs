//! One run of hactl: how it ended and what it said. Nothing here knows of hosts.

use std::fmt;

/// What a run left.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// The arguments, for messages.
    pub(crate) arguments: String,
    /// The exit code; -1 when a signal ended it.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// It must have ended with this code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code {code} was expected\n{self}");
        self
    }

    /// It must say this, on either stream.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        let found = self.stdout.contains(text) || self.stderr.contains(text);
        assert!(found, "it does not say `{text}`\n{self}");
        self
    }

    /// The codes of the findings of `verify --output json`, as `host:Code`.
    #[track_caller]
    pub(crate) fn findings(&self) -> Vec<String> {
        let report: serde_json::Value =
            serde_json::from_str(&self.stdout).unwrap_or_else(|why| panic!("{why}\n{self}"));
        let list = report["findings"]
            .as_array()
            .unwrap_or_else(|| panic!("no findings\n{self}"));
        list.iter()
            .map(|finding| {
                let host = finding["host"].as_str().unwrap_or("cluster");
                format!("{host}:{}", finding["code"].as_str().unwrap_or("?"))
            })
            .collect()
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            arguments,
            code,
            stdout,
            stderr,
        } = self;
        write!(f, "$ hactl {arguments}\n{stdout}{stderr}(exit code {code})")
    }
}
