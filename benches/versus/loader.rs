//! The load: requests whose bytes are made beforehand, on connections that are kept.

use crate::{Result, wire};
use hdrhistogram::Histogram;
use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;

/// What a client sends, and the status it counts on.
#[derive(Clone)]
pub(crate) struct Load {
    pub(crate) request: Vec<u8>,
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
    /// The clock starts when a request is due, so one that has to wait for a connection has waited. Sleeping is too
    /// coarse for that: a core does nothing but look.
    pub(crate) fn pace(&self, address: SocketAddr, rate: f64, time: Duration) -> Result<Histogram<u64>> {
        let every = Duration::from_secs_f64(1.0 / rate);
        let mut idle = VecDeque::new();
        for _ in 0..self.connections {
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            idle.push_back(Paced { stream, replies: Replies::new(self.status), due: Instant::now() });
        }
        let mut waiting: Vec<Paced> = Vec::new();
        let mut latencies = Histogram::new(3)?;
        let mut due = Instant::now();
        let end = due + time;
        while due < end || !waiting.is_empty() {
            while due < end.min(Instant::now())
                && let Some(mut connection) = idle.pop_front()
            {
                connection.stream.write_all(&self.request)?;
                connection.due = due;
                waiting.push(connection);
                due += every;
            }
            let mut at = 0;
            while at < waiting.len() {
                if waiting[at].is_answered()? {
                    let connection = waiting.swap_remove(at);
                    latencies.record(u64::try_from(connection.due.elapsed().as_micros())?)?;
                    idle.push_back(connection);
                } else {
                    at += 1;
                }
            }
        }
        Ok(latencies)
    }
}

/// A connection that carries one request at a time, when it is due.
struct Paced {
    stream: TcpStream,
    replies: Replies,
    due: Instant,
}

impl Paced {
    /// Reads what is there, without waiting.
    fn is_answered(&mut self) -> Result<bool> {
        match self.stream.read(self.replies.room()) {
            Ok(count) => self.replies.filled(count)?,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        Ok(self.replies.take(1)? == 1)
    }
}

async fn saturate(load: Load, address: SocketAddr, end: Instant) -> Result<u64> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let batch = load.request.repeat(load.depth);
    let mut replies = Replies::new(load.status);
    let mut answers = 0;
    while Instant::now() < end {
        stream.write_all(&batch).await?;
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
