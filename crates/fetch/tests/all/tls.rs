//! TLS with an authority of one's own.

use std::sync::Arc;

use lanyard_fetch::{FetchError, HttpClient, RootCertificateInvalid, SafeFetcher};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use url::Url;

use crate::server::{Names, builder, metadata};

struct TlsServer {
    port: u16,
    root_pem: String,
}

impl TlsServer {
    async fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key"))
            .expect("a root");
        let key = KeyPair::generate().expect("a key");
        let leaf = CertificateParams::new(vec![name.to_owned()])
            .expect("a name")
            .signed_by(&key, &authority)
            .expect("a leaf");
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                vec![leaf.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .expect("a matching key");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
        let port = listener.local_addr().expect("bound").port();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut head = [0; 4096];
                let _ = stream.read(&mut head).await;
                let _ = stream
                    .write_all(
                        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
                    )
                    .await;
                let _ = stream.shutdown().await;
            }
        });
        Self { port, root_pem: authority.pem() }
    }

    fn url(&self, host: &str) -> Url {
        Url::parse(&format!("https://{host}:{}/", self.port)).expect("a URL")
    }
}

#[tokio::test]
async fn an_extra_root_is_trusted_for_the_names_it_vouches_for() {
    let server = TlsServer::named("issuer.test").await;
    let names =
        Names::with(&[("issuer.test", &[&["127.0.0.1"]]), ("other.test", &[&["127.0.0.1"]])]);
    let pairs = || {
        ["issuer.test", "other.test"].map(|host| format!("{host}:{}", server.port).parse().unwrap())
    };
    let fetcher = builder(pairs())
        .resolver(names.clone())
        .trust_roots(server.root_pem.as_bytes())
        .unwrap()
        .build();

    assert_eq!(fetcher.send(metadata(server.url("issuer.test"))).await.unwrap().body, "{}");
    let wrong_name = fetcher.send(metadata(server.url("other.test"))).await.unwrap_err();
    assert!(
        matches!(&wrong_name, FetchError::TlsFailed { host, detail } if host == "other.test" && detail.contains("not valid for name")),
        "{wrong_name}"
    );

    let without = builder(pairs()).resolver(names).build();
    let unknown = without.send(metadata(server.url("issuer.test"))).await.unwrap_err();
    assert!(
        matches!(&unknown, FetchError::TlsFailed { detail, .. } if detail.contains("UnknownIssuer")),
        "{unknown}"
    );
}

#[test]
fn a_file_without_a_certificate_is_no_root() {
    for pem in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n"] {
        assert_eq!(
            SafeFetcher::builder().trust_roots(pem.as_bytes()).err(),
            Some(RootCertificateInvalid),
            "{pem}"
        );
    }
}
