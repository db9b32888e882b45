//! A server in use becomes the primary: all that it holds is on the replicas afterwards, equal to the
//! byte, and no replica has written a transaction of its own on the way.

use hactl_lab::{Server, Suite};

use crate::cluster::Cluster;

crate::on_each_server!(is_on_every_replica);

/// What a dump loses when it is made or loaded carelessly.
const DATA: &str = r"
SET NAMES utf8mb4;
CREATE DATABASE shop CHARACTER SET utf8mb4;
USE shop;
CREATE TABLE item (
  id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(80), raw VARBINARY(300), big LONGTEXT,
  at TIMESTAMP(6) NULL, price DECIMAL(20,6), flag BIT(3), doubled DECIMAL(30,6) AS (price * 2) STORED
);
INSERT INTO item (name, raw, big, at, price, flag) VALUES
  ('grün 🐬 \' \\ \n', X'00FF270D0A5C1A', NULL, '2024-03-31 02:30:00.123456', -0.000001, b'101'),
  (NULL, '', REPEAT('x', 200000), NULL, 99999999999999.999999, NULL);
SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
INSERT INTO item (id, name) VALUES (0, 'zero');
CREATE TABLE `odd ``name` (`a b` INT PRIMARY KEY);
INSERT INTO `odd ``name` VALUES (1);
CREATE TABLE log (line VARCHAR(40));
CREATE VIEW cheap AS SELECT id, name FROM item WHERE price < 1;
CREATE TRIGGER noted AFTER INSERT ON `odd ``name` FOR EACH ROW INSERT INTO log VALUES ('odd');
CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC RETURN n * 2;
CREATE PROCEDURE note() INSERT INTO log VALUES ('called');
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO INSERT INTO shop.log VALUES ('night');
CREATE USER 'app'@'%' IDENTIFIED BY 'app''s \\ pass';
GRANT SELECT, INSERT ON shop.* TO 'app'@'%';
";

/// Names of what is not rows, with their bodies.
const OBJECTS: &str = "
SELECT table_name, view_definition FROM information_schema.views WHERE table_schema = 'shop';
SELECT trigger_name, action_statement FROM information_schema.triggers WHERE trigger_schema = 'shop';
SELECT routine_name, routine_definition FROM information_schema.routines WHERE routine_schema = 'shop' ORDER BY 1;
SELECT event_name, event_definition FROM information_schema.events WHERE event_schema = 'shop';
SELECT shop.twice(21);
SHOW GRANTS FOR 'app'@'%'";

fn is_on_every_replica(suite: Suite) {
    let cluster = Cluster::up(suite, Server::Installed);
    // Statements, as an application would log them, with functions allowed to be created.
    let trust = "SET GLOBAL log_bin_trust_function_creators = 1;";
    cluster.host("db1").sql(&format!("{trust}{DATA}")).unwrap();
    let everything = format!(
        "CHECKSUM TABLE shop.item, shop.`odd ``name`, shop.log; SELECT * FROM shop.item; {OBJECTS}"
    );
    let before = cluster.host("db1").sql(&everything).unwrap();
    assert!(
        before.contains("42"),
        "the data is not what it should be: {before}"
    );

    cluster.bootstrap();

    for host in ["db1", "db2", "db3"] {
        assert_eq!(
            cluster.host(host).sql(&everything).unwrap(),
            before,
            "{host}"
        );
    }
    for replica in ["db2", "db3"] {
        the_app_logs_in(&cluster, replica);
        wrote_nothing(&cluster, replica);
    }
}

fn the_app_logs_in(cluster: &Cluster, host: &str) {
    let client = cluster.lab.suite().flavor().client();
    let address = cluster.host(host).address();
    let login = format!(
        r#"{client} -h {address} -u app --password="app's \\ pass" -N -e 'SELECT COUNT(*) FROM shop.item'"#
    );
    assert_eq!(
        cluster.host("db1").exec_ok(&login).unwrap().trim(),
        "3",
        "{host}"
    );
}

/// No transaction in its binary log is its own.
fn wrote_nothing(cluster: &Cluster, replica: &str) {
    let host = cluster.host(replica);
    if cluster.lab.suite() == Suite::Sid {
        let all = cluster.host("db1").sql("SELECT @@gtid_executed").unwrap();
        let own = format!(
            "SELECT GTID_SUBTRACT(@@gtid_executed, '{}')",
            all.trim().replace("\\n", "")
        );
        assert_eq!(
            host.sql(&own).unwrap().trim(),
            "",
            "errant transactions on {replica}"
        );
    } else {
        let own = "SELECT @@gtid_binlog_state REGEXP CONCAT('-', @@server_id, '-')";
        assert_eq!(
            host.sql(own).unwrap().trim(),
            "0",
            "{replica} wrote transactions of its own"
        );
    }
}
