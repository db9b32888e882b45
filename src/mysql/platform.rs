//! How a server is packaged: names of packages, programs, units and files on Debian and Ubuntu.
//! Must never look at a host; what is really there is for the observer to find out.

use super::Dialect;

impl Dialect {
    /// The package that brings the server.
    pub fn server_package(self) -> &'static str {
        if self.is_mariadb() {
            "mariadb-server"
        } else {
            "mysql-server"
        }
    }

    /// The server program, as processes are named.
    pub fn server_binary(self) -> &'static str {
        if self.is_mariadb() {
            "mariadbd"
        } else {
            "mysqld"
        }
    }

    /// The command-line client. `MariaDB` 10.5 has it under this name too.
    pub fn client(self) -> &'static str {
        if self.is_mariadb() {
            "mariadb"
        } else {
            "mysql"
        }
    }

    /// The administrator's client. It logs in as the other one does, and starts in half the time: it knows
    /// nothing of terminals and of completing names (measured on `MariaDB` 10.11: 6 ms and 11 ms).
    pub fn admin_client(self) -> &'static str {
        if self.is_mariadb() {
            "mariadb-admin"
        } else {
            "mysqladmin"
        }
    }

    /// The dump program.
    pub fn dump_tool(self) -> &'static str {
        if self.is_mariadb() {
            "mariadb-dump"
        } else {
            "mysqldump"
        }
    }

    /// The program that reads binary logs.
    pub fn binlog_tool(self) -> &'static str {
        if self.is_mariadb() {
            "mariadb-binlog"
        } else {
            "mysqlbinlog"
        }
    }

    /// The systemd unit of the server, without `.service`.
    pub fn service_unit(self) -> &'static str {
        if self.is_mariadb() {
            "mariadb.service"
        } else {
            "mysql.service"
        }
    }

    /// Socket units that would start a stopped server at the next connection (S25). A unit may be
    /// absent from a host: `mariadb.socket` comes with `MariaDB` 10.6, `mariadb-extra.socket` with
    /// 10.6 where the distributor packs it. `MySQL` has none.
    pub fn socket_units(self) -> &'static [&'static str] {
        if self.is_mariadb() && self.at_least(10, 6, 0) {
            self.all_socket_units()
        } else {
            &[]
        }
    }

    /// [`Self::socket_units`] of every version, for when the version is not known for certain.
    pub fn all_socket_units(self) -> &'static [&'static str] {
        if self.is_mariadb() {
            &["mariadb.socket", "mariadb-extra.socket"]
        } else {
            &[]
        }
    }

    /// The option file that hactl owns. It sorts after the distributor's, so that it wins.
    pub fn config_path(self) -> &'static str {
        if self.is_mariadb() {
            "/etc/mysql/mariadb.conf.d/99-hactl.cnf"
        } else {
            "/etc/mysql/mysql.conf.d/zz-hactl.cnf"
        }
    }

    /// Where the server's unix socket is.
    pub fn socket_path(self) -> &'static str {
        "/run/mysqld/mysqld.sock"
    }

    /// The data directory.
    pub fn data_dir(self) -> &'static str {
        "/var/lib/mysql"
    }

    /// The system user and group that the server runs as.
    pub fn system_user(self) -> &'static str {
        "mysql"
    }

    /// Asks the server program itself whether it would start with an option file; prints the fault
    /// and exits with a status other than 0 when it would not. `MariaDB` has no such switch:
    /// `--help --verbose` reads all options and starts nothing.
    pub fn validate_config_command(self) -> Vec<String> {
        let words: &[&str] = if self.is_mariadb() {
            &["mariadbd", "--help", "--verbose"]
        } else {
            &["mysqld", "--validate-config"]
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::mysql::dialect::samples;

    #[test]
    fn our_file_sorts_after_the_distributors() {
        assert!(
            samples::MARIADB_10_11
                .config_path()
                .contains("mariadb.conf.d/99-")
        );
        assert!("50-server.cnf" < "99-hactl.cnf");
        assert!(
            samples::MYSQL_9_7
                .config_path()
                .contains("mysql.conf.d/zz-")
        );
        assert!("mysqld.cnf" < "zz-hactl.cnf");
    }

    #[test]
    fn socket_units_are_mariadbs_since_10_6() {
        assert!(samples::MARIADB_10_5.socket_units().is_empty());
        assert!(
            samples::MARIADB_10_11
                .socket_units()
                .contains(&"mariadb.socket")
        );
        assert!(samples::MYSQL_9_7.socket_units().is_empty());
    }
}
