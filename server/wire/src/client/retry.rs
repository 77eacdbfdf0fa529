//! Running a transaction again when another one won.

use std::hash::{BuildHasher, RandomState};
use std::thread;
use std::time::Duration;

use super::Client;
use super::error::Error;
use super::transaction::Transaction;

/// How often and how fast a transaction is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often it is run at most, the first time included; 0 counts as 1.
    pub attempts_max: u32,
    /// The wait before the second attempt. Each further one is twice as long.
    pub wait_first: Duration,
    /// The longest wait.
    pub wait_max: Duration,
}

impl Default for Retry {
    /// Ten attempts; waits of 1 ms to 250 ms, about half a second in all.
    fn default() -> Self {
        Self {
            attempts_max: 10,
            wait_first: Duration::from_millis(1),
            wait_max: Duration::from_millis(250),
        }
    }
}

impl Retry {
    /// The wait after attempt number `attempt` (from 1): drawn from the upper half of what doubling allows, so that those
    /// who met once do not meet again.
    fn wait(&self, attempt: u32, random: u64) -> Duration {
        let doublings = attempt.saturating_sub(1).min(30);
        let bound = self.wait_first.saturating_mul(1 << doublings).min(self.wait_max);
        let thousandths = 500_u32.saturating_add((random % 501) as u32);
        bound.saturating_mul(thousandths).checked_div(1_000).unwrap_or(bound)
    }
}

/// Runs `body` in a transaction and commits it. On 40001 and 40P01, from `body` or from COMMIT, everything is rolled back
/// and run again, after a wait; the last attempt's error is returned, as is any other error at once.
///
/// `body` may run several times, so it should change nothing but the database.
///
/// ```no_run
/// use spg_wire::client::{Client, Retry, retry};
///
/// let mut client = Client::connect("127.0.0.1:5440")?;
/// let left = retry(&mut client, Retry::default(), |transaction| {
///     let row = transaction.query_one("SELECT n FROM stock WHERE id = $1", &[&1_i32])?;
///     let left = row.get::<i32>("n").saturating_sub(1);
///     transaction.execute("UPDATE stock SET n = $2 WHERE id = $1", &[&1_i32, &left])?;
///     Ok(left)
/// })?;
/// # let _ = left;
/// # Ok::<(), spg_wire::client::Error>(())
/// ```
pub fn retry<T>(
    client: &mut Client,
    limits: Retry,
    mut body: impl FnMut(&mut Transaction<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let random = RandomState::new();
    let mut attempt = 1;
    loop {
        match attempt_once(client, &mut body) {
            Err(error) if error.is_retryable() && attempt < limits.attempts_max => {
                thread::sleep(limits.wait(attempt, random.hash_one(attempt)));
                attempt = attempt.saturating_add(1);
            }
            result => return result,
        }
    }
}

fn attempt_once<T>(
    client: &mut Client,
    body: &mut impl FnMut(&mut Transaction<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut transaction = client.transaction()?;
    match body(&mut transaction) {
        Ok(value) => transaction.commit().map(|()| value),
        Err(error) => {
            // The body's error says more than that of a rollback would.
            drop(transaction);
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_their_bound_and_vary() {
        let limits = Retry::default();
        let milliseconds = |attempt, random| limits.wait(attempt, random).as_micros();
        assert_eq!(milliseconds(1, 500), 1_000);
        assert_eq!(milliseconds(1, 0), 500);
        assert_eq!(milliseconds(4, 500), 8_000);
        assert_eq!(milliseconds(20, 500), 250_000);
        assert_eq!(milliseconds(u32::MAX, 500), 250_000);
        assert_eq!(milliseconds(20, 501), 125_000);
    }
}
