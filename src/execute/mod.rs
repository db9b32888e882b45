//! The room `execute`; see the crate's map.
