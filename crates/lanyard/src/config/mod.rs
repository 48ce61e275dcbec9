//! `lanyard serve --config lanyard.toml`: read once, checked whole, every fault with its line.
//!
//! `docs/configuration.md` lists every key, `examples/lanyard.toml` shows them.

mod asking;
mod audit;
mod described;
mod fault;
mod file;
mod integration;
mod login;
mod reference;
mod sealing;
mod sources;
mod store;
mod telemetry;
mod tenant;
mod verifying;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use lanyard_verifier::VcApiTrust;
use serde_spanned::Spanned;
use url::{Host, Url};

pub use asking::Asking;
pub use audit::Auditing;
pub use fault::{ConfigError, Fault};
pub use file::{EncryptionMode, Mode, UnreadableAttestations};
pub use login::{Authorization, ClaimsSource, HolderLogin, LoginPlace, LoginProvider, OtherServer};
pub use reference::{reference, schema};
pub use store::SharedStore;
pub use tenant::{DidKeyFile, SigningFiles, Tenant};

use fault::Faults;
use file::{File, RatesTable, VcApi};

use crate::keys::{KeyFile, Pkcs11Uri, Sealing};
use crate::network::Network;
use crate::serve::otlp::TelemetryOptions;
use crate::serve::rates::Rates;

/// A configuration that can be served.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file that says it.
    pub path: PathBuf,
    /// Production or development.
    pub mode: Mode,
    /// The public URL, without a path.
    pub base_url: Url,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The data folder.
    pub data: PathBuf,
    /// The database that replicas share; without, everything is in the data folder.
    pub store: Option<SharedStore>,
    /// Where the key-encryption keys are.
    pub sealing: Sealing,
    /// How connections are protected.
    pub transport: Transport,
    /// Whether it issues.
    pub issuer: bool,
    /// Whether it is hard to deal with for wallets, on purpose.
    pub awkward: bool,
    /// Whether it verifies.
    pub verifier: bool,
    /// Whether it resolves DIDs for others.
    pub resolver: bool,
    /// Whom the VC API believes; without, there is none.
    pub vc_api: Option<VcApiTrust>,
    /// Where the operator reads metrics, if anywhere.
    pub metrics: Option<SocketAddr>,
    /// The collector that is told, if there is one.
    pub telemetry: Option<TelemetryOptions>,
    /// What it does with its audit chains.
    pub audit: Auditing,
    /// How often clients may ask; none where nobody counts.
    pub rates: Option<Rates>,
    /// Whether it serves the web pages.
    pub pages: bool,
    /// The tenants.
    pub tenants: Vec<Tenant>,
}

/// How connections are protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// Plain http, for loopback in development mode.
    PlainLoopback,
    /// TLS ends here.
    Tls {
        /// The certificate chain, PEM.
        certificates: PathBuf,
        /// The private key, PEM.
        key: PathBuf,
    },
    /// TLS ends at one of these proxies.
    BehindProxy(Vec<Network>),
}

impl Config {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// Every fault, each with file and line.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError {
            faults: vec![Fault {
                file: path.to_owned(),
                line: 1,
                what: format!(
                    "the file cannot be read ({}); pass another one with --config",
                    error.kind()
                ),
            }],
        })?;
        Self::parse(path, &text)
    }

    /// Reads `text`, which stands at `path`: the files it names are relative to that.
    ///
    /// # Errors
    /// Every fault, each with file and line.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let mut faults = Faults::new(path, text);
        let file: File = match toml::from_str(text) {
            Ok(file) => file,
            Err(error) => {
                faults.at(error.span().unwrap_or(0..0), plain_words(error.message()));
                return faults.conclude(None);
            }
        };
        let value = examine(&file, path, &mut faults);
        faults.conclude(value)
    }
}

fn examine(file: &File, path: &Path, faults: &mut Faults<'_>) -> Option<Config> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let base_url = base_url(file, faults);
    let listen = listen(file, faults);
    let transport = transport(file, folder, base_url.as_ref(), listen, faults);
    if file.issuer.is_none() && file.verifier.is_none() {
        faults.at(0..0, "nothing to serve; add an [issuer] section, a [verifier] section or both");
    }
    if file.tenants.is_empty() {
        faults.at(0..0, "no tenant; add [[tenants]] with id = \"acme\" and name = \"Acme\"");
    }
    if let (true, Some(second)) = (file.pages, file.tenants.get(1)) {
        faults.at(
            second.span(),
            "the pages serve one tenant; write pages = false, or run one server for each tenant",
        );
    }
    let awkward = file.issuer.as_ref().and_then(|issuer| issuer.awkward.as_ref());
    let awkward = awkward.filter(|awkward| *awkward.get_ref());
    if let (Some(awkward), true) = (awkward, file.mode != Mode::Development) {
        faults.at(
            awkward.span(),
            "an awkward issuer is for trying wallets out; it needs mode = \"development\"",
        );
    }
    let tenants = tenant::examine_all(file, folder, faults);
    let store = store::examine(file, folder, faults);
    let sealing = sealing::examine(file, folder, faults);
    let audit = audit::examine(file, folder, faults);
    Some(Config {
        path: path.to_owned(),
        mode: file.mode,
        base_url: base_url?,
        listen: listen?,
        data: folder.join(file.data.get_ref()),
        store: store?,
        sealing: sealing?,
        transport: transport?,
        issuer: file.issuer.is_some(),
        awkward: awkward.is_some(),
        verifier: file.verifier.is_some(),
        resolver: file.resolver.is_some(),
        vc_api: file.vc_api.map(|word| match word {
            VcApi::TrustedIssuers => VcApiTrust::TrustedIssuers,
            VcApi::AnyDid => VcApiTrust::AnyDid,
        }),
        metrics: metrics(file, listen, faults),
        telemetry: telemetry::examine(file, faults),
        audit: audit?,
        rates: (!file.rates.off).then(|| rates(&file.rates)),
        pages: file.pages,
        tenants,
    })
}

/// The address for metrics: none of the public one's, whose every path strangers reach.
fn metrics(file: &File, public: Option<SocketAddr>, faults: &mut Faults<'_>) -> Option<SocketAddr> {
    let written = file.metrics.as_ref()?;
    let Ok(address) = written.get_ref().parse::<SocketAddr>() else {
        let what = "metrics is not an address with a port; write for example \"127.0.0.1:9464\"";
        faults.at(written.span(), what);
        return None;
    };
    if public.is_some_and(|public| public.port() == address.port()) {
        faults.at(written.span(), "metrics need a port of their own; everybody reaches this one");
        return None;
    }
    Some(address)
}

fn rates(written: &RatesTable) -> Rates {
    let default = Rates::default();
    Rates {
        token: written.token.unwrap_or(default.token),
        nonce: written.nonce.unwrap_or(default.nonce),
        credential: written.credential.unwrap_or(default.credential),
        fetch: written.fetch.unwrap_or(default.fetch),
        response: written.response.unwrap_or(default.response),
        login: written.login.unwrap_or(default.login),
        api: written.api.unwrap_or(default.api),
        resolution: written.resolution.unwrap_or(default.resolution),
        wrong_keys_per_minute: written
            .wrong_keys_per_minute
            .unwrap_or(default.wrong_keys_per_minute),
    }
}

fn base_url(file: &File, faults: &mut Faults<'_>) -> Option<Url> {
    let written = &file.base_url;
    let mut refuse = |what: String| {
        faults.at(written.span(), what);
        None
    };
    let Ok(url) = Url::parse(written.get_ref()) else {
        return refuse(
            "base_url is not a URL; write for example \"https://credentials.example.com\"".into(),
        );
    };
    if url.path() != "/"
        || url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
    {
        return refuse(format!(
            "base_url must be scheme, host and port alone; write \"{}\"",
            url.origin().ascii_serialization()
        ));
    }
    match url.scheme() {
        "https" => Some(url),
        "http" if file.mode == Mode::Development && is_loopback(&url) => Some(url),
        "http" if file.mode == Mode::Development => {
            refuse("plain http is for loopback alone; write \"http://localhost:7077\" or an https URL".into())
        }
        "http" => refuse(
            "base_url must be https in production; write \"https://…\", or mode = \"development\" with a loopback URL".into(),
        ),
        _ => refuse("base_url must begin with https://".into()),
    }
}

/// Whether a URL leads to this machine and to no other.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn listen(file: &File, faults: &mut Faults<'_>) -> Option<SocketAddr> {
    let parsed = file.listen.get_ref().parse().ok();
    if parsed.is_none() {
        faults.at(
            file.listen.span(),
            "listen is not an address with a port; write for example \"127.0.0.1:7077\"",
        );
    }
    parsed
}

fn transport(
    file: &File,
    folder: &Path,
    base_url: Option<&Url>,
    listen: Option<SocketAddr>,
    faults: &mut Faults<'_>,
) -> Option<Transport> {
    match (&file.tls, &file.behind_proxy) {
        (Some(_), Some(proxies)) => {
            faults.at(
                proxies.span(),
                "TLS ends either here or at a proxy; keep [tls] or behind_proxy, not both",
            );
            None
        }
        (Some(tls), None) => {
            let certificates = existing(&tls.get_ref().certificates, folder, faults);
            let key = private(&tls.get_ref().key, folder, faults);
            Some(Transport::Tls { certificates: certificates?, key: key? })
        }
        (None, Some(proxies)) => behind_proxy(proxies.get_ref(), proxies.span(), faults),
        (None, None) => plain(file, base_url, listen, faults),
    }
}

fn behind_proxy(
    written: &[Spanned<String>],
    span: std::ops::Range<usize>,
    faults: &mut Faults<'_>,
) -> Option<Transport> {
    if written.is_empty() {
        faults.at(span, "behind_proxy names no proxy; write for example [\"127.0.0.1\"]");
        return None;
    }
    let mut proxies = Vec::new();
    for network in written {
        match network.get_ref().parse::<Network>() {
            Ok(parsed) if parsed.is_everything() => faults.at(
                network.span(),
                "everybody would be a proxy and could say that anybody asks; name the network that the proxies are in",
            ),
            Ok(parsed) => proxies.push(parsed),
            Err(error) => faults.at(network.span(), format!("{}: {error}", network.get_ref())),
        }
    }
    Some(Transport::BehindProxy(proxies))
}

fn plain(
    file: &File,
    base_url: Option<&Url>,
    listen: Option<SocketAddr>,
    faults: &mut Faults<'_>,
) -> Option<Transport> {
    if base_url?.scheme() == "https" {
        faults.at(file.base_url.span(), "an https base_url needs [tls] with certificates and key, or behind_proxy = [\"127.0.0.1\"]");
        return None;
    }
    if !listen?.ip().is_loopback() {
        faults.at(
            file.listen.span(),
            "plain http listens on loopback alone; write \"127.0.0.1:7077\"",
        );
        return None;
    }
    Some(Transport::PlainLoopback)
}

/// The path, if a file is there.
fn existing(written: &Spanned<PathBuf>, folder: &Path, faults: &mut Faults<'_>) -> Option<PathBuf> {
    let path = folder.join(written.get_ref());
    if !path.is_file() {
        faults.at(
            written.span(),
            format!(
                "there is no file {}; paths are relative to the configuration file",
                path.display()
            ),
        );
        return None;
    }
    Some(path)
}

/// The path, if a file is there that nobody but its owner can read.
fn private(written: &Spanned<PathBuf>, folder: &Path, faults: &mut Faults<'_>) -> Option<PathBuf> {
    let path = existing(written, folder, faults)?;
    if let Some(mode) = crate::files::open_to_others(&path) {
        faults.at(
            written.span(),
            format!(
                "{} can be read by others (mode {mode:03o}); run chmod 600 {0}",
                path.display()
            ),
        );
        return None;
    }
    Some(path)
}

/// Where a private key is, if it is there: in a file, or on a token where the text is a PKCS #11 URI.
fn key_file(written: &Spanned<PathBuf>, folder: &Path, faults: &mut Faults<'_>) -> Option<KeyFile> {
    let text = written.get_ref().to_str().filter(|text| text.starts_with(Pkcs11Uri::SCHEME));
    match text {
        Some(text) => on_token(text, written.span(), folder, faults).map(KeyFile::Token),
        None => private(written, folder, faults).map(KeyFile::Pem),
    }
}

/// The name of a key on a token, if the driver and a PIN file that nobody else reads are there.
fn on_token(
    text: &str,
    span: std::ops::Range<usize>,
    folder: &Path,
    faults: &mut Faults<'_>,
) -> Option<Pkcs11Uri> {
    let uri = match Pkcs11Uri::parse(text) {
        Ok(uri) => uri,
        Err(error) => {
            faults.at(span, error.to_string());
            return None;
        }
    };
    let module = existing(&Spanned::new(span.clone(), uri.module.clone()), folder, faults);
    let pin_file = private(&Spanned::new(span, uri.pin_file.clone()), folder, faults);
    Some(Pkcs11Uri { module: module?, pin_file: pin_file?, ..uri })
}

/// The parser's message, in the words of this file.
fn plain_words(message: &str) -> String {
    let message = message.trim().replace('\n', " ");
    match message.strip_prefix("unknown field ") {
        Some(rest) => format!("unknown key {rest}"),
        None => message.replace("missing field", "missing key"),
    }
}
