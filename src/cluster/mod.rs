//! The only user of `kube`: context, discovery, gathering evidence, applying, watching.
