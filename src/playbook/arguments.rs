//! Types for the arguments of modules, as YAML writes them: text with `{{ … }}` in it, one-or-many
//! lists, switches. They hold what was written, and never render anything by themselves.

use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::mysql::Switch;

/// Text that may hold `{{ … }}`; rendered for each host.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Text(pub String);

/// A number, `true`, `false` or text, as text that may hold `{{ … }}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Plain(#[schemars(schema_with = "plain")] pub Text);

fn plain(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["string", "number", "boolean"]})
}

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Plain;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or a number")
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Plain, E> {
                Ok(Plain(Text(value.to_string())))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Plain, E> {
                Ok(Plain(Text(value.to_string())))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Plain, E> {
                Ok(Plain(Text(value.to_string())))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Plain, E> {
                Ok(Plain(Text(value.to_string())))
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Plain, E> {
                Ok(Plain(Text(value.to_owned())))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// One text or a list of them: Ansible accepts `name: a` and `name: [a, b]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Texts(#[schemars(schema_with = "one_or_many")] pub Vec<Text>);

fn one_or_many(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["string", "array"], "items": {"type": "string"}})
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or a list of texts")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Texts, E> {
                Ok(Texts(vec![Text(text.to_owned())]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Texts, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = items.next_element()? {
                    texts.push(text);
                }
                Ok(Texts(texts))
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}

/// `true`, `false`, `on`, `off`, `yes`, `no`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct SwitchText(#[schemars(schema_with = "switch")] pub Switch);

fn switch(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"enum": ["on", "off", true, false, "yes", "no", "true", "false"]})
}

impl<'de> Deserialize<'de> for SwitchText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl Visitor<'_> for Words {
            type Value = SwitchText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`on` or `off`")
            }

            fn visit_bool<E: de::Error>(self, on: bool) -> Result<SwitchText, E> {
                Ok(SwitchText(if on { Switch::On } else { Switch::Off }))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<SwitchText, E> {
                match text {
                    "on" | "yes" | "true" => self.visit_bool(true),
                    "off" | "no" | "false" => self.visit_bool(false),
                    other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
                }
            }
        }
        deserializer.deserialize_any(Words)
    }
}

/// Variables in the order in which they are written: each may rest on those above it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>", inline)]
pub struct Vars(pub Vec<(String, serde_json::Value)>);

impl<'de> Deserialize<'de> for Vars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Vars;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Vars, A::Error> {
                let mut vars = Vec::new();
                while let Some(entry) = entries.next_entry()? {
                    vars.push(entry);
                }
                Ok(Vars(vars))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// An expression or a list of them, all of which must hold. `true` and `false` are expressions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct Conditions(#[schemars(schema_with = "conditions")] pub(super) Vec<String>);

fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["string", "boolean", "array"], "items": {"type": ["string", "boolean"]}})
}

impl<'de> Deserialize<'de> for Conditions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Conditions;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an expression or a list of expressions")
            }

            fn visit_bool<E: de::Error>(self, holds: bool) -> Result<Conditions, E> {
                Ok(Conditions(vec![holds.to_string()]))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Conditions, E> {
                Ok(Conditions(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Conditions, A::Error> {
                let mut all = Vec::new();
                while let Some(Conditions(some)) = items.next_element()? {
                    all.extend(some);
                }
                Ok(Conditions(all))
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}

/// A list of values, or an expression that gives one.
#[derive(Clone, Debug, PartialEq, JsonSchema)]
#[schemars(untagged, inline)]
pub(super) enum LoopText {
    /// The values.
    Items(Vec<serde_json::Value>),
    /// `{{ … }}`, or the expression alone.
    Expression(String),
}

impl<'de> Deserialize<'de> for LoopText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListOrExpression;
        impl<'de> Visitor<'de> for ListOrExpression {
            type Value = LoopText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list, or an expression that gives one")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<LoopText, E> {
                Ok(LoopText::Expression(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<LoopText, A::Error> {
                let mut all = Vec::new();
                while let Some(item) = items.next_element()? {
                    all.push(item);
                }
                Ok(LoopText::Items(all))
            }
        }
        deserializer.deserialize_any(ListOrExpression)
    }
}

/// A span of time: a number of seconds, or a number with its unit (`500ms`, `10s`, `5m`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Span(#[schemars(schema_with = "seconds")] pub Duration);

fn seconds(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["integer", "string"], "minimum": 0, "pattern": "^[0-9]+(ms|s|m|h)$"})
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seconds;
        impl Visitor<'_> for Seconds {
            type Value = Span;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("seconds, or a number and a unit: 500ms, 10s, 5m")
            }

            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Span, E> {
                Ok(Span(Duration::from_secs(seconds)))
            }

            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Span, E> {
                u64::try_from(seconds)
                    .map_err(|_| E::invalid_value(de::Unexpected::Signed(seconds), &self))
                    .and_then(|seconds| self.visit_u64(seconds))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
                span(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Seconds)
    }
}

fn span(text: &str) -> Option<Span> {
    let unit_at = text.find(|letter: char| !letter.is_ascii_digit())?;
    let number: u64 = text[..unit_at].parse().ok()?;
    let milliseconds = match &text[unit_at..] {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    Some(Span(Duration::from_millis(
        number.checked_mul(milliseconds)?,
    )))
}
