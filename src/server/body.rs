//! The body of a reply, which tells when hyper has taken all of it.

use super::connection::Talk;
use super::later::Endless;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A body in one piece, or one that goes on.
pub(super) struct Body {
    whole: Full<Bytes>,
    endless: Option<Endless>,
    told: Option<Arc<Talk>>,
}

impl Body {
    /// `told`: whose turn is finished by it.
    pub(super) fn new(whole: Bytes, endless: Option<Endless>, told: Option<Arc<Talk>>) -> Self {
        Self { whole: Full::new(whole), endless, told }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match &mut self.endless {
            Some(endless) => Pin::new(endless).poll_frame(context),
            None => Pin::new(&mut self.whole).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.endless.is_none() && self.whole.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.endless.as_ref().map_or_else(|| self.whole.size_hint(), hyper::body::Body::size_hint)
    }
}

impl Drop for Body {
    /// hyper lets it go when it has taken all of it.
    fn drop(&mut self) {
        if let Some(talk) = &self.told {
            talk.turns.finish();
        }
    }
}
