//! `caching_sha2_password`'s stored form: `$A$` rounds in thousands as three hex digits, `$`, a
//! salt of 20 bytes, and 43 characters of digest. The digest is SHA-crypt (Drepper, *Unix crypt
//! using SHA-256*), with a longer salt than crypt(3) takes. Must never be used for anything else.
//!
//! `MySQL` 9.7 stores `00A` (10,000 rounds); 8.0 to 8.4 store `005`.

use sha2::{Digest as _, Sha256};

/// Bytes of salt.
pub(super) const SALT_LENGTH: usize = 20;
/// Characters of digest.
const DIGEST_LENGTH: usize = 43;
/// crypt(3)'s alphabet.
pub(super) const ALPHABET: &[u8; 64] =
    b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Thousands of rounds in hashes that are made here: what every version since 8.0 accepts and none
/// calls weak.
const THOUSANDS: u32 = 5;

/// A stored hash, taken apart.
pub(super) struct Stored<'a> {
    rounds: u32,
    salt: &'a [u8],
    digest: &'a [u8],
}

impl<'a> Stored<'a> {
    /// Takes a stored hash apart; `None` when it has another form.
    pub(super) fn read(stored: &'a [u8]) -> Option<Self> {
        let (thousands, rest) = stored.strip_prefix(b"$A$")?.split_at_checked(3)?;
        let thousands = u32::from_str_radix(std::str::from_utf8(thousands).ok()?, 16).ok()?;
        let (salt, digest) = rest.strip_prefix(b"$")?.split_at_checked(SALT_LENGTH)?;
        let whole = digest.len() == DIGEST_LENGTH && thousands > 0;
        whole.then_some(Self {
            rounds: thousands * 1000,
            salt,
            digest,
        })
    }

    /// Whether it is this password's.
    pub(super) fn is_of(&self, password: &[u8]) -> bool {
        sha_crypt(password, self.salt, self.rounds) == self.digest
    }
}

/// The bytes to store for a password.
pub(super) fn generate(password: &[u8], salt: [u8; SALT_LENGTH]) -> Vec<u8> {
    let mut stored = format!("$A${THOUSANDS:03X}$").into_bytes();
    stored.extend_from_slice(&salt);
    stored.extend_from_slice(&sha_crypt(password, &salt, THOUSANDS * 1000));
    stored
}

/// SHA-crypt with SHA-256; the numbers in the comments are the steps of Drepper's paper.
fn sha_crypt(password: &[u8], salt: &[u8], rounds: u32) -> Vec<u8> {
    // 4 to 8
    let mut other = Sha256::new();
    for part in [password, salt, password] {
        other.update(part);
    }
    let other = other.finalize();
    // 1 to 3, 9 to 12
    let mut first = Sha256::new();
    first.update(password);
    first.update(salt);
    first.update(stretch(&other, password.len()));
    let mut bits = password.len();
    while bits > 0 {
        if bits & 1 == 1 {
            first.update(other);
        } else {
            first.update(password);
        }
        bits >>= 1;
    }
    let mut digest = first.finalize();
    // 13 to 16
    let mut of_password = Sha256::new();
    for _ in 0..password.len() {
        of_password.update(password);
    }
    let p = stretch(&of_password.finalize(), password.len());
    // 17 to 20
    let mut of_salt = Sha256::new();
    for _ in 0..16 + usize::from(digest[0]) {
        of_salt.update(salt);
    }
    let s = stretch(&of_salt.finalize(), salt.len());
    // 21
    for round in 0..rounds {
        let odd = round % 2 == 1;
        let mut next = Sha256::new();
        next.update(if odd { p.as_slice() } else { digest.as_slice() });
        if round % 3 != 0 {
            next.update(&s);
        }
        if round % 7 != 0 {
            next.update(&p);
        }
        next.update(if odd { digest.as_slice() } else { p.as_slice() });
        digest = next.finalize();
    }
    encode(&digest)
}

/// `length` bytes of a digest, repeated.
fn stretch(digest: &[u8], length: usize) -> Vec<u8> {
    digest.iter().copied().cycle().take(length).collect()
}

/// 22: crypt(3)'s base 64, which takes the bytes of the digest in an order of its own.
fn encode(digest: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(DIGEST_LENGTH);
    let mut put = |high: u8, middle: u8, low: u8, characters: u32| {
        let bits = u32::from(high) << 16 | u32::from(middle) << 8 | u32::from(low);
        for nth in 0..characters {
            text.push(ALPHABET[(bits >> (6 * nth) & 0x3f) as usize]);
        }
    };
    let mut order = [0, 10, 20];
    for _ in 0..10 {
        put(digest[order[0]], digest[order[1]], digest[order[2]], 4);
        // (0,10,20), (21,1,11), (12,22,2), (3,13,23), … (9,19,29)
        order = [order[2], order[0], order[1]].map(|at| at + 1);
    }
    put(0, digest[31], digest[30], 3);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_is_that_of_crypt() {
        // As `openssl passwd -5 -salt saltstring` answers (5,000 rounds).
        let digest = sha_crypt(b"Hello world!", b"saltstring", 5000);
        assert_eq!(digest, b"5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5");
    }

    #[test]
    fn what_is_made_is_recognised() {
        for password in [
            "",
            "x",
            "a password of more than thirty-two bytes, it's \\ odd: \u{e9}",
        ] {
            let stored = generate(password.as_bytes(), *b"abcdefghijklmnopqrst");
            assert_eq!(stored.len(), 7 + SALT_LENGTH + DIGEST_LENGTH);
            assert!(stored.starts_with(b"$A$005$"));
            let read = Stored::read(&stored).unwrap();
            assert!(read.is_of(password.as_bytes()));
            assert!(!read.is_of(b"another"));
        }
    }

    #[test]
    fn other_forms_are_not_read() {
        for stored in [&b""[..], b"*7C67", b"$A$005$short", b"$A$000$", b"$B$005$"] {
            assert!(Stored::read(stored).is_none());
        }
    }
}
