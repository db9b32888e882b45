//! A replica that somebody made writable, and wrote to: what only it has is named before anything is done,
//! kept as SQL when it has to go, and never spreads.

use hactl_lab::Suite;

use super::{a_row_arrives, everywhere, in_use, rows};

crate::scenarios! { core: ; mariadb: ; matrix: a_replica_was_written_to }

fn a_replica_was_written_to(suite: Suite) {
    let cluster = in_use(suite);
    let held = rows(&cluster);
    let own =
        "SET GLOBAL read_only = 0; CREATE DATABASE own; CREATE TABLE own.t (id INT PRIMARY KEY);
               INSERT INTO own.t VALUES (4711)";
    cluster.host("db3").sql(own).unwrap();
    cluster.finds(&["db3:ErrantGtid", "db3:ReplicaIsWritable"]);
    let before = cluster
        .host("db1")
        .sql("SELECT COUNT(*) FROM information_schema.tables")
        .unwrap();

    // It takes no more writes, and what it has stays until somebody says what becomes of it.
    let said = "db3: has executed what db1 has not";
    cluster.hactl(&["bootstrap", "--check"]).exits(0).says(said);
    cluster
        .hactl(&["bootstrap", "--yes"])
        .exits(5)
        .says(said)
        .says("db3: it has executed transactions that the primary has not")
        .says("`hactl rejoin db3`");
    cluster.await_answer("db3", "SELECT @@read_only", "1");
    cluster.await_answer("db3", "SELECT id FROM own.t", "4711");
    let after = cluster
        .host("db1")
        .sql("SELECT COUNT(*) FROM information_schema.tables")
        .unwrap();
    assert_eq!(before, after, "it spread");

    // The primary goes on, whether or not that replica can follow.
    cluster
        .host("db1")
        .sql("INSERT INTO shop.t VALUES (10, 'more')")
        .unwrap();
    cluster.await_answer("db2", "SELECT COUNT(*) FROM shop.t", "4");
    cluster.finds(&["db3:ErrantGtid"]);
    cluster
        .hactl(&["switchover", "--to", "db3", "--yes"])
        .exits(6);

    cluster
        .hactl(&["rejoin", "db3", "--yes"])
        .exits(6)
        .says("db3 has executed")
        .says("--reseed");
    assert!(cluster.kept().is_empty());
    let run = cluster
        .hactl(&["rejoin", "db3", "--reseed", "--yes"])
        .exits(0);
    let [(path, text, mode)] = cluster.kept().try_into().unwrap();
    assert!(run.to_string().contains(&path), "{run}");
    assert!(text.contains("4711"), "{text}");
    assert_eq!(mode, 0o600);
    let gone = "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = 'own'";
    cluster.await_answer("db3", gone, "0");
    cluster.bootstrap();
    a_row_arrives(&cluster, "db1", 11);
    everywhere(&cluster, &rows(&cluster));
    assert_ne!(held, rows(&cluster));
}
