//! Tests over whole chains: captured ones, public ones, and ones made here to order.

mod captured;
mod forged;
mod pki;
mod timestamps;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::Roots;

pub(super) fn corpus(file: &str) -> Vec<u8> {
    let path = format!("{}/../../corpus/chains/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A chain of the corpus as DER.
pub(super) fn pem(name: &str) -> Vec<Vec<u8>> {
    CertificateDer::pem_slice_iter(&corpus(&format!("{name}.pem"))).map(|der| der.unwrap().to_vec()).collect()
}

pub(super) fn public_roots() -> Roots {
    Roots::from_anchors(webpki_roots::TLS_SERVER_ROOTS)
}

fn slices(chain: &[Vec<u8>]) -> Vec<&[u8]> {
    chain.iter().map(Vec::as_slice).collect()
}
