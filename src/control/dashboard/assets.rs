//! What pages load: one stylesheet, three scripts and a picture, built into the binary. A name holds the hash of its
//! bytes, so a browser may keep it for good.

use crate::message::{Reply, Request};
use bytes::Bytes;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};

struct Asset {
    stem: &'static str,
    extension: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
    hash: u64,
}

static STYLE: Asset = Asset::new("dashboard", "css", "text/css; charset=utf-8", include_bytes!("assets/dashboard.css"));
static ICON: Asset = Asset::new("icon", "svg", "image/svg+xml", include_bytes!("assets/icon.svg"));
static HTMX: Asset = Asset::script("htmx", include_bytes!("assets/htmx.min.js"));
static HTMX_EVENTS: Asset = Asset::script("hx-sse", include_bytes!("assets/hx-sse.min.js"));
static SCRIPT: Asset = Asset::script("dashboard", include_bytes!("assets/dashboard.js"));

static ALL: [&Asset; 5] = [&STYLE, &ICON, &HTMX, &HTMX_EVENTS, &SCRIPT];

impl Asset {
    const fn new(stem: &'static str, extension: &'static str, media_type: &'static str, bytes: &'static [u8]) -> Self {
        Self { stem, extension, media_type, bytes, hash: fnv1a(bytes) }
    }

    const fn script(stem: &'static str, bytes: &'static [u8]) -> Self {
        Self::new(stem, "js", "text/javascript; charset=utf-8", bytes)
    }

    fn name(&self) -> String {
        format!("{}.{:016x}.{}", self.stem, self.hash, self.extension)
    }

    fn address(&self) -> String {
        format!("/_mock/assets/{}", self.name())
    }
}

/// It only has to tell one build's bytes from another's.
const fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        index += 1;
    }
    hash
}

pub(super) fn style() -> String {
    STYLE.address()
}

pub(super) fn icon() -> String {
    ICON.address()
}

/// Ours, which wants the document to be there.
pub(super) fn script() -> String {
    SCRIPT.address()
}

/// htmx and its extension. They must run while the document loads: htmx begins at its end, or, deferred, as soon
/// as it can, which may be before its extension is there.
pub(super) fn htmx() -> [String; 2] {
    [HTMX.address(), HTMX_EVENTS.address()]
}

/// The asset with this name, if there is one.
pub(super) fn answer(request: &Request, name: &str) -> Option<Reply> {
    let asset = ALL.into_iter().find(|asset| asset.name() == name)?;
    let etag = HeaderValue::from_str(&format!("\"{:016x}\"", asset.hash)).ok()?;
    let mut reply = Reply::default();
    if request.headers().get(IF_NONE_MATCH) == Some(&etag) {
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        *reply.body_mut() = Bytes::from_static(asset.bytes);
        reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(asset.media_type));
    }
    let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
    reply.headers_mut().insert(CACHE_CONTROL, forever);
    reply.headers_mut().insert(ETAG, etag);
    Some(reply)
}
