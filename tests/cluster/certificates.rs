//! An authority of its own for each control plane: nothing of it outlives the folder that it is written to.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};

/// Writes `ca.crt`, `server.crt` and `.key` for loopback, `admin.crt` and `.key`, and `accounts.key` and `.pub` for the
/// tokens of service accounts.
pub fn write(folder: &Path) {
    let authority = KeyPair::generate().unwrap();
    let mut params = named("sayso-tests", None);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let root = params.self_signed(&authority).unwrap();
    put(folder, "ca.crt", &root.pem());
    let issuer = Issuer::new(params, authority);
    let mut server = named("kube-apiserver", None);
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    server.subject_alt_names = vec![
        SanType::IpAddress(loopback),
        SanType::DnsName("localhost".try_into().unwrap()),
    ];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    signed(folder, "server", &server, &issuer);
    let mut admin = named("admin", Some("system:masters"));
    admin.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    signed(folder, "admin", &admin, &issuer);
    let accounts = KeyPair::generate().unwrap();
    put(folder, "accounts.key", &accounts.serialize_pem());
    put(folder, "accounts.pub", &accounts.public_key_pem());
}

/// A certificate that calls itself so; its organization is what Kubernetes takes for a group.
fn named(name: &str, group: Option<&str>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    if let Some(group) = group {
        params.distinguished_name.push(DnType::OrganizationName, group);
    }
    params
}

fn signed(folder: &Path, name: &str, params: &CertificateParams, issuer: &Issuer<'_, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let certificate: Certificate = params.signed_by(&key, issuer).unwrap();
    put(folder, &format!("{name}.crt"), &certificate.pem());
    put(folder, &format!("{name}.key"), &key.serialize_pem());
}

fn put(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}
