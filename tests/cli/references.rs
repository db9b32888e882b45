//! What is made from the program's own types: completions, manual pages and schemas.

use std::fs;
use std::process::Command;

use super::Folder;

const COMMANDS: [&str; 11] = [
    "bootstrap",
    "run",
    "verify",
    "status",
    "switchover",
    "failover",
    "rejoin",
    "maintenance",
    "schema",
    "completions",
    "man",
];

/// Without the exit code and the name of the stream.
fn said(run: &str) -> String {
    let text = run.strip_prefix("exit 0\n--- stdout\n").unwrap();
    text.to_owned()
}

#[test]
fn a_shell_can_read_its_completions() {
    let folder = Folder::without_inventory();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = said(&folder.hactl(&["completions", shell]));
        for command in COMMANDS {
            assert!(script.contains(command), "{shell}: {command}");
        }
        assert!(script.contains("accept-new-host-keys"), "{shell}");
    }
    let script = said(&folder.hactl(&["completions", "bash"]));
    let folder = folder.and("hactl.bash", &script);
    let read = "source hactl.bash && COMP_WORDS=(hactl swi) COMP_CWORD=1 && _hactl hactl swi hactl && \
                echo ${COMPREPLY[@]}";
    let bash = Command::new("bash")
        .args(["-c", read])
        .current_dir(folder.0.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&bash.stdout).trim(), "switchover");
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = Folder::without_inventory().and("man1/kept", "");
    assert_eq!(folder.hactl(&["man", "man1"]), "exit 0\n");
    for command in COMMANDS {
        let page = folder.0.path().join(format!("man1/hactl-{command}.1"));
        let page = fs::read_to_string(&page).unwrap();
        assert!(page.contains(&format!(".TH hactl-{command} 1")), "{page}");
    }
    let first = said(&folder.hactl(&["man"]));
    assert!(first.contains("Exit codes"), "{first}");
}

#[test]
fn pages_go_into_a_folder_that_is_there() {
    let folder = Folder::without_inventory();
    let run = folder.hactl(&["man", "nosuch"]);
    assert!(run.contains("error: cannot read nosuch"), "{run}");
    assert!(run.starts_with("exit 1\n"), "{run}");
}

#[test]
fn an_editor_can_read_the_schemas() {
    let folder = Folder::without_inventory();
    for (of, kind) in [
        ("inventory", "object"),
        ("playbook", "array"),
        ("tasks", "array"),
    ] {
        let text = said(&folder.hactl(&["schema", of]));
        let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
        let draft = "https://json-schema.org/draft/2020-12/schema";
        assert_eq!(schema["$schema"], draft);
        assert_eq!(schema["title"], format!("hactl {of}"));
        assert_eq!(schema["type"], kind);
    }
}
