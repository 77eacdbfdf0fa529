//! The values of an IN (SELECT ...), hashed.

use hashbrown::hash_table::{Entry, HashTable};

use crate::types::{Value, ValueRef};

/// A set of non-NULL values of one type, and whether NULL was among them. Equality is SQL's: NaN equals NaN, -0 equals 0.
#[derive(Debug, Default)]
pub struct InSet {
    values: HashTable<Value>,
    has_null: bool,
}

impl InSet {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value; tells whether it is new and so was kept.
    pub fn insert(&mut self, value: ValueRef<'_>) -> bool {
        if value.is_null() {
            return !std::mem::replace(&mut self.has_null, true);
        }
        let same = |kept: &Value| kept.as_ref().equals(value);
        match self.values.entry(value.hash_value(), same, |kept| kept.as_ref().hash_value()) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(value.to_value());
                true
            }
        }
    }

    /// Number of values, NULL aside.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether no row was added, not even a NULL.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && !self.has_null
    }

    /// Whether NULL was added.
    pub fn has_null(&self) -> bool {
        self.has_null
    }

    /// `value IN (set)`, three-valued: None is NULL.
    pub fn contains(&self, value: ValueRef<'_>) -> Option<bool> {
        if self.is_empty() {
            return Some(false);
        }
        if value.is_null() {
            return None;
        }
        let same = |kept: &Value| kept.as_ref().equals(value);
        if self.values.find(value.hash_value(), same).is_some() {
            return Some(true);
        }
        (!self.has_null).then_some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn membership_is_three_valued() {
        let mut set = InSet::new();
        assert_eq!(set.contains(ValueRef::Null), Some(false));
        assert!(set.insert(ValueRef::Float8(f64::NAN)));
        assert!(!set.insert(ValueRef::Float8(-f64::NAN)));
        assert!(set.insert(ValueRef::Float8(0.0)));
        assert!(!set.insert(ValueRef::Float8(-0.0)));
        assert_eq!(set.len(), 2);
        assert_eq!(set.contains(ValueRef::Float8(f64::NAN)), Some(true));
        assert_eq!(set.contains(ValueRef::Float8(1.0)), Some(false));
        assert_eq!(set.contains(ValueRef::Null), None);
        assert!(set.insert(ValueRef::Null));
        assert!(!set.insert(ValueRef::Null));
        assert_eq!(set.contains(ValueRef::Float8(1.0)), None);
        assert_eq!(set.contains(ValueRef::Float8(-0.0)), Some(true));
    }
}
