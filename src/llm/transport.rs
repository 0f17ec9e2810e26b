//! The way to a server: its address, the proxy, the certificates that count, and the key in the header.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, ClientBuilder, Proxy, Url};
use secrecy::ExposeSecret;

use super::endpoint::{ApiKey, EndpointConfig};
use super::error::LlmError;
use super::peer::{public_name, root_cause};

/// How a server is reached, where it is not simply there.
#[derive(Debug, Clone, Default)]
pub struct Transport {
    /// The proxy to ask through; those of the environment (`HTTPS_PROXY` and its kin) without it.
    pub proxy: Option<ApiKey>,
    /// Certificates in PEM form that count beside those of the system.
    pub ca: Option<Vec<u8>>,
}

pub(super) fn base_url(text: &str) -> Result<Url, LlmError> {
    // The text itself is not quoted unless it parses: it may hold a password.
    let wrong = |url: String, reason: String| LlmError::Address { url, reason };
    let url = Url::parse(text).map_err(|error| wrong("(unreadable)".to_owned(), error.to_string()))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        scheme => Err(wrong(public_name(&url), format!("`{scheme}` is not spoken"))),
    }
}

/// A client for an endpoint. The proxy variables of the environment are honoured, except for this machine itself; a
/// proxy that was configured is used for whatever it was configured for.
pub(super) fn client_builder(url: &Url, config: &EndpointConfig) -> Result<ClientBuilder, LlmError> {
    let setup = |reason: String| LlmError::Setup {
        endpoint: public_name(url),
        reason,
    };
    let mut builder = plain_builder(config.timeouts.connect);
    match &config.transport.proxy {
        Some(proxy) => {
            // Its address may hold a password, so errors of it are not quoted.
            let proxy = Proxy::all(proxy.expose_secret());
            let proxy = proxy.map_err(|_| setup("the address of the proxy cannot be used".to_owned()))?;
            builder = builder.no_proxy().proxy(proxy);
        }
        None if is_this_machine(url) => builder = builder.no_proxy(),
        None => {}
    }
    // Reading the certificates of the system takes time, and fails where there are none.
    if url.scheme() == "http" {
        return Ok(builder.tls_certs_only([]));
    }
    let Some(pem) = &config.transport.ca else {
        return Ok(builder);
    };
    let unreadable = |reason: &str| setup(format!("the certificates cannot be read: {reason}"));
    let certificates = Certificate::from_pem_bundle(pem).map_err(|error| unreadable(&root_cause(&error)))?;
    if certificates.is_empty() {
        return Err(unreadable("there is none in PEM form"));
    }
    Ok(builder.tls_certs_merge(certificates))
}

/// What every connection has in common. Redirects are not followed, so that a prompt goes nowhere but where the user said.
pub(super) fn plain_builder(connect: Duration) -> ClientBuilder {
    reqwest::Client::builder()
        .redirect(Policy::none())
        .connect_timeout(connect)
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

pub(super) fn headers(key: Option<&ApiKey>) -> Result<HeaderMap, &'static str> {
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        let value = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret()));
        let mut value = value.map_err(|_| "the API key has characters that cannot be sent")?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_not_used_for_this_machine() {
        let here = |text: &str| is_this_machine(&text.parse().unwrap());
        assert!(
            here("http://localhost:11434/v1") && here("http://127.8.0.1/v1") && here("http://[::1]:80/v1")
        );
        assert!(!here("http://localhost.example.com/v1") && !here("http://10.0.0.1/v1"));
    }
}
