//! The certificate that a server shows: one's own from files, or one made at start together with the CA that signs it.
//!
//! Of what is made, the CA's certificate is the only thing that is ever written down.

use super::Error;
use jiff::{Timestamp, ToSpan as _, tz::Offset};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// How long a certificate that is made is valid: as long as the strictest clients take, less a day.
const VALID_DAYS: i64 = 396;

/// Where a server's certificate comes from.
#[derive(Debug, Clone)]
pub(super) enum Certificate {
    Files {
        certificate: PathBuf,
        key: PathBuf,
    },
    /// The CA's certificate goes to the file, or to a new one.
    Made {
        ca_file: Option<PathBuf>,
    },
}

/// A certificate with its key, ready for use.
pub(super) struct Identity {
    pub(super) config: Arc<ServerConfig>,
    pub(super) ca_file: Option<CaFile>,
}

/// The file that has the CA's certificate. One that nobody asked for goes when the server does.
#[derive(Debug)]
pub(super) struct CaFile {
    pub(super) path: PathBuf,
    is_ours: bool,
}

impl Drop for CaFile {
    fn drop(&mut self) {
        if self.is_ours {
            // Who has removed it before has done no harm.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Certificate {
    /// Reads or makes it; `host` is the address that is listened on.
    pub(super) fn identity(&self, host: IpAddr) -> Result<Identity, Error> {
        match self {
            Self::Files { certificate, key } => {
                let config = from_files(certificate, key).map_err(Error::other)?;
                Ok(Identity { config, ca_file: None })
            }
            Self::Made { ca_file } => {
                let unmade = |error: rcgen::Error| Error::other(format!("a certificate cannot be made: {error}"));
                let (ca, chain, key) = make(host).map_err(unmade)?;
                let config = config(chain, key)
                    .map_err(|error| Error::other(format!("a certificate cannot be used: {error}")))?;
                Ok(Identity { config, ca_file: Some(written(ca_file.as_deref(), &ca)?) })
            }
        }
    }
}

fn config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    if cfg!(feature = "http2") {
        config.alpn_protocols.push(b"h2".to_vec());
    }
    config.alpn_protocols.push(b"http/1.1".to_vec());
    Ok(Arc::new(config))
}

fn from_files(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, String> {
    let read = |path: &Path, what: &str| {
        std::fs::read(path).map_err(|error| format!("cannot read the {what} `{}`: {error}", path.display()))
    };
    let (shown, shown_key) = (certificate.display(), key.display());
    let pem = read(certificate, "certificate")?;
    let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|_| format!("the certificate `{shown}` is no valid PEM"))?;
    if chain.is_empty() {
        return Err(format!("`{shown}` has no certificate: there is no `-----BEGIN CERTIFICATE-----`"));
    }
    let pem = read(key, "private key")?;
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| match error {
        rustls::pki_types::pem::Error::NoItemsFound if contains(&pem, b"BEGIN ENCRYPTED PRIVATE KEY") => {
            format!("the private key `{shown_key}` is encrypted; `openssl pkey -in {shown_key} -out FILE` decrypts it")
        }
        rustls::pki_types::pem::Error::NoItemsFound => {
            format!("`{shown_key}` has no private key: there is no `-----BEGIN PRIVATE KEY-----`")
        }
        _ => format!("the private key `{shown_key}` is no valid PEM"),
    })?;
    config(chain, key).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => format!("`{shown_key}` is not the key of the certificate in `{shown}`"),
        rustls::Error::InvalidCertificate(reason) => {
            format!("the certificate in `{shown}` cannot be used: {reason}")
        }
        other => format!("the private key in `{shown_key}` cannot be used: {other}"),
    })
}

fn contains(text: &[u8], words: &[u8]) -> bool {
    text.windows(words.len()).any(|window| window == words)
}

type Made = (String, Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// A CA, as PEM, and what it signed.
fn make(host: IpAddr) -> Result<Made, rcgen::Error> {
    let today = Offset::UTC.to_datetime(Timestamp::now()).date();
    let validity = |days: i64| {
        let day = today.saturating_add(days.days());
        date_time_ymd(day.year().into(), day.month().unsigned_abs(), day.day().unsigned_abs())
    };
    let named = |mut params: CertificateParams, name: &str| {
        params.distinguished_name.push(DnType::CommonName, name);
        // Clocks differ by hours at most.
        (params.not_before, params.not_after) = (validity(-1), validity(VALID_DAYS));
        params
    };
    let mut ca = named(CertificateParams::default(), "chatkitty-mock CA, made at start");
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let ca_key = KeyPair::generate()?;
    let ca_pem = ca.self_signed(&ca_key)?.pem();
    let mut names = vec!["localhost".to_owned(), "*.localhost".to_owned()];
    let mut addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST), host];
    addresses.dedup();
    names.extend(addresses.iter().map(IpAddr::to_string));
    let mut leaf = named(CertificateParams::new(names)?, "chatkitty-mock");
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let signed = leaf.signed_by(&key, &Issuer::new(ca, ca_key))?;
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    Ok((ca_pem, vec![signed.der().clone()], key))
}

/// Writes the CA's certificate where it was asked for, else to a file that nobody has had before.
fn written(asked: Option<&Path>, pem: &str) -> Result<CaFile, Error> {
    let path = match asked {
        Some(path) => path.to_owned(),
        None => {
            let name = format!("chatkitty-mock-ca-{:032x}.pem", super::builder::random()?);
            std::env::temp_dir().join(name)
        }
    };
    let mut options = OpenOptions::new();
    match asked {
        Some(_) => options.write(true).create(true).truncate(true),
        // In a folder that others write to, it must not be a link of theirs.
        None => options.write(true).create_new(true),
    };
    let outcome = options.open(&path).and_then(|mut file| file.write_all(pem.as_bytes()));
    outcome
        .map_err(|error| Error::other(format!("cannot write the CA's certificate to `{}`: {error}", path.display())))?;
    Ok(CaFile { path, is_ours: asked.is_none() })
}
