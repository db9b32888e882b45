//! The room `fleet`; see the crate's map.
