//! The certificate that callers see.

use crate::config::TlsConfig;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A file of `server.tls` that can't be used.
#[derive(Debug, thiserror::Error)]
#[error("server.tls: {file} can't be used: {cause}")]
pub struct TlsConfigError {
    file: PathBuf,
    cause: TlsFileError,
}

/// What is wrong with a file of `server.tls`. It never shows what is in it: that may be the key.
#[derive(Debug, thiserror::Error)]
pub enum TlsFileError {
    /// It can't be read.
    #[error("it can't be read: {0}")]
    File(std::io::Error),
    /// It has nothing of what is looked for.
    #[error("it has no {0} in PEM")]
    Nothing(&'static str),
    /// It is broken.
    #[error("its PEM is broken")]
    Broken,
    /// Certificate and key don't make one.
    #[error("it can't be used with the key of `server.tls.key`: {0}")]
    Unusable(rustls::Error),
}

/// Reads certificate and key, and makes sure that they can be used together.
///
/// # Errors
/// [`TlsConfigError`], with the file that is to blame.
pub fn load(config: &TlsConfig) -> Result<Arc<ServerConfig>, TlsConfigError> {
    let TlsConfig { cert, key } = config;
    let blame = |file: &Path, cause| TlsConfigError {
        file: file.to_path_buf(),
        cause,
    };
    let chain = certificates(cert).map_err(|bad| blame(cert, bad))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| safe(error, "private key"));
    let private = private.map_err(|bad| blame(key, bad))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(chain, private)
        })
        .map_err(|error| blame(cert, TlsFileError::Unusable(error)))?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}

/// The certificates in a file.
///
/// # Errors
/// [`TlsFileError`].
pub fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFileError> {
    let chain = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let chain: Vec<_> = chain.map_err(|error| safe(error, "certificate"))?;
    if chain.is_empty() {
        return Err(TlsFileError::Nothing("certificate"));
    }
    Ok(chain)
}

fn safe(error: pem::Error, wanted: &'static str) -> TlsFileError {
    match error {
        pem::Error::Io(error) => TlsFileError::File(error),
        pem::Error::NoItemsFound => TlsFileError::Nothing(wanted),
        _ => TlsFileError::Broken,
    }
}
