//! A TCP socket as both peers use it: reads into a vector's spare room, reads that poll before they wait, and writes
//! that read meanwhile. rustix has what std lacks for this: one call that does not wait, without a mode of the socket.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::thread;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};

/// Room that a read makes if its caller left none.
const READ_BYTES_MIN: usize = 4 << 10;

/// A connected TCP socket, without Nagle's delay and with keep-alive probes.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
}

impl Socket {
    /// Takes a connected stream.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        rustix::net::sockopt::set_socket_keepalive(&stream, true)?;
        Ok(Self { stream })
    }

    /// Connects.
    pub fn connect(address: &SocketAddr, timeout: Option<Duration>) -> io::Result<Self> {
        let stream = match timeout {
            Some(timeout) => TcpStream::connect_timeout(address, timeout)?,
            None => TcpStream::connect(address)?,
        };
        Self::new(stream)
    }

    /// Waits until something has arrived and appends it, as much as the spare capacity holds; 0 is the end of the
    /// stream. Before it waits it polls for up to `poll`.
    pub fn read_some(&self, into: &mut Vec<u8>, poll: Duration) -> io::Result<usize> {
        match self.poll_read(into, poll)? {
            Some(length) => Ok(length),
            None => self.receive(into, RecvFlags::empty()),
        }
    }

    /// Looks again and again, for up to `poll`, whether something has arrived, and appends it; `None` if nothing has.
    /// Between two looks others may use the core: on a busy machine the peer may be waiting for just that.
    pub fn poll_read(&self, into: &mut Vec<u8>, poll: Duration) -> io::Result<Option<usize>> {
        if poll.is_zero() {
            return Ok(None);
        }
        let start = Instant::now();
        loop {
            if let Some(length) = self.try_read(into)? {
                return Ok(Some(length));
            }
            if start.elapsed() >= poll {
                return Ok(None);
            }
            thread::yield_now();
        }
    }

    /// Appends what has arrived, without waiting; `None` if nothing has, `Some(0)` at the end of the stream.
    pub fn try_read(&self, into: &mut Vec<u8>) -> io::Result<Option<usize>> {
        match self.receive(into, RecvFlags::DONTWAIT) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            result => result.map(Some),
        }
    }

    /// Writes all of `bytes`, waiting as long as the peer does not read.
    pub fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let length = self.send(rest, SendFlags::empty())?;
            rest = rest.get(length..).unwrap_or_default();
        }
        Ok(())
    }

    /// Writes as much of `bytes` as goes without waiting; the number of bytes that went.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self.send(bytes, SendFlags::DONTWAIT) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            result => result,
        }
    }

    /// Waits until there is something to read or room to write; whether there is something to read. An end of the
    /// stream or an error is something to read. `None` waits for ever.
    pub fn wait(&self, for_room: bool, timeout: Option<Duration>) -> io::Result<bool> {
        let wanted = if for_room { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
        let timeout = timeout.map(|timeout| Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(timeout.subsec_nanos()),
        });
        let mut sockets = [PollFd::new(&self.stream, wanted)];
        let count = retry_interrupted(|| rustix::event::poll(&mut sockets, timeout.as_ref()))?;
        if count == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let [socket] = sockets;
        Ok(socket.revents().intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR))
    }

    /// How long a read may wait; `None` for ever. Beyond it: `TimedOut`.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.stream.set_read_timeout(timeout)
    }

    /// How long a write may wait; `None` for ever. Beyond it: `TimedOut`.
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.stream.set_write_timeout(timeout)
    }

    /// Ends one or both directions; another thread that waits in a read or write comes back.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.stream.shutdown(how)
    }

    /// The peer's address.
    pub fn peer_address(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }

    /// Another handle of the same socket.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { stream: self.stream.try_clone()? })
    }

    fn receive(&self, into: &mut Vec<u8>, flags: RecvFlags) -> io::Result<usize> {
        if into.capacity() == into.len() {
            into.reserve(READ_BYTES_MIN);
        }
        let received =
            retry_interrupted(|| rustix::net::recv(&self.stream, spare_capacity(into), flags));
        let (length, _) = received.map_err(|error| timed_out(error, flags.is_empty()))?;
        Ok(length)
    }

    fn send(&self, bytes: &[u8], flags: SendFlags) -> io::Result<usize> {
        let waits = flags.is_empty();
        let flags = flags | SendFlags::NOSIGNAL;
        retry_interrupted(|| rustix::net::send(&self.stream, bytes, flags))
            .map_err(|error| timed_out(error, waits))
    }
}

/// How long to poll before a wait, adapted to how it goes: a poll in vain halves it, down to a sixteenth, one that finds
/// something doubles it again. So that answers which come a little later than the shortest poll are noticed, every 32nd
/// poll in vain is followed by one of full length.
#[derive(Clone, Copy, Debug)]
pub struct Polling {
    longest: Duration,
    current: Duration,
    /// Polls in vain since the last one that found something.
    vain: u32,
}

/// After so many polls in vain one of full length tries again.
const VAIN_POLLS_MAX: u32 = 32;

impl Polling {
    /// Polls for up to `longest`; zero never polls.
    pub fn new(longest: Duration) -> Self {
        Self { longest, current: longest, vain: 0 }
    }

    /// As [`Socket::read_some`].
    pub fn read_some(&mut self, socket: &Socket, into: &mut Vec<u8>) -> io::Result<usize> {
        if self.longest.is_zero() {
            return socket.read_some(into, Duration::ZERO);
        }
        if let Some(length) = socket.poll_read(into, self.length())? {
            self.found();
            return Ok(length);
        }
        self.vain();
        socket.read_some(into, Duration::ZERO)
    }

    /// How long the next poll is.
    fn length(&self) -> Duration {
        let tries_again = self.vain > 0 && self.vain.is_multiple_of(VAIN_POLLS_MAX);
        if tries_again { self.longest } else { self.current }
    }

    fn found(&mut self) {
        self.current = self.length().saturating_mul(2).min(self.longest);
        self.vain = 0;
    }

    fn vain(&mut self) {
        let shorter = self.current.checked_div(2).unwrap_or_default();
        let shortest = self.longest.checked_div(16).unwrap_or_default();
        self.current = shorter.max(shortest);
        self.vain = self.vain.wrapping_add(1);
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// Calls again while a signal interrupts.
fn retry_interrupted<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

/// A call that may wait reports its timeout as "would block".
fn timed_out(error: Errno, waits: bool) -> io::Error {
    if waits && error == Errno::AGAIN { io::ErrorKind::TimedOut.into() } else { error.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn pair() -> (Socket, Socket) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = Socket::connect(&listener.local_addr().unwrap(), None).unwrap();
        let (far, _) = listener.accept().unwrap();
        (near, Socket::new(far).unwrap())
    }

    #[test]
    fn reads_append_what_there_is_room_for() {
        let (near, far) = pair();
        near.write_all(b"abcdef").unwrap();
        let mut buffer = Vec::with_capacity(8);
        buffer.extend_from_slice(&vec![b'-'; buffer.capacity() - 4]);
        let start = buffer.len();
        assert_eq!(far.read_some(&mut buffer, Duration::ZERO).unwrap(), 4);
        assert_eq!(&buffer[start..], b"abcd");
        assert_eq!(far.read_some(&mut buffer, Duration::from_millis(1)).unwrap(), 2);
        assert_eq!(&buffer[start..], b"abcdef");
        assert_eq!(far.try_read(&mut buffer).unwrap(), None);
        drop(near);
        assert_eq!(far.read_some(&mut buffer, Duration::ZERO).unwrap(), 0);
    }

    #[test]
    fn polls_in_vain_become_shorter() {
        let (near, far) = pair();
        let longest = Duration::from_micros(160);
        let mut polling = Polling::new(longest);
        let mut buffer = Vec::new();
        near.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        for expected in [80, 40, 20, 10, 10] {
            polling.read_some(&near, &mut buffer).unwrap_err();
            assert_eq!(polling.current, Duration::from_micros(expected));
        }
        far.write_all(b"xyz").unwrap();
        assert!(near.wait(false, None).unwrap());
        for expected in [20, 40] {
            let mut one = Vec::with_capacity(1);
            assert!(polling.read_some(&near, &mut one).unwrap() >= 1);
            assert_eq!(polling.current, Duration::from_micros(expected));
            far.write_all(b"more").unwrap();
            assert!(near.wait(false, None).unwrap());
        }
        assert_eq!(polling.longest, longest);
    }

    #[test]
    fn many_polls_in_vain_are_followed_by_a_long_one() {
        let longest = Duration::from_micros(160);
        let mut polling = Polling::new(longest);
        for round in 1..=64 {
            polling.vain();
            let is_long = polling.length() == longest;
            assert_eq!(is_long, round % 32 == 0, "after {round} polls in vain");
        }
        polling.found();
        assert_eq!(polling.length(), longest);
    }

    #[test]
    fn waits_end() {
        let (near, far) = pair();
        let short = Duration::from_millis(1);
        near.set_read_timeout(Some(short)).unwrap();
        let error = near.read_some(&mut Vec::new(), Duration::ZERO).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(near.wait(false, Some(short)).unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(!near.wait(true, None).unwrap(), "there is room to write");
        far.write_all(b"x").unwrap();
        assert!(near.wait(false, None).unwrap());
    }

    #[test]
    fn writes_stop_where_the_peer_s_buffers_are_full() {
        let (near, far) = pair();
        let bytes = vec![7; 1 << 20];
        let mut sent = 0;
        loop {
            match near.try_write(&bytes).unwrap() {
                0 => break,
                length => sent += length,
            }
        }
        let mut read = Vec::new();
        while read.len() < sent {
            far.read_some(&mut read, Duration::ZERO).unwrap();
        }
        assert_eq!(read.len(), sent);
        assert_eq!(far.try_read(&mut read).unwrap(), None);
    }
}
