//! Sequences: a definition in the root, and a position that all roots share.
//!
//! The position moves at once and is never taken back, whatever becomes of the transaction. What is kept of it is
//! [`Logged`]: a place ahead of it, which each root carries and the log records. A value may be answered only once a root
//! that is durable has a place at or beyond it, so that a restart, which goes on from that place, never repeats it.
//!
//! Places are compared by how many values had been drawn by then, not by value: sequences go down, cycle and are set.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result, SqlState};
use crate::types::DataType;

/// Identity of a sequence for life; never reused, and drawn from the same counter as table ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequenceId(pub u64);

/// What CREATE SEQUENCE said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceDefinition {
    /// Its identity.
    pub id: SequenceId,
    /// Its name, unique among all relations.
    pub name: Arc<str>,
    /// SMALLINT, INT or BIGINT.
    pub data_type: DataType,
    /// START.
    pub start: i64,
    /// INCREMENT, not 0.
    pub increment: i64,
    /// MINVALUE.
    pub min: i64,
    /// MAXVALUE.
    pub max: i64,
    /// CACHE: how many values at least are logged ahead.
    pub cache: i64,
    /// CYCLE.
    pub cycle: bool,
    /// Drawn anew by every change, as a table's structure is.
    pub version: u64,
}

/// One version of a sequence.
#[derive(Clone, Debug)]
pub struct Sequence {
    /// What it looks like.
    pub definition: Arc<SequenceDefinition>,
    /// Where a restart goes on.
    pub logged: Logged,
    /// Where it stands; another one after RESTART, which a rollback undoes.
    pub state: Arc<SequenceState>,
}

/// A place that a restart goes on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logged {
    /// The last value, or the next one if it was not called.
    pub value: i64,
    /// Whether the value counts as drawn.
    pub is_called: bool,
    /// How many values have been drawn by then. Not kept: it compares places of one run of the database.
    pub count: u64,
}

/// Where a sequence stands.
#[derive(Debug)]
pub struct SequenceState(Mutex<Live>);

#[derive(Clone, Copy, Debug)]
struct Live {
    last: i64,
    is_called: bool,
    drawn: u64,
    /// The furthest place that somebody was asked to log.
    promised: Logged,
    /// The increment that the promise was computed with.
    increment: i64,
}

impl SequenceState {
    /// A sequence that goes on from `value`.
    pub fn new(value: i64, is_called: bool) -> Arc<Self> {
        let promised = Logged { value, is_called, count: 0 };
        Arc::new(Self(Mutex::new(Live {
            last: value,
            is_called,
            drawn: 0,
            promised,
            increment: 0,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Live> {
        // Each change is one assignment: a panic elsewhere leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws `count` values; a place must be logged that is at or beyond the count it answers with them. `ahead` is how
    /// many values more to log, where a new place is needed.
    pub fn draw(
        &self,
        definition: &SequenceDefinition,
        count: usize,
        ahead: u64,
    ) -> Result<(Vec<i64>, u64)> {
        let mut live = self.lock();
        let mut next = *live;
        if next.increment != definition.increment {
            // What was promised lies in another direction, or between other steps.
            next.drawn = next.drawn.max(next.promised.count);
            next.promised.count = next.drawn;
            next.increment = definition.increment;
        }
        let mut values = Vec::with_capacity(count);
        let mut ended = Ok(());
        for _ in 0..count {
            match definition.after(next.last, next.is_called) {
                Ok(value) => (next.last, next.is_called) = (value, true),
                Err(error) => {
                    ended = Err(error);
                    break;
                }
            }
            values.push(next.last);
        }
        next.drawn += values.len() as u64;
        if next.drawn > next.promised.count {
            let steps = definition.steps_left(next.last).min(ahead);
            // Within the bounds, for there are as many steps left.
            let distance = i128::from(definition.increment) * i128::from(steps);
            let value = (i128::from(next.last) + distance) as i64;
            next.promised = Logged { value, is_called: true, count: next.drawn + steps };
        }
        *live = next;
        ended.map(|()| (values, next.drawn))
    }

    /// Goes on from `value`; answers as [`Self::draw`] does.
    pub fn set(&self, value: i64, is_called: bool) -> u64 {
        let mut live = self.lock();
        live.drawn = live.drawn.max(live.promised.count) + 1;
        (live.last, live.is_called) = (value, is_called);
        live.promised = Logged { value, is_called, count: live.drawn };
        live.drawn
    }

    /// The furthest place that is to be logged.
    pub fn promised(&self) -> Logged {
        self.lock().promised
    }

    /// Where it stands exactly, so that a restart leaves no gap; what is drawn from now on is beyond it.
    pub fn exact(&self) -> Logged {
        let mut live = self.lock();
        live.drawn = live.drawn.max(live.promised.count) + 1;
        live.promised = Logged { value: live.last, is_called: live.is_called, count: live.drawn };
        live.promised
    }

    /// The last value and whether it was drawn.
    pub fn position(&self) -> (i64, bool) {
        let live = self.lock();
        (live.last, live.is_called)
    }
}

impl SequenceDefinition {
    /// The value after `last`; 2200H at the end of one that does not cycle.
    fn after(&self, last: i64, is_called: bool) -> Result<i64> {
        if !is_called {
            return Ok(last);
        }
        let next = last.checked_add(self.increment);
        if let Some(next) = next.filter(|next| (self.min..=self.max).contains(next)) {
            return Ok(next);
        }
        let (which, bound, first) = if self.increment > 0 {
            ("maximum", self.max, self.min)
        } else {
            ("minimum", self.min, self.max)
        };
        if self.cycle {
            return Ok(first);
        }
        Err(Error::new(
            SqlState::SequenceGeneratorLimitExceeded,
            format!("nextval: reached {which} value of sequence \"{}\" ({bound})", self.name),
        ))
    }

    /// How many values follow `last` before the end.
    fn steps_left(&self, last: i64) -> u64 {
        let bound = if self.increment > 0 { self.max } else { self.min };
        let steps = (i128::from(bound) - i128::from(last)) / i128::from(self.increment);
        u64::try_from(steps).unwrap_or(0)
    }
}

impl Sequence {
    /// A sequence at its start.
    pub fn new(definition: SequenceDefinition) -> Self {
        let start = definition.start;
        Self::at(definition, start, false)
    }

    /// A sequence that goes on from `value`.
    pub fn at(definition: SequenceDefinition, value: i64, is_called: bool) -> Self {
        let logged = Logged { value, is_called, count: 0 };
        let state = SequenceState::new(value, is_called);
        Self { definition: Arc::new(definition), logged, state }
    }

    /// Its identity.
    pub fn id(&self) -> SequenceId {
        self.definition.id
    }

    /// Whether both are one sequence, with the same positions.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.state, &other.state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(increment: i64, min: i64, max: i64, cycle: bool) -> SequenceDefinition {
        SequenceDefinition {
            id: SequenceId(1),
            name: Arc::from("s"),
            data_type: DataType::Int8,
            start: min,
            increment,
            min,
            max,
            cache: 1,
            cycle,
            version: 1,
        }
    }

    /// Draws one at a time, restarting from what was logged at random places: nothing comes twice.
    #[test]
    fn a_restart_goes_on_behind_what_was_drawn() {
        let definition = definition(3, 1, 1_000, false);
        let mut state = SequenceState::new(1, false);
        let (mut logged, mut last) = (state.promised(), 0);
        for round in 0..200 {
            let Ok((values, count)) = state.draw(&definition, 1 + round % 3, 4) else { break };
            if count > logged.count {
                logged = state.promised();
            }
            assert!(logged.count >= count);
            assert!(values.is_sorted() && values[0] > last, "{values:?} after {last}");
            last = values[values.len() - 1];
            assert!(logged.value >= last);
            if round % 5 == 0 {
                state = SequenceState::new(logged.value, logged.is_called);
                logged = state.promised();
            }
        }
        assert!(last >= 990, "{last}");
    }

    #[test]
    fn ends_and_cycles() {
        let up = definition(2, 1, 4, false);
        let state = SequenceState::new(1, false);
        assert_eq!(state.draw(&up, 2, 32).unwrap().0, [1, 3]);
        let error = state.draw(&up, 1, 32).unwrap_err();
        assert_eq!(error.message(), "nextval: reached maximum value of sequence \"s\" (4)");
        assert_eq!(state.position(), (3, true));
        let down = definition(-2, -3, 3, true);
        let state = SequenceState::new(1, false);
        assert_eq!(state.draw(&down, 5, 32).unwrap().0, [1, -1, -3, 3, 1]);
        let all = definition(i64::MAX, i64::MIN, i64::MAX, false);
        let state = SequenceState::new(i64::MIN, false);
        assert_eq!(state.draw(&all, 3, 32).unwrap().0, [i64::MIN, -1, i64::MAX - 1]);
        assert!(state.draw(&all, 1, 32).is_err());
        assert_eq!(state.promised().value, i64::MAX - 1);
    }

    #[test]
    fn another_increment_is_not_covered_by_an_old_promise() {
        let state = SequenceState::new(1, false);
        let (_, first) = state.draw(&definition(1, -100, 100, false), 1, 32).unwrap();
        let logged = state.promised();
        assert!(logged.count >= first && logged.value == 33);
        let (values, second) = state.draw(&definition(-1, -100, 100, false), 2, 32).unwrap();
        assert_eq!(values, [0, -1]);
        assert!(second > logged.count, "it must be logged anew");
        assert_eq!(state.promised().value, -33);
        let third = state.set(50, false);
        assert!(third > second);
        assert_eq!(state.draw(&definition(-1, -100, 100, false), 1, 0).unwrap().0, [50]);
        assert_eq!(state.exact().value, 50);
    }
}
