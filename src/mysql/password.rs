//! Password hashes: made here, so that no plain password enters a binary log, and checked here, so
//! that a second run needs no login and no write to see that nothing changed. Must never print a
//! hash or a password, and never judge a plugin that it does not know.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use sha1::{Digest as _, Sha1};

use super::caching_sha2;
use super::quote::{hex, quote_bytes, quote_literal};
use super::{Dialect, caching_sha2::Stored};

/// A stored authentication string. Never shown: it can be attacked offline.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Vec<u8>);

impl PasswordHash {
    /// Takes the bytes that a server stores.
    pub fn new(stored: Vec<u8>) -> Self {
        Self(stored)
    }

    /// Whether the account has no authentication string: an empty password, or a plugin without
    /// one.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(***)")
    }
}

/// What a stored hash says about a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordCheck {
    /// It is this password's.
    Matches,
    /// It is another's.
    Differs,
    /// The plugin is none whose hashes are known here; log in to find out.
    CannotTell {
        /// The plugin's name.
        plugin: String,
    },
}

/// Twenty bytes of randomness for one hash; the caller draws them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt([u8; caching_sha2::SALT_LENGTH]);

impl Salt {
    /// Makes a salt of random bytes. The server stores the salt as text and splits at `$`, so each
    /// byte is brought into `./0-9A-Za-z`, six bits of it: 120 bits in all.
    pub fn from_random(random: [u8; caching_sha2::SALT_LENGTH]) -> Self {
        Self(random.map(|byte| caching_sha2::ALPHABET[usize::from(byte & 0x3f)]))
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(***)")
    }
}

/// `mysql_native_password`'s hash: `*` and the hex digits of `SHA1(SHA1(password))`; nothing for an
/// empty one.
fn native_hash(password: &str) -> String {
    if password.is_empty() {
        return String::new();
    }
    format!("*{}", hex(&Sha1::digest(Sha1::digest(password.as_bytes()))))
}

/// Compares a wanted password with what a server stores for `plugin`.
pub fn check_password(plugin: &str, stored: &PasswordHash, wanted: &SecretString) -> PasswordCheck {
    let wanted = wanted.expose_secret();
    let matches = match plugin {
        "mysql_native_password" => stored
            .0
            .eq_ignore_ascii_case(native_hash(wanted).as_bytes()),
        "caching_sha2_password" if stored.is_empty() => wanted.is_empty(),
        "caching_sha2_password" => match Stored::read(&stored.0) {
            Some(stored) => stored.is_of(wanted.as_bytes()),
            None => {
                return PasswordCheck::CannotTell {
                    plugin: plugin.to_owned(),
                };
            }
        },
        other => {
            return PasswordCheck::CannotTell {
                plugin: other.to_owned(),
            };
        }
    };
    if matches {
        PasswordCheck::Matches
    } else {
        PasswordCheck::Differs
    }
}

impl Dialect {
    /// The hash that an account is given for a password, with a salt of zeros where one is needed: for
    /// predictions, never for a server.
    pub fn predicted_hash(self, password: &SecretString) -> PasswordHash {
        let password = password.expose_secret();
        if self.is_mariadb() {
            return PasswordHash(native_hash(password).into_bytes());
        }
        let salt = Salt::from_random([0; caching_sha2::SALT_LENGTH]);
        PasswordHash(caching_sha2::generate(password.as_bytes(), salt.0))
    }

    /// The plugin that hactl's accounts use: what the server has without any more plugins.
    /// (`MariaDB` gets `caching_sha2_password` with 12.1 only; `MySQL` lost `mysql_native_password`
    /// with 9.0.)
    pub fn account_plugin(self) -> &'static str {
        if self.is_mariadb() {
            "mysql_native_password"
        } else {
            "caching_sha2_password"
        }
    }

    /// The clause that gives an account its password by hash. Secret, like the password.
    pub(super) fn identified_clause(self, password: &SecretString, salt: Salt) -> (String, String) {
        let password = password.expose_secret();
        if self.is_mariadb() {
            return (
                "IDENTIFIED BY PASSWORD ".to_owned(),
                quote_literal(&native_hash(password)),
            );
        }
        let stored = caching_sha2::generate(password.as_bytes(), salt.0);
        let plugin = "IDENTIFIED WITH caching_sha2_password AS ";
        (plugin.to_owned(), quote_bytes(&stored))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mysql::quote::unhex;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    /// What MariaDB 10.11.18 stored for `secret1`.
    const NATIVE: &[u8] = b"*7C67218EF7410F248763DC99AEDC705367393C4A";

    #[test]
    fn a_native_hash_is_the_servers() {
        let stored = PasswordHash::new(NATIVE.to_vec());
        let check = |word| check_password("mysql_native_password", &stored, &secret(word));
        assert_eq!(check("secret1"), PasswordCheck::Matches);
        assert_eq!(check("secret2"), PasswordCheck::Differs);
        assert_eq!(check(""), PasswordCheck::Differs);
        let none = PasswordHash::new(Vec::new());
        let empty = check_password("mysql_native_password", &none, &secret(""));
        assert_eq!(empty, PasswordCheck::Matches);
    }

    #[test]
    fn a_sha2_hash_is_the_servers() {
        // What MySQL 9.7.4 stored for `secret1`: 10,000 rounds, its default.
        let stored = "244124303041240727531E7E04716B450831267F05566218770B69666B4466654373374C3253784A\
                      7858586256516C49533666684D636C4E6871314747343433503055425742";
        let stored = PasswordHash::new(unhex(stored).unwrap());
        let check = |word| check_password("caching_sha2_password", &stored, &secret(word));
        assert_eq!(check("secret1"), PasswordCheck::Matches);
        assert_eq!(check("secret"), PasswordCheck::Differs);
    }

    #[test]
    fn an_unknown_plugin_is_not_judged() {
        let stored = PasswordHash::new(b"x".to_vec());
        for plugin in ["ed25519", "unix_socket", "caching_sha2_password"] {
            let expected = PasswordCheck::CannotTell {
                plugin: plugin.to_owned(),
            };
            assert_eq!(check_password(plugin, &stored, &secret("x")), expected);
        }
    }

    #[test]
    fn hashes_and_salts_are_not_shown() {
        assert_eq!(
            format!("{:?}", PasswordHash::new(NATIVE.to_vec())),
            "PasswordHash(***)"
        );
        assert_eq!(format!("{:?}", Salt::from_random([65; 20])), "Salt(***)");
    }
}
