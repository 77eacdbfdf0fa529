//! A thread of the load: several connections that one `poll` waits for, or one that is read at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use spg_wire::client::Error;
use spg_wire::socket::{Polling, Socket};

use crate::bench::lane::Lane;
use crate::bench::tally::Tally;
use crate::interrupt::Interrupt;

/// How long an answer may take before the server counts as lost.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);

/// How often a worker that waits for answers looks whether the user asks for an end.
const LOOK_AROUND: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// When to count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    /// The end of the warm-up.
    pub(super) begin: Instant,
    /// The end of the measurement.
    pub(super) end: Instant,
}

/// Connections that one thread serves.
pub(super) struct Worker {
    sockets: Vec<Socket>,
    lanes: Vec<Lane>,
    /// Operations that each lane has done.
    done: Vec<u64>,
    /// How long a single connection is polled before the thread sleeps.
    polling: Polling,
    /// Operations counted so far, for who looks on.
    count: Arc<AtomicU64>,
}

impl Worker {
    /// Connects all lanes.
    pub(super) fn open(
        mut lanes: Vec<Lane>,
        address: &SocketAddr,
        spin: Duration,
        count: Arc<AtomicU64>,
    ) -> Result<Self, Error> {
        let mut sockets = Vec::with_capacity(lanes.len());
        for lane in &mut lanes {
            let socket = Socket::connect(address, Some(ANSWER_TIMEOUT)).map_err(Error::Connect)?;
            socket.set_read_timeout(Some(ANSWER_TIMEOUT)).map_err(Error::Io)?;
            lane.open(&socket)?;
            sockets.push(socket);
        }
        let done = vec![0; lanes.len()];
        Ok(Self { sockets, lanes, done, polling: Polling::new(spin), count })
    }

    /// Works until the schedule's end; what was counted between its begin and its end.
    pub(super) fn run(mut self, schedule: Schedule, interrupt: &Interrupt) -> Result<Tally, Error> {
        for (lane, socket) in self.lanes.iter_mut().zip(&self.sockets) {
            lane.start(socket, Instant::now())?;
        }
        let mut tally = Tally::default();
        self.work_until(schedule.begin, interrupt, &mut tally)?;
        tally.restart();
        self.done.fill(0);
        self.work_until(schedule.end, interrupt, &mut tally)?;
        tally.of_clients.clone_from(&self.done);
        self.drain()?;
        Ok(tally)
    }

    fn work_until(
        &mut self,
        end: Instant,
        interrupt: &Interrupt,
        tally: &mut Tally,
    ) -> Result<(), Error> {
        if let ([lane], [socket]) = (self.lanes.as_mut_slice(), self.sockets.as_slice()) {
            while Instant::now() < end && !interrupt.is_requested() {
                if lane.advance(socket, &mut self.polling, tally)? {
                    lane.start(socket, Instant::now())?;
                }
                self.done[0] = tally.latencies.count();
                self.count.store(tally.latencies.count(), Ordering::Relaxed);
            }
            return Ok(());
        }
        let mut waits = waits(&self.sockets);
        while Instant::now() < end && !interrupt.is_requested() {
            for index in arrived(&mut waits)? {
                let (lane, socket) = (&mut self.lanes[index], &self.sockets[index]);
                let before = tally.latencies.count();
                if lane.advance(socket, &mut no_polling(), tally)? {
                    lane.start(socket, Instant::now())?;
                }
                self.done[index] += tally.latencies.count() - before;
            }
            self.count.store(tally.latencies.count(), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Ends what has begun, so that no operation is left in the middle. All lanes go on together: one may wait for a lock
    /// that another one's transaction holds.
    fn drain(&mut self) -> Result<(), Error> {
        let mut uncounted = Tally::default();
        let mut waits = waits(&self.sockets);
        let mut last = Instant::now();
        while self.lanes.iter().any(Lane::is_busy) {
            for index in arrived(&mut waits)? {
                self.lanes[index].advance(
                    &self.sockets[index],
                    &mut no_polling(),
                    &mut uncounted,
                )?;
                last = Instant::now();
            }
            if last.elapsed() > ANSWER_TIMEOUT {
                return Err(Error::Io(std::io::ErrorKind::TimedOut.into()));
            }
        }
        Ok(())
    }
}

fn no_polling() -> Polling {
    Polling::new(Duration::ZERO)
}

fn waits(sockets: &[Socket]) -> Vec<PollFd<'_>> {
    sockets.iter().map(|socket| PollFd::new(socket, PollFlags::IN)).collect()
}

/// Waits until something has arrived at some of them, or it is time to look around; which they are.
fn arrived(sockets: &mut [PollFd<'_>]) -> Result<impl Iterator<Item = usize>, Error> {
    match poll(sockets, Some(&LOOK_AROUND)) {
        Ok(_) => {}
        // Nothing was looked at, and what was found before is no news.
        Err(rustix::io::Errno::INTR) => sockets.iter_mut().for_each(PollFd::clear_revents),
        Err(error) => return Err(Error::Io(error.into())),
    }
    let arrived = sockets.iter().enumerate().filter(|(_, socket)| !socket.revents().is_empty());
    Ok(arrived.map(|(index, _)| index))
}
