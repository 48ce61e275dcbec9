//! TLS: versions, suites and files.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lanyard_cli::serve::accept::Limits;
use lanyard_cli::serve::tls::{ServerTls, TlsError};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::peer::{GET, Server, assert_cut_after, router};

struct Identity {
    certificate: rcgen::Certificate,
    key: rcgen::KeyPair,
}

fn identity() -> Identity {
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    Identity { certificate: params.self_signed(&key).expect("a certificate"), key }
}

impl Identity {
    fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.certificate.der().clone()]
    }

    fn server(&self) -> ServerTls {
        ServerTls::new(self.chain(), PrivateKeyDer::Pkcs8(self.key.serialize_der().into()))
            .expect("they go together")
    }

    /// What the peer negotiates, after a request was answered over it.
    async fn negotiated(
        &self,
        server: &Server,
        version: &'static SupportedProtocolVersion,
        suites: &[CipherSuite],
    ) -> Result<(ProtocolVersion, CipherSuite), std::io::Error> {
        let mut provider = aws_lc_rs::default_provider();
        provider.cipher_suites.retain(|suite| suites.is_empty() || suites.contains(&suite.suite()));
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).expect("a root");
        let config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[version])
            .expect("a version with suites")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tcp = TcpStream::connect(server.address).await?;
        let name = ServerName::try_from("localhost").expect("a name");
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await?;
        stream.write_all(GET.as_bytes()).await?;
        let mut start = [0; 15];
        stream.read_exact(&mut start).await?;
        assert_eq!(&start, b"HTTP/1.1 200 OK");
        let (_, session) = stream.get_ref();
        Ok((
            session.protocol_version().expect("agreed"),
            session.negotiated_cipher_suite().expect("agreed").suite(),
        ))
    }
}

async fn serving(identity: &Identity, limits: Limits) -> Server {
    Server::routing(limits, router(), Some(identity.server())).await
}

#[tokio::test]
async fn tls_1_3_is_spoken() {
    let identity = identity();
    let server = serving(&identity, Limits::default()).await;
    let (version, _) = identity.negotiated(&server, &TLS13, &[]).await.unwrap();
    assert_eq!(version, ProtocolVersion::TLSv1_3);
}

#[tokio::test]
async fn of_tls_1_2_the_gcm_suites_are_spoken() {
    let identity = identity();
    let server = serving(&identity, Limits::default()).await;
    for suite in [
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ] {
        assert_eq!(
            identity.negotiated(&server, &TLS12, &[suite]).await.unwrap(),
            (ProtocolVersion::TLSv1_2, suite)
        );
    }
}

#[tokio::test]
async fn of_tls_1_2_chacha20_is_refused() {
    let identity = identity();
    let server = serving(&identity, Limits::default()).await;
    let suite = CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256;
    let refused = identity.negotiated(&server, &TLS12, &[suite]).await.unwrap_err();
    assert!(refused.to_string().contains("HandshakeFailure"), "{refused}");
}

#[tokio::test]
async fn a_handshake_that_never_comes_is_cut() {
    let limit = Duration::from_millis(200);
    let server = serving(&identity(), Limits { header: limit, ..Limits::default() }).await;
    let started = Instant::now();
    assert_eq!(server.connect().await.rest().await, "");
    assert_cut_after(limit, started);
}

struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: TempDir::new().expect("a folder") }
    }

    fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("writable");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("ours");
        path
    }
}

fn fault(certificates: &Path, key: &Path) -> TlsError {
    ServerTls::from_pem_files(certificates, key).err().expect("refused")
}

#[tokio::test]
async fn certificate_and_key_come_from_pem_files() {
    let (files, identity) = (Files::new(), identity());
    let certificates = files.write("chain.pem", &identity.certificate.pem(), 0o644);
    let key = files.write("key.pem", &identity.key.serialize_pem(), 0o600);
    let tls = ServerTls::from_pem_files(&certificates, &key).unwrap();
    let server = Server::routing(Limits::default(), router(), Some(tls)).await;
    assert!(identity.negotiated(&server, &TLS13, &[]).await.is_ok());
}

#[test]
fn a_key_that_everyone_may_read_is_refused() {
    let (files, identity) = (Files::new(), identity());
    let certificates = files.write("chain.pem", &identity.certificate.pem(), 0o644);
    let key = files.write("key.pem", &identity.key.serialize_pem(), 0o644);
    assert!(
        matches!(fault(&certificates, &key), TlsError::KeyReadableByAll { path } if path == key)
    );
}

#[test]
fn files_that_hold_something_else_are_refused_by_name() {
    let (files, identity, other) = (Files::new(), identity(), identity());
    let certificates = files.write("chain.pem", &identity.certificate.pem(), 0o644);
    let key = files.write("key.pem", &identity.key.serialize_pem(), 0o600);
    let foreign = files.write("foreign.pem", &other.key.serialize_pem(), 0o600);
    let empty = files.write("empty.pem", "", 0o600);
    let absent = files.folder.path().join("absent.pem");
    assert!(matches!(fault(&absent, &key), TlsError::Unreadable { path, .. } if path == absent));
    assert!(
        matches!(fault(&certificates, &absent), TlsError::Unreadable { path, .. } if path == absent)
    );
    assert!(matches!(fault(&empty, &key), TlsError::NoCertificate { path } if path == empty));
    assert!(
        matches!(fault(&certificates, &empty), TlsError::Unreadable { path, .. } if path == empty)
    );
    assert!(matches!(fault(&certificates, &foreign), TlsError::Mismatch(_)));
}
