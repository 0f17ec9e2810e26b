//! Sending a request, and what a server's refusal means: whether to ask again, when, and without what.

use std::sync::Arc;
use std::time::Duration;

use async_openai::middleware::HttpRequestFactory;
use jiff::fmt::rfc2822;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};

use tokio::time::timeout;

use super::body::spared;
use super::chunk::error_message;
use super::error::LlmError;
use super::peer::Peer;
use super::stream::{Connection, Fault, Remedy};

/// How much is read of a page that explains a refusal, in bytes.
const EXPLANATION: usize = 16 << 10;
/// How long a page that explains a refusal may take to come.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends one request, and tells an answer from the kinds of refusal.
pub(super) async fn send(
    connection: Arc<Connection>,
    factory: HttpRequestFactory,
) -> Result<Response, Fault> {
    let peer = &connection.peer;
    let request = factory.build().await.map_err(|error| LlmError::Setup {
        endpoint: peer.name.clone(),
        reason: peer.quote(&error.to_string()),
    })?;
    let response = connection.http.execute(request).await.map_err(|error| Fault {
        remedy: if error.is_connect() {
            Remedy::Wait(None)
        } else {
            Remedy::None
        },
        error: peer.unreachable(&error),
    })?;
    if !response.status().is_success() {
        return Err(refusal(peer, response).await);
    }
    match unstreamed(&response) {
        Some(kind) => Err(peer
            .garbled(&format!("it is `{kind}` and not an event stream"))
            .into()),
        None => Ok(response),
    }
}

/// The content type, if it is one that certainly holds no events.
fn unstreamed(response: &Response) -> Option<String> {
    let kind = response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let other = ["text/html", "application/json"]
        .iter()
        .any(|name| kind.starts_with(name));
    other.then(|| kind.to_owned())
}

pub(super) async fn refusal(peer: &Peer, response: Response) -> Fault {
    let status = response.status();
    let wished = retry_after(response.headers());
    let page = timeout(PATIENCE, explanation(response)).await.unwrap_or_default();
    let json: Option<serde_json::Value> = serde_json::from_str(&page).ok();
    let message = peer.quote(&json.as_ref().map_or(page, error_message));
    let endpoint = peer.name.clone();
    if matches!(status.as_u16(), 429 | 500 | 502 | 503 | 504) {
        let error = LlmError::Unavailable {
            endpoint,
            status: status.as_u16(),
            message,
            retry_after: wished,
        };
        return Fault {
            error,
            remedy: Remedy::Wait(wished),
        };
    }
    let named = json
        .as_ref()
        .and_then(|json| json.pointer("/error/param")?.as_str());
    let remedy = match spared(named, &message) {
        Some(field) if status == StatusCode::BAD_REQUEST => Remedy::Without(field.to_owned()),
        _ => Remedy::None,
    };
    Fault {
        error: LlmError::Refused {
            endpoint,
            status: status.as_u16(),
            message,
        },
        remedy,
    }
}

/// How long the server wants to be left alone. A date is held against the server's own clock, as it stands in the same
/// answer: ours may be another.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(milliseconds) = text("retry-after-ms").and_then(|text| text.parse().ok()) {
        return Some(Duration::from_millis(milliseconds));
    }
    let wished = text(RETRY_AFTER.as_str())?;
    if let Ok(seconds) = wished.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let when = |text: &str| rfc2822::parse(text).ok().map(|time| time.timestamp().as_second());
    let seconds = when(wished)?.saturating_sub(when(text(DATE.as_str())?)?);
    Some(Duration::from_secs(seconds.max(0).unsigned_abs()))
}

/// The beginning of the page that came with a refusal; empty when it cannot be read.
async fn explanation(mut response: Response) -> String {
    let mut page = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        page.extend_from_slice(&piece);
        if page.len() > EXPLANATION {
            page.truncate(EXPLANATION);
            break;
        }
    }
    String::from_utf8_lossy(&page).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_for_patience_is_seconds_or_a_date() {
        let wish = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            retry_after(&headers).map(|wish| wish.as_millis())
        };
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(wish(&[("retry-after", " 7 ")]), Some(7_000));
        assert_eq!(
            wish(&[("retry-after", "1"), ("retry-after-ms", "250")]),
            Some(250)
        );
        assert_eq!(
            wish(&[date, ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")]),
            Some(30_000)
        );
        assert_eq!(
            wish(&[date, ("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")]),
            Some(0)
        );
        assert_eq!(wish(&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")]), None);
        assert_eq!(wish(&[("retry-after", "-1")]), None);
        assert_eq!(wish(&[("retry-after", "soon")]), None);
    }
}
