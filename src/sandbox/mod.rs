//! A cluster in a box: a Kubernetes API served from memory on loopback.
