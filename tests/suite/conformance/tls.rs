//! A server behind TLS whose certificate a private authority signed: it is believed where `ca` names the authority.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::mocks::{KEY, Kind, Server};
use crate::suite::cli::stand::{RUNTIME, Ran, Stand};

/// Puts TLS in front of a server on loopback; gives its address, and the authority's certificate as PEM.
async fn in_front_of(base: &str) -> (String, String) {
    let authority = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let root = params.self_signed(&authority).unwrap().pem();
    let issuer = Issuer::new(params, authority);
    let key = KeyPair::generate().unwrap();
    let mut server = CertificateParams::default();
    server.subject_alt_names = vec![SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST))];
    let certificate = server.signed_by(&key, &issuer).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}/v1", listener.local_addr().unwrap());
    let behind = base
        .trim_start_matches("http://")
        .trim_end_matches("/v1")
        .to_owned();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, behind) = (acceptor.clone(), behind.clone());
            tokio::spawn(async move {
                // A client that does not believe the certificate goes away here.
                let Ok(mut outer) = acceptor.accept(stream).await else {
                    return;
                };
                let mut inner = TcpStream::connect(behind).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut outer, &mut inner).await;
            });
        }
    });
    (address, root)
}

#[test]
fn a_private_authority_is_believed_where_it_is_named() {
    let (address, root) = RUNTIME.block_on(async {
        let (_, base) = Server::start(Kind::OpenAi).await;
        in_front_of(&base).await
    });
    let stand = Stand::shared();
    let run = |arguments: &[&str]| {
        let mut command = stand.sayso(arguments);
        command
            .env("SAYSO_MODEL", format!("{address}#tiny"))
            .env("OPENAI_API_KEY", KEY);
        Ran::of(arguments, &command.output().unwrap())
    };
    let refused = run(&["list pods and nodes"]);
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(
        refused.err.contains("certificate") && refused.err.contains("hint: `ca` in config.toml"),
        "{refused}"
    );
    let ca = stand.write("company.pem", root);
    stand.write(
        ".config/sayso/config.toml",
        format!("[model]\nca = '{}'\n", ca.display()),
    );
    let answered = run(&["list pods and nodes"]);
    assert_eq!(answered.code, Some(0), "{answered}");
    assert!(answered.out.contains("node-1"), "{answered}");
    std::fs::remove_file(ca).unwrap();
    let missing = run(&["list pods and nodes"]);
    assert!(
        missing.code == Some(1) && missing.err.contains("company.pem"),
        "{missing}"
    );
}
