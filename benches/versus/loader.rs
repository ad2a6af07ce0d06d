//! The load: requests whose bytes are made beforehand, on connections that are kept.

use crate::{Result, wire};
use hdrhistogram::Histogram;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;

/// What a client sends, and the status it counts on.
#[derive(Clone)]
pub(crate) struct Load {
    /// Sent in turn on each connection.
    pub(crate) requests: Vec<Vec<u8>>,
    pub(crate) status: u16,
    pub(crate) connections: usize,
    /// Requests under way at once on each connection.
    pub(crate) depth: usize,
}

/// What came of a load.
pub(crate) struct Carried {
    pub(crate) answers: u64,
    pub(crate) elapsed: Duration,
    /// How much of the time the loader was busy, from 0 to 1: where it nears 1, the loader is what limits.
    pub(crate) busy: f64,
}

impl Load {
    /// Sends the next requests as soon as the last ones are answered, until the time is over.
    pub(crate) fn saturate(&self, address: SocketAddr, time: Duration) -> Result<Carried> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let (busy, start) = (busy_time()?, Instant::now());
        let answers = runtime.block_on(async {
            let mut connections = JoinSet::new();
            for _ in 0..self.connections {
                connections.spawn(saturate(self.clone(), address, start + time));
            }
            let mut answers = 0;
            while let Some(carried) = connections.join_next().await {
                answers += carried??;
            }
            Result::Ok(answers)
        })?;
        let elapsed = start.elapsed();
        let busy = (busy_time()? - busy).as_secs_f64() / elapsed.as_secs_f64();
        Ok(Carried { answers, elapsed, busy })
    }

    /// Sends so many requests a second, however long the answers take, and records how many microseconds they take.
    /// The clock starts when a request is due, so one that had to wait for the answer before it has waited. Each
    /// connection has a thread that sleeps in between: one that only looked would take a core from the server.
    pub(crate) fn pace(&self, address: SocketAddr, rate: f64, time: Duration) -> Result<Histogram<u64>> {
        let every = Duration::from_secs_f64(self.connections as f64 / rate);
        let start = Instant::now();
        std::thread::scope(|scope| {
            let connections: Vec<_> = (0..self.connections)
                .map(|connection| {
                    let first = start + every.mul_f64(connection as f64 / self.connections as f64);
                    scope.spawn(move || pace(self, address, first, every, start + time))
                })
                .collect();
            let mut all = Histogram::new(3)?;
            for connection in connections {
                all.add(connection.join().map_err(|_| "a connection of the loader panicked")??)?;
            }
            Ok(all)
        })
    }
}

async fn saturate(load: Load, address: SocketAddr, end: Instant) -> Result<u64> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let batches: Vec<Vec<u8>> = load.requests.iter().map(|request| request.repeat(load.depth)).collect();
    let mut batches = batches.iter().cycle();
    let mut replies = Replies::new(load.status);
    let mut answers = 0;
    while let Some(batch) = batches.next().filter(|_| Instant::now() < end) {
        stream.write_all(batch).await?;
        let mut due = load.depth;
        loop {
            due -= replies.take(due)?;
            if due == 0 {
                break;
            }
            let count = stream.read(replies.room()).await?;
            replies.filled(count)?;
        }
        answers += load.depth as u64;
    }
    Ok(answers)
}

#[expect(clippy::disallowed_methods, reason = "what is waited for is the time at which a request is due")]
fn pace(load: &Load, address: SocketAddr, first: Instant, every: Duration, end: Instant) -> Result<Histogram<u64>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut replies = Replies::new(load.status);
    let mut latencies = Histogram::new(3)?;
    let mut due = first;
    let mut requests = load.requests.iter().cycle();
    while let Some(request) = requests.next().filter(|_| due < end) {
        // A thread wakes later than it asked to; only a request that is late for the server's sake has been waiting.
        let wait = due.saturating_duration_since(Instant::now());
        let sent = if wait.is_zero() {
            due
        } else {
            std::thread::sleep(wait);
            Instant::now()
        };
        stream.write_all(request)?;
        while replies.take(1)? == 0 {
            let count = stream.read(replies.room())?;
            replies.filled(count)?;
        }
        latencies.record(u64::try_from(sent.elapsed().as_micros())?)?;
        due += every;
    }
    Ok(latencies)
}

/// What was read of the replies on a connection.
struct Replies {
    buffer: Vec<u8>,
    /// Where the first reply that was not taken starts, and where what was read ends.
    start: usize,
    end: usize,
    status: u16,
}

impl Replies {
    fn new(status: u16) -> Self {
        Self { buffer: vec![0; 64 * 1024], start: 0, end: 0, status }
    }

    /// Takes whole replies, as many as there are but no more than are due.
    fn take(&mut self, due: usize) -> Result<usize> {
        for taken in 0..due {
            let read = &self.buffer[self.start..self.end];
            let Some(framing) = wire::framing(read)? else { return Ok(taken) };
            if framing.status != self.status {
                let reply = String::from_utf8_lossy(read);
                return Err(format!("a reply has another status than {}: {reply}", self.status).into());
            }
            if read.len() < framing.bytes {
                return Ok(taken);
            }
            self.start += framing.bytes;
        }
        Ok(due)
    }

    /// Room to read into.
    fn room(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(2 * self.end, 0);
        }
        &mut self.buffer[self.end..]
    }

    fn filled(&mut self, count: usize) -> Result<()> {
        self.end += count;
        if count == 0 { Err("the server closed a connection".into()) } else { Ok(()) }
    }
}

/// How long this thread has been running.
fn busy_time() -> Result<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(Duration::from_nanos(text.split(' ').next().unwrap_or_default().parse()?))
}
