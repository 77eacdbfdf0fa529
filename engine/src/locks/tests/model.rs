//! The lock table against a model of lists that says of each rule what it is.

use proptest::prelude::*;

use super::*;
use crate::locks::graph;
use crate::locks::table::{LockTable, OwnerId, Request, Scope};

const OWNERS: u64 = 5;
const OBJECTS: u64 = 3;

#[derive(Clone, Copy, Debug)]
enum Step {
    Ask(OwnerId, u64, Mode, bool),
    Withdraw(OwnerId),
    ReleaseTo(OwnerId, usize),
    Unlock(OwnerId, u64, Mode),
    UnlockAll(OwnerId),
}

fn step() -> impl Strategy<Value = Step> {
    let owner = 0..OWNERS;
    let mode = prop::sample::select(Mode::ALL.to_vec());
    prop_oneof![
        6 => (owner.clone(), 0..OBJECTS, mode.clone(), any::<bool>())
            .prop_map(|(owner, object, mode, session)| Step::Ask(owner, object, mode, session)),
        1 => owner.clone().prop_map(Step::Withdraw),
        2 => (owner.clone(), 0..4_usize).prop_map(|(owner, count)| Step::ReleaseTo(owner, count)),
        2 => (owner.clone(), 0..OBJECTS, mode)
            .prop_map(|(owner, object, mode)| Step::Unlock(owner, object, mode)),
        1 => owner.prop_map(Step::UnlockAll),
    ]
}

fn object(number: u64) -> Object {
    if number == 0 { Object::Advisory(0) } else { row(number) }
}

/// What one owner has, each taking by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Held {
    owner: OwnerId,
    object: Object,
    mode: Mode,
    scope: Scope,
}

/// All that is held in the order of taking, and all waits in the order in which they are to be granted.
#[derive(Default)]
struct Model {
    held: Vec<Held>,
    waits: Vec<Held>,
}

impl Model {
    fn excludes(held: &Held, wanted: &Held) -> bool {
        held.owner != wanted.owner
            && held.object == wanted.object
            && held.mode.conflicts_with(wanted.mode)
    }

    fn in_the_way(&self, wanted: &Held, before: usize) -> Vec<OwnerId> {
        let waiting = self.waits[..before].iter();
        let all = self.held.iter().chain(waiting);
        all.filter(|other| Self::excludes(other, wanted)).map(|other| other.owner).collect()
    }

    fn has_any(&self, owner: OwnerId, object: Object) -> bool {
        self.held.iter().any(|held| held.owner == owner && held.object == object)
    }

    fn take(&mut self, wanted: Held) {
        let covers = |held: &Held| match wanted.object {
            Object::Row(..) => held.mode >= wanted.mode,
            _ => held.mode == wanted.mode,
        };
        let is_same = |held: &&Held| held.owner == wanted.owner && held.object == wanted.object;
        let mut of_transaction =
            self.held.iter().filter(is_same).filter(|held| held.scope == Scope::Transaction);
        if wanted.scope == Scope::Session || !of_transaction.any(covers) {
            self.held.push(wanted);
        }
    }

    /// Whether it is granted at once.
    fn ask(&mut self, wanted: Held) -> bool {
        let holds = self.has_any(wanted.owner, wanted.object);
        let before = if holds { 0 } else { self.waits.len() };
        if self.in_the_way(&wanted, before).is_empty() {
            self.take(wanted);
            return true;
        }
        let ahead =
            |wait: &Held| wait.object == wanted.object && !self.has_any(wait.owner, wait.object);
        let place = if holds { self.waits.iter().position(ahead) } else { None };
        self.waits.insert(place.unwrap_or(self.waits.len()), wanted);
        false
    }

    fn settle(&mut self) {
        let mut place = 0;
        while place < self.waits.len() {
            let wanted = self.waits[place];
            if self.in_the_way(&wanted, place).is_empty() {
                self.waits.remove(place);
                self.take(wanted);
            } else {
                place += 1;
            }
        }
    }

    /// Whether somebody waits, over any number of others, for himself.
    fn has_cycle(&self, start: OwnerId) -> bool {
        let mut reached = vec![start];
        let mut next = 0;
        while next < reached.len() {
            let place = self.waits.iter().position(|wait| wait.owner == reached[next]);
            for owner in
                place.map_or(Vec::new(), |place| self.in_the_way(&self.waits[place], place))
            {
                if owner == start {
                    return true;
                }
                if !reached.contains(&owner) {
                    reached.push(owner);
                }
            }
            next += 1;
        }
        false
    }

    fn release(&mut self, owner: OwnerId, keep: usize) {
        let mut seen = 0;
        self.held.retain(|held| {
            let concerned = held.owner == owner && held.scope == Scope::Transaction;
            seen += usize::from(concerned);
            !concerned || seen <= keep
        });
        self.settle();
    }
}

/// What is held and waited for, in one order for both.
fn views(table: &LockTable) -> Vec<(OwnerId, Object, Mode, bool)> {
    let mut views = Vec::new();
    for (object, entry) in &table.objects {
        for hold in &entry.holds {
            views.extend(hold.modes().iter().map(|mode| (hold.owner, *object, mode, true)));
        }
        views.extend(entry.queue().map(|wait| (wait.owner, *object, wait.mode, false)));
    }
    views.sort();
    views
}

fn model_views(model: &Model) -> Vec<(OwnerId, Object, Mode, bool)> {
    let held = model.held.iter().map(|held| (held.owner, held.object, held.mode, true));
    let waits = model.waits.iter().map(|wait| (wait.owner, wait.object, wait.mode, false));
    let mut views: Vec<_> = held.chain(waits).collect();
    views.sort();
    views.dedup();
    views
}

fn run(table: &mut LockTable, model: &mut Model, step: Step) {
    match step {
        Step::Ask(owner, number, mode, session) => {
            // One thread waits for one thing.
            if table.waits(owner) {
                return;
            }
            let object = object(number);
            let scope = if session { Scope::Session } else { Scope::Transaction };
            let granted = model.ask(Held { owner, object, mode, scope });
            let request = table.request(owner, object, mode, scope);
            assert_eq!(request == Request::Granted, granted, "{step:?}");
            if request == Request::Blocked {
                table.wait(owner, object, mode, scope);
                let cycle = graph::cycle(table, owner);
                assert_eq!(cycle.is_some(), model.has_cycle(owner));
                if let Some(cycle) = cycle {
                    assert_eq!(cycle[0].waiter, owner);
                    assert!(cycle.windows(2).all(|pair| pair[0].blocker == pair[1].waiter));
                    assert_eq!(cycle[cycle.len() - 1].blocker, owner);
                    run(table, model, Step::Withdraw(owner));
                }
            }
        }
        Step::Withdraw(owner) => {
            table.withdraw(owner);
            model.waits.retain(|wait| wait.owner != owner);
            model.settle();
        }
        Step::ReleaseTo(owner, keep) => {
            if table.waits(owner) {
                return;
            }
            table.release_to(owner, keep);
            model.release(owner, keep);
        }
        Step::Unlock(owner, number, mode) => {
            let released = table.unlock(owner, object(number), mode).is_some();
            let wanted = Held { owner, object: object(number), mode, scope: Scope::Session };
            let place = model.held.iter().position(|held| *held == wanted);
            assert_eq!(released, place.is_some());
            if let Some(place) = place {
                model.held.remove(place);
                model.settle();
            }
        }
        Step::UnlockAll(owner) => {
            table.unlock_all(owner);
            model.held.retain(|held| held.owner != owner || held.scope != Scope::Session);
            model.settle();
        }
    }
}

proptest! {
    #[test]
    fn the_table_does_what_the_model_says(steps in prop::collection::vec(step(), 1..80)) {
        let mut table = LockTable::new(usize::MAX, usize::MAX);
        let mut model = Model::default();
        for step in steps {
            run(&mut table, &mut model, step);
            prop_assert_eq!(views(&table), model_views(&model), "after {:?}", step);
            for owner in 0..OWNERS {
                prop_assert!(graph::cycle(&table, owner).is_none(), "nobody is left in a cycle");
            }
        }
        for owner in 0..OWNERS {
            table.withdraw(owner);
            table.release_to(owner, 0);
            table.unlock_all(owner);
        }
        prop_assert!(table.objects.is_empty() && table.owners.is_empty(), "nothing is left behind");
        prop_assert_eq!(table.concerning_commits, 0);
    }
}
