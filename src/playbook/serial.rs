//! How many hosts a play takes at a time: `serial`, as Ansible has it.
//!
//! It must never leave a host out, and never take more at a time than was written.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use crate::playbook::arguments::Plain;

/// The batches of a play.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Serial {
    /// All hosts side by side.
    All,
    /// Batch after batch, the primary in the last one. The last size repeats until no host is left; there is
    /// at least one.
    Batches(Vec<Batch>),
}

/// How large a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    /// This many hosts, at least 1.
    Hosts(usize),
    /// This part of the play's hosts, 1 to 100, rounded down, and at least one host.
    Percent(usize),
}

impl Serial {
    /// Cuts the hosts of a play into its batches; none of them is empty.
    pub(super) fn cut<T: Clone>(&self, hosts: &[T]) -> Vec<Vec<T>> {
        let mut cut = Vec::new();
        let mut rest = hosts;
        while !rest.is_empty() {
            let size = match self {
                Self::All => hosts.len(),
                Self::Batches(sizes) => sizes
                    .get(cut.len())
                    .or(sizes.last())
                    .map_or(1, |size| size.of(hosts.len())),
            };
            let (batch, after) = rest.split_at(size.min(rest.len()));
            cut.push(batch.to_vec());
            rest = after;
        }
        cut
    }
}

impl Batch {
    /// Of so many hosts of the play.
    fn of(self, hosts: usize) -> usize {
        let size = match self {
            Self::Hosts(size) => size,
            Self::Percent(percent) => hosts.saturating_mul(percent) / 100,
        };
        size.max(1)
    }

    /// Reads `2` or `30%`.
    ///
    /// # Errors
    /// What is wrong with it, and what to write.
    pub(super) fn parse(text: &str) -> Result<Self, Refused> {
        let text = text.trim();
        let (digits, is_percent) = match text.strip_suffix('%') {
            Some(digits) => (digits.trim_end(), true),
            None => (text, false),
        };
        let Ok(number) = digits.parse::<i64>() else {
            return Err(NOT_A_NUMBER);
        };
        match usize::try_from(number) {
            Err(_) => Err(FEWER_THAN_NONE),
            Ok(0) => Err(NONE),
            Ok(percent) if is_percent && percent > 100 => Err(MORE_THAN_ALL),
            Ok(percent) if is_percent => Ok(Self::Percent(percent)),
            Ok(hosts) => Ok(Self::Hosts(hosts)),
        }
    }
}

/// Why something is no batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// What is wrong.
    pub(super) message: &'static str,
    /// What to do.
    pub(super) help: &'static str,
}

const NOT_A_NUMBER: Refused = Refused {
    message: "not a number of hosts",
    help: "write a number (`2`), a part of the hosts (`30%`) or a list of these (`[1, 50%]`)",
};
const FEWER_THAN_NONE: Refused = Refused {
    message: "fewer than no hosts at a time",
    help: "write `serial: 1` or leave it out",
};
const NONE: Refused = Refused {
    message: "no hosts at a time",
    help: "write `serial: 1` or leave it out",
};
const MORE_THAN_ALL: Refused = Refused {
    message: "more than all of the hosts",
    help: "write 100% at most, or leave `serial` out",
};
/// A list without an item.
pub(super) const NO_BATCH: Refused = Refused {
    message: "a list of no batches",
    help: "write a size in it (`[1, 50%]`), or leave `serial` out",
};

/// `serial` as it is written: one size or a list of them.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(untagged, inline)]
pub(super) enum Written {
    /// Every batch.
    One(#[schemars(schema_with = "size")] Plain),
    /// Batch after batch; the last one repeats.
    List(#[schemars(schema_with = "sizes")] Vec<Plain>),
}

fn size(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["integer", "string"], "minimum": 1, "pattern": "^ *[0-9]+ *%? *$"})
}

fn sizes(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "minItems": 1, "items": size(generator)})
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Written;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, a percentage or a list of these")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Written, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Written, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Written, E> {
                Plain::deserialize(de::value::StrDeserializer::new(text)).map(Written::One)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Written, A::Error> {
                let mut sizes = Vec::new();
                while let Some(size) = items.next_element()? {
                    sizes.push(size);
                }
                Ok(Written::List(sizes))
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Batch, Serial};

    fn sizes(serial: &[&str], hosts: usize) -> Vec<usize> {
        let parsed = serial.iter().map(|text| Batch::parse(text).unwrap());
        let hosts: Vec<usize> = (0..hosts).collect();
        let cut = Serial::Batches(parsed.collect()).cut(&hosts);
        assert_eq!(cut.concat(), hosts, "{serial:?}");
        cut.iter().map(Vec::len).collect()
    }

    #[test]
    fn batches_are_ansibles() {
        assert_eq!(sizes(&["2"], 5), [2, 2, 1]);
        assert_eq!(sizes(&["9"], 5), [5]);
        // Rounded down, of all hosts of the play and not of those that are left; never none.
        assert_eq!(sizes(&["30%"], 10), [3, 3, 3, 1]);
        assert_eq!(sizes(&["30%"], 3), [1, 1, 1]);
        assert_eq!(sizes(&["29%"], 100)[0], 29);
        assert_eq!(sizes(&["100%"], 4), [4]);
        // The last one repeats.
        assert_eq!(sizes(&["1", "2"], 6), [1, 2, 2, 1]);
        assert_eq!(sizes(&["1", "25%", "50 %"], 8), [1, 2, 4, 1]);
        assert_eq!(sizes(&["1"], 0), [0; 0]);
        assert_eq!(Serial::All.cut(&["a", "b"]), [["a", "b"]]);
        assert!(Serial::All.cut::<u8>(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn every_host_has_its_turn_and_no_batch_is_too_large(
            written in prop::collection::vec((1_usize..120, any::<bool>()), 1..4),
            hosts in 0_usize..40,
        ) {
            let texts: Vec<String> = written
                .iter()
                .map(|(size, percent)| if *percent { format!("{}%", (*size).min(100)) } else { size.to_string() })
                .collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            for (at, size) in sizes(&texts, hosts).into_iter().enumerate() {
                let (number, percent) = written[at.min(written.len() - 1)];
                let most = if percent { (hosts * number.min(100) / 100).max(1) } else { number };
                prop_assert!((1..=most).contains(&size), "{} > {}", size, most);
            }
        }
    }
}
