//! The room `report`; see the crate's map.
