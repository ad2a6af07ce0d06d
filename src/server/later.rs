//! What is waited for between a reply and its writing, and bodies that go on.

use super::connection::Talk;
use super::running::stopped;
use crate::message::{Later, Reply, Stream};
use bytes::Bytes;
use futures_util::stream::unfold;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};

/// How often a stream with nothing to say shows that it is alive: a comment of server-sent events.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A body that goes on.
pub(super) type Endless = UnsyncBoxBody<Bytes, Infallible>;

/// Waits as the reply says; gives the reply to be written, and the body that goes on behind its own.
pub(super) async fn settled(mut reply: Reply, talk: Arc<Talk>) -> (Reply, Option<Endless>) {
    let stopping = &talk.stopping;
    match Later::take(&mut reply) {
        None => (reply, None),
        Some(Later::Delay(delay)) => {
            // A server that stops does not wait for it.
            let _ = timeout(delay, stopped(stopping.clone())).await;
            (reply, None)
        }
        Some(Later::Wait(mut wait)) => {
            let until = Instant::now() + wait.at_most;
            loop {
                if let Some(better) = (wait.again)() {
                    return (better, None);
                }
                tokio::select! {
                    changed = wait.changed.changed() => if changed.is_err() { return (reply, None) },
                    () = sleep_until(until) => return (reply, None),
                    () = stopped(stopping.clone()) => return (reply, None),
                }
            }
        }
        Some(Later::Stream(stream)) => {
            let first = std::mem::take(reply.body_mut());
            (reply, Some(endless(first, stream, talk)))
        }
    }
}

fn endless(first: Bytes, stream: Stream, talk: Arc<Talk>) -> Endless {
    let start = (Some(first).filter(|first| !first.is_empty()), stream, talk);
    let frames = unfold(start, |(first, mut stream, talk)| async move {
        if let Some(first) = first {
            return Some((first, (None, stream, talk)));
        }
        loop {
            stream.changed.borrow_and_update();
            let more = stream.more();
            if !more.is_empty() {
                return Some((more, (None, stream, talk)));
            }
            tokio::select! {
                changed = stream.changed.changed() => if changed.is_err() { return None },
                () = stopped(talk.stopping.clone()) => return None,
                () = tokio::time::sleep(HEARTBEAT) => return Some((Bytes::from_static(b": alive\n\n"), (None, stream, talk))),
            }
        }
    });
    let frames = futures_util::StreamExt::map(frames, |bytes| Ok(Frame::data(bytes)));
    StreamBody::new(frames).boxed_unsync()
}
