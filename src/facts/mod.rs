//! The room `facts`; see the crate's map.
