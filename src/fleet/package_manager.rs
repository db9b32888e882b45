//! How a host's own shell finds its package manager, and what is installed: text for scripts.
//! It must never guess: a machine without one that hactl knows says so.

/// Sets `$manager` to the program, or to nothing. Debian has a package `dnf` and Fedora one `apt`, so the
/// distribution says which is looked for. `$ID` and `$ID_LIKE` are os-release's (os-release(5)).
pub(crate) const FIND: &str = r#"
package_manager() {
    case " ${ID-} ${ID_LIKE-} " in
    *" debian "* | *" ubuntu "*) set -- apt-get ;;
    *" fedora "* | *" rhel "* | *" centos "*) set -- dnf yum ;;
    *) set -- apt-get dnf yum ;;
    esac
    for manager in "$@"; do
        if command -v "$manager" >/dev/null 2>&1; then return 0; fi
    done
    manager=
}
"#;

/// Sets `$installed` to the version of a package by its name, or of one that provides it, as dnf and yum
/// take names; fails where there is none. rpm says so on its standard output, in words, with status 1.
pub(crate) const RPM: &str = r#"
rpm_installed() {
    installed=$(rpm -q --qf '%{VERSION}-%{RELEASE} ' -- "$1" 2>/dev/null) ||
        installed=$(rpm -q --whatprovides --qf '%{VERSION}-%{RELEASE} ' -- "$1" 2>/dev/null) || return 1
    installed=${installed%% *}
}
"#;

/// A host with nothing but a shell, an os-release and programs that answer as was recorded.
#[cfg(test)]
pub(crate) mod recorded {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::process::{Command, Stdio};

    use crate::fleet::script::Script;

    /// What rpm 4.18.0 said; asked as the scripts ask it. `provided` is a name that `mariadb-server` provides.
    pub(crate) const RPM_SAYS: &str = r#"
case "$*" in
*"-- mariadb-server" | *"--whatprovides"*"-- provided") [ -e "$installed" ] && printf '10.11.6-1.el9 ' && exit 0 ;;
*"-- kernel") printf '5.14.0-427.el9 5.14.0-503.el9 ' && exit 0 ;;
esac
case "$*" in
*--whatprovides*) echo "no package provides ${*##* }" ;;
*) echo "package ${*##* } is not installed" ;;
esac
exit 1
"#;

    pub(crate) const ROCKY: &str = "NAME=\"Rocky Linux\"\nVERSION_ID=\"9.4\"\nID=\"rocky\"\n\
         ID_LIKE=\"rhel centos fedora\"\nPRETTY_NAME=\"Rocky Linux 9.4 (Blue Onyx)\"\n";
    pub(crate) const DEBIAN: &str = "ID=debian\nVERSION_CODENAME=bookworm\n";

    /// What a script said there: its status, its standard output, its errors.
    pub(crate) fn run(
        os_release: &str,
        programs: &[(&str, &str)],
        script: &Script,
    ) -> (i32, String, String) {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        std::fs::write(place("os-release"), os_release).unwrap();
        std::fs::create_dir(place("bin")).unwrap();
        for (name, says) in programs {
            let installed = place("installed");
            let text = format!("#!/bin/sh\ninstalled={}\n{says}", installed.display());
            write_program(&place("bin").join(name), &text);
        }
        let release = place("os-release").display().to_string();
        let text = script.to_string().replace("/etc/os-release", &release);
        let output = Command::new("/bin/sh")
            .args(["-c", &format!("hactl() {{\n{text}\n}}\nhactl")])
            .env_clear()
            .env("PATH", place("bin"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code().unwrap(),
            text(output.stdout),
            text(output.stderr),
        )
    }

    /// Written by a process of its own: another test that forks while this one has the file open for
    /// writing would make it busy.
    fn write_program(path: &Path, text: &str) {
        let written = Command::new("sh")
            .args(["-c", "printf %s \"$1\" >\"$2\"", "sh", text])
            .arg(path)
            .status()
            .unwrap();
        assert!(written.success());
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[cfg(test)]
mod tests {
    use super::recorded::{DEBIAN, ROCKY, run};
    use super::{FIND, RPM};
    use crate::fleet::script::Script;

    fn found(os_release: &str, programs: &[&str]) -> String {
        let programs: Vec<_> = programs.iter().map(|name| (*name, "exit 9")).collect();
        let script = Script::new(". /etc/os-release").line(FIND).line(RPM);
        let script = script.line("package_manager; echo \"<$manager>\"");
        run(os_release, &programs, &script).1
    }

    /// The distribution's own, though another's may be installed as well.
    #[test]
    fn the_distribution_says_which_is_looked_for() {
        let all = ["apt-get", "dnf", "yum"];
        assert_eq!(found(DEBIAN, &all), "<apt-get>\n");
        assert_eq!(found(ROCKY, &all), "<dnf>\n");
        assert_eq!(found(ROCKY, &["apt-get", "yum"]), "<yum>\n");
        assert_eq!(found("ID=fedora\n", &all), "<dnf>\n");
        assert_eq!(
            found("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", &all),
            "<apt-get>\n"
        );
        assert_eq!(found("ID=mageia\n", &["dnf"]), "<dnf>\n");
        assert_eq!(found("ID=alpine\n", &[]), "<>\n");
        assert_eq!(found(DEBIAN, &["dnf"]), "<>\n");
    }
}
