//! A model of the store: nothing is made, but everything is checked before it is loaded.

use std::path::Path;

use super::{PrepareError, Progress};
use crate::artefact::{ArtefactError, Device, Machine, Manifest, gigabytes};

/// Holds the files of a folder against its manifest, and its weights against the memory that is free; the model's
/// digest.
///
/// Only what is certain to fail is refused: weights that are larger than all free memory together. The estimate, which
/// counts the context too, is `sayso doctor`'s and `sayso model`'s to tell.
pub(in crate::engine) fn check(directory: &Path, progress: &mut Progress) -> Result<String, PrepareError> {
    let Some((manifest, digest)) = Manifest::read(directory)? else {
        let name = directory.display().to_string();
        return Err(ArtefactError::Unknown { name }.into());
    };
    manifest.verify(directory, false, &mut |step| {
        progress.step("verify", step.done, step.total);
    })?;
    let machine = Machine::look(std::env::var_os("PATH").as_deref());
    let (gpu, free) = match Device::of(&machine, cfg!(feature = "cuda")) {
        Device::Gpu => ("the GPU and ", machine.gpu_free().saturating_add(machine.free)),
        Device::Cpu => ("", machine.free),
    };
    let needed = manifest.weight_bytes();
    if machine.free > 0 && manifest.isq.is_none() && needed > free {
        return Err(ArtefactError::NoFit {
            name: manifest.name,
            device: format!("{gpu}this machine"),
            needed,
            free,
            advice: format!(
                "it has {} of weights; choose a smaller model or quantization, or use a server: `sayso model use http://...`",
                gigabytes(needed)
            ),
        }
        .into());
    }
    Ok(digest)
}
