//! Logs in from a replica's host to its source by the replication account, with the server's own
//! client program: the only way to know that replication could reconnect.

use std::time::Duration;

use crate::facts::LoginCheck;
use crate::fleet::Connection;
use crate::fleet::script::Script;
use crate::inventory::{Cluster, Host};
use crate::mysql::Dialect;

/// How long the login may take, name resolution and TLS included.
const DEADLINE: Duration = Duration::from_secs(10);

/// The password reaches the client through a pipe as an option file: never in argv, never on disk.
/// Inside double quotes an option file knows backslash escapes, so both are escaped.
const LOGIN: &str = r#"
escaped=$(printf '%s' "$password" | sed 's/\\/\\\\/g; s/"/\\"/g')
printf '[client]\npassword="%s"\n%s\n' "$escaped" "$protection" |
    "$client" --defaults-file=/dev/stdin --protocol=tcp --connect-timeout=5 \
        --host="$address" --port="$port" --user="$user" --execute='DO 0' 2>&1
"#;

/// Tries the login, protected as replication would be.
pub async fn check_login(
    connection: &Connection,
    dialect: Dialect,
    cluster: &Cluster,
    source: &Host,
) -> Option<LoginCheck> {
    let account = &cluster.accounts.replication;
    let protection = dialect.client_tls_options(&cluster.replication_tls);
    let script = Script::new("")
        .set("protection", &protection.join("\n"))
        .set("client", dialect.client())
        .set("address", &source.address.to_string())
        .set("port", &source.port.to_string())
        .set("user", &account.user)
        .set_secret("password", &account.password)
        .line(LOGIN);
    let output = connection.link.run(&script, DEADLINE).await.ok()?;
    let refused = (output.status != 0).then(|| {
        let text = output.text();
        text.lines()
            .last()
            .unwrap_or("no answer in time")
            .trim()
            .to_owned()
    });
    Some(LoginCheck {
        to: source.name.clone(),
        refused,
    })
}
