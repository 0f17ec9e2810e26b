//! What the cluster says of its own API: the OpenAPI documents, one for each group and version.

use serde_json::Value;

use super::{Cluster, ClusterError};

/// A document that can be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaPlace {
    /// Group and version, as in `apps/v1`, or `v1`.
    pub version: String,
    /// Where it is. Servers put a hash into it, which is another as soon as the document is.
    pub address: String,
}

impl SchemaPlace {
    /// The hash of the document, where the server gave one.
    pub fn hash(&self) -> Option<&str> {
        self.address.split_once("hash=").map(|(_, hash)| hash)
    }
}

impl Cluster {
    /// Which documents there are: one request.
    pub async fn schema_places(&self) -> Result<Vec<SchemaPlace>, ClusterError> {
        let index = self.fetch("/openapi/v3").await?;
        let paths = index.get("paths").and_then(Value::as_object);
        let places = paths.into_iter().flatten().filter_map(|(path, place)| {
            let version = match path.split('/').collect::<Vec<_>>().as_slice() {
                ["api", version] => (*version).to_owned(),
                ["apis", group, version] => format!("{group}/{version}"),
                _ => return None,
            };
            let address = place.get("serverRelativeURL")?.as_str()?.to_owned();
            // An address of another server is not asked.
            address
                .starts_with('/')
                .then_some(SchemaPlace { version, address })
        });
        Ok(places.collect())
    }

    /// Reads one.
    pub async fn schema_document(&self, place: &SchemaPlace) -> Result<Value, ClusterError> {
        self.fetch(&place.address).await
    }
}
