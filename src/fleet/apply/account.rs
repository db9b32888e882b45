//! Creates the inventory's accounts and keeps them in line. Passwords travel as hashes: a server's
//! binary log and its general log never hold one.

use std::fmt::Write as _;
use std::io::Read as _;

use secrecy::SecretString;

use super::{STATEMENT, execute, facts, run, session};
use crate::facts::ServerProgram;
use crate::fleet::script::Script;
use crate::fleet::{ActionError, Connection, LiveFleet};
use crate::inventory::{Account, HostName};
use crate::mysql::{
    AccountDifference, AccountRole, Barrier, Dialect, Salt, ServerFacts, Statement, Switch,
};
use crate::plan::{AccountMeans, Outcome};

/// SQL reaches the client on its standard input; the shell's own `printf` shows in no process list.
const AS_ROOT: &str = r#"printf '%s\n' "$statements" | "$client" --protocol=socket --batch"#;

/// Creates hactl's administration account as root on the host. It never enters the binary log: every
/// server gets its own, and a replica must not write a transaction of its own.
pub(super) async fn install_admin(
    fleet: &LiveFleet,
    connection: &Connection,
) -> Result<Outcome, ActionError> {
    let dialect = installed(fleet, connection).await?;
    let account = &fleet.cluster().accounts.admin;
    let salt = salt(&connection.host)?;
    let mut statements = vec![dialect.without_binlog()];
    statements.extend(dialect.set_privileged_writes(Switch::On));
    statements.extend(rewrite(dialect, AccountRole::Admin, account, salt));
    statements.extend(dialect.set_privileged_writes(Switch::Off));
    as_root(connection, dialect, &statements).await?;
    Ok(Outcome::Changed)
}

/// Runs statements as root on the host: what hactl's own account may do is not its own to widen.
async fn as_root(
    connection: &Connection,
    dialect: Dialect,
    statements: &[Statement],
) -> Result<(), ActionError> {
    let mut text = format!("{};\n", dialect.session_setup().text());
    for statement in statements {
        let _ = writeln!(text, "{};", statement.text());
    }
    let script = Script::new("")
        .set("client", dialect.client())
        .set_secret("statements", &SecretString::from(text))
        .line(AS_ROOT);
    let changed = run(connection, "changing the admin account", script, STATEMENT).await;
    changed.map_err(|error| locked_out(error, dialect))?;
    connection.forget_session().await;
    Ok(())
}

/// Where root itself may not log in, only a person gets further.
fn locked_out(error: ActionError, dialect: Dialect) -> ActionError {
    match error {
        ActionError::Script {
            host,
            what,
            status,
            stderr,
            hint: None,
        } if stderr.contains("ERROR 1045") || stderr.contains("ERROR 1698") => {
            let hint = format!(
                "`{} -e 'SELECT 1'` as root on {host} must work without a password: let root@localhost log in by \
                 the server's socket again",
                dialect.client()
            );
            ActionError::Script {
                host,
                what,
                status,
                stderr,
                hint: Some(hint),
            }
        }
        other => other,
    }
}

/// The dialect of the server program on the host, which decides about names of privileges.
async fn installed(fleet: &LiveFleet, connection: &Connection) -> Result<Dialect, ActionError> {
    let expected = fleet.expected();
    let script = Script::new("").command([expected.server_binary(), "--version"]);
    let line = run(
        connection,
        "asking the server program for its version",
        script,
        STATEMENT,
    )
    .await?;
    Ok(ServerProgram::of_line(line.trim())
        .dialect()
        .unwrap_or(expected))
}

/// Creates an account or brings it in line; on the primary, whence it replicates.
pub(super) async fn ensure(
    fleet: &LiveFleet,
    connection: &Connection,
    role: AccountRole,
    means: AccountMeans,
) -> Result<Outcome, ActionError> {
    let host = &connection.host;
    let account = fleet.cluster().accounts.of(role);
    let salt = salt(host)?;
    let (mut session, dialect) = session(fleet, connection).await?;
    let facts = facts(fleet, &mut session).await?;
    let statements = match means {
        AccountMeans::Correct => corrections(&facts, role, account, salt),
        AccountMeans::Rewrite => rewrite(dialect, role, account, salt),
    };
    if role == AccountRole::Admin {
        drop(session);
        as_root(connection, dialect, &statements).await?;
    } else {
        for statement in &statements {
            execute(&mut session, host, statement, STATEMENT).await?;
        }
    }
    Ok(if statements.is_empty() {
        Outcome::Already
    } else {
        Outcome::Changed
    })
}

/// Statements that succeed on every server, whether it has the account or not.
fn rewrite(dialect: Dialect, role: AccountRole, account: &Account, salt: Salt) -> Vec<Statement> {
    let mut statements = vec![dialect.drop_account(&account.name())];
    statements.extend(dialect.create_account(&account.spec(role), &account.password, salt));
    statements
}

/// Statements for what differs.
fn corrections(
    facts: &ServerFacts,
    role: AccountRole,
    account: &Account,
    salt: Salt,
) -> Vec<Statement> {
    let (dialect, spec, name) = (facts.dialect, account.spec(role), account.name());
    let differences = facts.account_differences(&spec, &account.password);
    let Some(seen) = facts.accounts.get(&name) else {
        return dialect.create_account(&spec, &account.password, salt);
    };
    let set_password = dialect.set_password(&name, &account.password, salt);
    let mut statements = Vec::new();
    for difference in differences {
        match difference {
            AccountDifference::Missing => {}
            AccountDifference::Barred(Barrier::Locked) => {
                statements.push(dialect.unlock_account(&name));
            }
            AccountDifference::Barred(Barrier::Expired)
            | AccountDifference::Password
            | AccountDifference::PasswordKeptBy { .. } => statements.push(set_password.clone()),
            AccountDifference::Privileges => {
                let wanted = dialect.role_privileges(role);
                statements.extend(dialect.grant_difference(&name, &seen.privileges, &wanted));
            }
        }
    }
    statements
}

/// Randomness for one password hash.
fn salt(host: &HostName) -> Result<Salt, ActionError> {
    let mut bytes = [0; 20];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(|error| ActionError::Unfit {
            host: host.clone(),
            reason: format!("this machine gives no random bytes for a password's salt: {error}"),
            hint: "check /dev/urandom on the machine that runs hactl".to_owned(),
        })?;
    Ok(Salt::from_random(bytes))
}
