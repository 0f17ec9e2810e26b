//! The client of the hub: its documented addresses and headers, redirects, pauses, and who is asked with which token.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, LOCATION, RANGE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::error::{ArtefactError, quote};

/// How often something is asked for at most without getting on.
pub(super) const TRIES: u32 = 5;
/// The first pause between two tries; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(250);
/// A hub that wishes for a longer pause than this is not waited for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(15);
/// The most that is read of an answer that is no file, in bytes.
const PAGE: usize = 16 << 20;
/// Redirects that are followed for one file.
const REDIRECTS: usize = 5;

/// How the hub is reached.
#[derive(Clone, Debug)]
pub struct HubSettings {
    /// Its address, as in `https://huggingface.co`.
    pub endpoint: String,
    /// A token of the user's. It goes to the hub alone, never to where it redirects.
    pub token: Option<SecretString>,
    /// Whether it may not be asked at all.
    pub offline: bool,
    /// How long it may send nothing.
    pub stall: Duration,
}

/// A repository at one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// `owner/name`.
    pub name: String,
    /// Its commit.
    pub commit: String,
    /// As its card names it.
    pub license: Option<String>,
    /// Whether its owner lets people in one by one.
    pub gated: bool,
    /// Its files.
    pub files: Vec<RemoteFile>,
}

/// A file of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteFile {
    /// Its path.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// In hex; known for large files only.
    pub sha256: Option<String>,
}

/// The hub.
#[derive(Clone, Debug)]
pub struct Hub {
    http: Client,
    base: Url,
    settings: HubSettings,
}

/// An answer with a body to be read.
pub(super) struct Answer {
    pub(super) response: Response,
    /// The SHA-256 of the whole file, where the hub told.
    pub(super) sha256: Option<String>,
}

/// A failed try.
pub(super) struct Fault {
    pub(super) error: ArtefactError,
    /// Whether to try again, and after which pause, if the server wished for one.
    #[expect(clippy::option_option, reason = "whether, and after what")]
    pub(super) again: Option<Option<Duration>>,
}

impl From<ArtefactError> for Fault {
    fn from(error: ArtefactError) -> Fault {
        Fault { error, again: None }
    }
}

impl Hub {
    /// Checks the settings; nothing is asked yet.
    pub fn new(settings: HubSettings) -> Result<Hub, ArtefactError> {
        let host = quote(&settings.endpoint);
        let wrong = |reason: String| ArtefactError::Unreachable {
            host: host.clone(),
            reason,
        };
        let base = Url::parse(&settings.endpoint).map_err(|error| wrong(error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            return Err(wrong("it is no address of a web server".to_owned()));
        }
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .connect_timeout(CONNECT);
        if is_this_machine(&base) {
            builder = builder.no_proxy();
            if base.scheme() == "http" {
                // Reading the certificates of the system takes time, and fails where there are none.
                builder = builder.tls_certs_only([]);
            }
        }
        let http = builder.build().map_err(|error| wrong(error.to_string()))?;
        Ok(Hub { http, base, settings })
    }

    /// How it is called in errors.
    pub(super) fn host(&self) -> String {
        let port = self
            .base
            .port()
            .map_or_else(String::new, |port| format!(":{port}"));
        format!("{}{port}", self.base.host_str().unwrap_or_default())
    }

    /// Looks a repository up at a revision; `main` without one.
    pub async fn repository(&self, name: &str, revision: Option<&str>) -> Result<Repository, ArtefactError> {
        let revision = revision.unwrap_or("main");
        // A revision may have slashes, which must not end its part of the path.
        let encoded = percent_encoding::utf8_percent_encode(revision, percent_encoding::NON_ALPHANUMERIC);
        let url = self.url(&format!("api/models/{name}/revision/{encoded}?blobs=true"))?;
        let what = format!("{name}@{revision}");
        let page = self.page(&url, None, &what).await?;
        let told: Told = serde_json::from_slice(&page).map_err(|error| self.garbled(&error.to_string()))?;
        if told.sha.len() < 7 || !told.sha.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(self.garbled("it names no commit"));
        }
        Ok(told.repository(name))
    }

    /// The whole of a small file, or its beginning: `limit` bytes.
    pub(super) async fn beginning(
        &self,
        repository: &Repository,
        path: &str,
        limit: usize,
    ) -> Result<Vec<u8>, ArtefactError> {
        let url = self.file_url(repository, path)?;
        let what = format!("{}/{path}", repository.name);
        self.page(&url, Some(limit), &what).await
    }

    async fn page(&self, url: &Url, first: Option<usize>, what: &str) -> Result<Vec<u8>, ArtefactError> {
        let range = first.map(|count| format!("bytes=0-{}", count.max(1) - 1));
        let mut tries = 1;
        loop {
            let fault = match self.page_once(url, range.as_deref(), first, what).await {
                Ok(page) => return Ok(page),
                Err(fault) => fault,
            };
            match fault.again.and_then(|wished| pause(tries, wished)) {
                Some(pause) if tries < TRIES => tokio::time::sleep(pause).await,
                _ => return Err(fault.error),
            }
            tries += 1;
        }
    }

    async fn page_once(
        &self,
        url: &Url,
        range: Option<&str>,
        first: Option<usize>,
        what: &str,
    ) -> Result<Vec<u8>, Fault> {
        let mut answer = self.get(url, range, what).await?;
        let mut page = Vec::new();
        let limit = first.unwrap_or(PAGE);
        while let Some(piece) = self.piece(&mut answer.response).await? {
            page.extend_from_slice(&piece);
            if first.is_some() && page.len() >= limit {
                page.truncate(limit);
                break;
            }
            if page.len() > limit {
                return Err(self.garbled("it is too large").into());
            }
        }
        Ok(page)
    }

    /// The next piece of a body; a fault that may be tried again where the connection broke or fell silent.
    pub(super) async fn piece(&self, response: &mut Response) -> Result<Option<bytes::Bytes>, Fault> {
        match tokio::time::timeout(self.settings.stall, response.chunk()).await {
            Ok(Ok(piece)) => Ok(piece),
            Ok(Err(error)) => Err(self.broken(&error)),
            Err(_) => Err(self.silent()),
        }
    }

    /// Asks for an address of the hub, and follows where it leads.
    pub(super) async fn get(&self, url: &Url, range: Option<&str>, what: &str) -> Result<Answer, Fault> {
        if self.settings.offline {
            return Err(ArtefactError::Offline.into());
        }
        let (mut url, mut sha256) = (url.clone(), None);
        for _ in 0..=REDIRECTS {
            let response = self.send(&url, range).await?;
            sha256 = linked_sha256(response.headers()).or(sha256);
            if !response.status().is_redirection() {
                if response.status().is_success() {
                    return Ok(Answer { response, sha256 });
                }
                return Err(self.refusal(response, what).await);
            }
            url = self.next(&url, &response)?;
        }
        Err(self.garbled("it redirects without end").into())
    }

    async fn send(&self, url: &Url, range: Option<&str>) -> Result<Response, Fault> {
        let mut request = self.http.get(url.clone());
        if let Some(range) = range {
            request = request.header(RANGE, range);
        }
        // The token is the hub's alone: what it redirects to has an address that is signed.
        if let Some(token) = self
            .settings
            .token
            .as_ref()
            .filter(|_| url.origin() == self.base.origin())
        {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.expose_secret()));
        }
        match tokio::time::timeout(self.settings.stall, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(self.broken(&error)),
            Err(_) => Err(self.silent()),
        }
    }

    /// Where a redirect leads; never from an encrypted connection to one that is not.
    fn next(&self, from: &Url, response: &Response) -> Result<Url, Fault> {
        let to = response
            .headers()
            .get(LOCATION)
            .and_then(|value| value.to_str().ok());
        let to = to
            .and_then(|to| from.join(to).ok())
            .ok_or_else(|| self.garbled("it redirects to nowhere"))?;
        if !matches!(to.scheme(), "http" | "https") || (from.scheme() == "https" && to.scheme() == "http") {
            return Err(self.garbled("it redirects to an address that is not safe").into());
        }
        Ok(to)
    }

    async fn refusal(&self, mut response: Response, what: &str) -> Fault {
        let status = response.status();
        let headers = response.headers();
        let code = headers
            .get("x-error-code")
            .and_then(|code| code.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        let told = headers
            .get("x-error-message")
            .and_then(|text| text.to_str().ok())
            .map(quote);
        let wished = retry_after(headers);
        let mut page = Vec::new();
        while let Ok(Some(piece)) = self.piece(&mut response).await {
            page.extend_from_slice(&piece);
            if page.len() > 4096 {
                break;
            }
        }
        let message = told.unwrap_or_else(|| quote(&String::from_utf8_lossy(&page)));
        let (host, what) = (self.host(), what.to_owned());
        let front = what.split('@').next().unwrap_or_default();
        let repository = front.split('/').take(2).collect::<Vec<_>>().join("/");
        match (status, code.as_str()) {
            (_, "GatedRepo") | (StatusCode::FORBIDDEN, _) => ArtefactError::Gated { host, repository }.into(),
            // To somebody unknown, a repository that is private and one that is not there look the same.
            (_, "RepoNotFound" | "RevisionNotFound" | "EntryNotFound") | (StatusCode::NOT_FOUND, _) => {
                ArtefactError::Missing { host, what }.into()
            }
            (StatusCode::UNAUTHORIZED, _) => ArtefactError::Unauthorized { host, what }.into(),
            (StatusCode::TOO_MANY_REQUESTS, _) => {
                let after = wished.map(|wished| wished.as_secs());
                Fault {
                    error: ArtefactError::Limited { host, after },
                    again: Some(wished),
                }
            }
            (status, _) => {
                let error = ArtefactError::Refused {
                    host,
                    status: status.as_u16(),
                    message,
                };
                Fault {
                    error,
                    again: status.is_server_error().then_some(wished),
                }
            }
        }
    }

    pub(super) fn file_url(&self, repository: &Repository, path: &str) -> Result<Url, ArtefactError> {
        self.url(&format!(
            "{}/resolve/{}/{path}",
            repository.name, repository.commit
        ))
    }

    fn url(&self, path: &str) -> Result<Url, ArtefactError> {
        let base = self.base.as_str().trim_end_matches('/');
        Url::parse(&format!("{base}/{path}")).map_err(|error| self.garbled(&error.to_string()))
    }

    fn broken(&self, error: &reqwest::Error) -> Fault {
        let mut cause: &dyn std::error::Error = error;
        while let Some(next) = cause.source() {
            cause = next;
        }
        let error = ArtefactError::Unreachable {
            host: self.host(),
            reason: quote(&cause.to_string()),
        };
        Fault {
            error,
            again: Some(None),
        }
    }

    fn silent(&self) -> Fault {
        let reason = format!("it sent nothing for {} s", self.settings.stall.as_secs());
        Fault {
            error: ArtefactError::Unreachable {
                host: self.host(),
                reason,
            },
            again: Some(None),
        }
    }

    pub(super) fn garbled(&self, reason: &str) -> ArtefactError {
        ArtefactError::Garbled {
            host: self.host(),
            reason: quote(reason),
        }
    }
}

/// How long to wait after so many failures; nothing when that is longer than anyone wants to wait.
pub(super) fn pause(failures: u32, wished: Option<Duration>) -> Option<Duration> {
    let pause = wished.unwrap_or_else(|| PAUSE * 2u32.pow(failures.min(6) - 1));
    (pause <= LONGEST_PAUSE).then_some(pause)
}

/// The hash that a large file is stored under: a quoted SHA-256 in place of an entity tag.
fn linked_sha256(headers: &HeaderMap) -> Option<String> {
    let tag = headers
        .get("x-linked-etag")?
        .to_str()
        .ok()?
        .trim_start_matches("W/")
        .trim_matches('"');
    is_sha256(tag).then(|| tag.to_ascii_lowercase())
}

pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Only seconds are understood; a date would need a clock that agrees with the server's.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What the hub tells of a repository.
#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    sha: String,
    /// `false`, `"auto"` or `"manual"`.
    #[serde(default)]
    gated: serde_json::Value,
    #[serde(default, rename = "cardData")]
    card: Option<serde_json::Value>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default)]
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    #[serde(default)]
    sha256: Option<String>,
    #[serde(default)]
    size: Option<u64>,
}

impl Told {
    fn repository(self, name: &str) -> Repository {
        let license = self.license();
        let file = |sibling: Sibling| {
            let lfs = sibling.lfs;
            RemoteFile {
                path: sibling.rfilename,
                size: lfs
                    .as_ref()
                    .and_then(|lfs| lfs.size)
                    .or(sibling.size)
                    .unwrap_or_default(),
                sha256: lfs
                    .and_then(|lfs| lfs.sha256)
                    .filter(|sha256| is_sha256(sha256))
                    .map(|sha256| sha256.to_ascii_lowercase()),
            }
        };
        Repository {
            name: name.to_owned(),
            commit: self.sha,
            license,
            gated: !matches!(
                self.gated,
                serde_json::Value::Null | serde_json::Value::Bool(false)
            ),
            files: self.siblings.into_iter().map(file).collect(),
        }
    }

    /// The card's licence; the name of one that no list has; the tag's.
    fn license(&self) -> Option<String> {
        let field = |name: &str| {
            let value = self.card.as_ref()?.get(name)?;
            let value = value.as_array().and_then(|list| list.first()).unwrap_or(value);
            value.as_str().map(quote)
        };
        let tag = || {
            self.tags
                .iter()
                .find_map(|tag| tag.strip_prefix("license:"))
                .map(quote)
        };
        field("license")
            .filter(|name| name != "other")
            .or_else(|| field("license_name"))
            .or_else(tag)
    }
}
