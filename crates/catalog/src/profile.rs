//! What of a service is tested: concrete hosts, and what each promises.
//!
//! A profile comes from a service file ([`crate::service`] has the format) and is complete without an endpoint list.
//! Bound to one, every target learns the addresses that are published for it.

use std::collections::BTreeMap;

use model::{Feature, ServiceRef, Target};

use crate::builtin;
use crate::catalogue::Catalogue;
use crate::matching::Query;
use crate::names::excerpt;
use crate::service::{self, ServiceError};

/// A service, ready to be tested.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    pub id: String,
    pub name: String,
    /// The profile's own version.
    pub version: String,
    /// Whose endpoint list belongs to it: an instance, and a version where it must be that one. A service without
    /// a list has neither.
    pub instance: Option<String>,
    pub catalogue: Option<String>,
    pub features: BTreeMap<String, Feature>,
    pub targets: Vec<Target>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    #[error(transparent)]
    File(#[from] ServiceError),
    #[error("tenant `{0}`: expected {expected}", expected = service::TENANT_EXPECTED)]
    Tenant(String),
    #[error("no service is called `{0}`; built in is {1}")]
    Unknown(String, String),
}

impl Profile {
    /// Reads a service file. The tenant replaces `{tenant}` in host names, before the file's own default.
    pub fn parse(text: &str, tenant: Option<&str>) -> Result<Self, ProfileError> {
        let tenant = tenant
            .map(|text| service::read_tenant(text).ok_or_else(|| ProfileError::Tenant(excerpt(text))))
            .transpose()?;
        Ok(service::read(text, tenant.as_deref())?)
    }

    /// A profile that is compiled in, by the id of its service.
    pub fn builtin(id: &str, tenant: Option<&str>) -> Result<Self, ProfileError> {
        let unknown = || {
            let known: Vec<&str> = builtin::SERVICES.iter().map(|(id, _)| *id).collect();
            ProfileError::Unknown(excerpt(id), known.join(", "))
        };
        let (_, text) = builtin::SERVICES.iter().find(|(known, _)| *known == id).ok_or_else(unknown)?;
        Self::parse(text, tenant)
    }

    /// Takes over the published addresses of each target, from the set that its host and port belong to. Addresses that
    /// the service file states stay; a set without addresses gives none, and then none are published.
    pub fn bind(&mut self, catalogue: &Catalogue) {
        self.instance = Some(catalogue.instance().as_str().to_owned());
        self.catalogue = Some(catalogue.version().as_str().to_owned());
        for target in self.targets.iter_mut().filter(|target| target.promises.addresses.is_empty()) {
            if let Some(found) = catalogue.host(&target.host, Query::tcp(target.port)) {
                target.promises.addresses.clone_from(&found.set.networks);
            }
        }
    }

    /// How a record names this service.
    pub fn reference(&self) -> ServiceRef {
        ServiceRef {
            id: self.id.clone(),
            name: self.name.clone(),
            profile: self.version.clone(),
            instance: self.instance.clone(),
            catalogue: self.catalogue.clone(),
        }
    }
}
