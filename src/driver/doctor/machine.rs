//! What there is to compute on, and what fits there.

use super::super::connect::engine_command;
use super::super::models::EngineFacts;
use super::{Check, State};
use crate::artefact::{Device, Gpu, Machine, Verdict, gigabytes};

/// Bytes for a thousand weights of two common quantizations, scales included: 8.5 and about 4.85 bits each.
const PER_THOUSAND: [(&str, u64); 2] = [("Q4_K_M", 606), ("Q8_0", 1063)];
/// What is left for the context and what is computed on the way: one part in five.
const SHARE: u64 = 5;

/// Memory and GPUs.
pub(super) fn checks(machine: &Machine) -> Vec<Check> {
    let mut checks = vec![memory(machine)];
    if let Some(trouble) = &machine.trouble {
        checks.push(Check::new("gpu", State::Warn, trouble.message.clone()).with_hint(Some(&trouble.hint)));
    } else if machine.gpus.is_empty() {
        checks.push(Check::new("gpu", State::Ok, "none that NVIDIA's driver knows"));
    }
    checks.extend(machine.gpus.iter().map(gpu));
    checks
}

fn memory(machine: &Machine) -> Check {
    let cores = machine.cores;
    if machine.memory == 0 {
        return Check::new(
            "memory",
            State::Ok,
            format!("{cores} cores; how much memory is not known"),
        );
    }
    let (all, free) = (gigabytes(machine.memory), gigabytes(machine.free));
    Check::new("memory", State::Ok, format!("{all}, {free} free, {cores} cores"))
}

fn gpu(gpu: &Gpu) -> Check {
    let detail = format!(
        "{}, driver {}, compute capability {}, {}, {} free",
        gpu.name,
        gpu.driver,
        gpu.compute,
        gigabytes(gpu.total),
        gigabytes(gpu.free)
    );
    match gpu.obstacle() {
        None => Check::new("gpu", State::Ok, detail),
        Some(obstacle) => Check::new("gpu", State::Warn, format!("{detail}; {obstacle}"))
            .with_hint(Some("update NVIDIA's driver; until then models run on the CPU")),
    }
}

/// Whether the engine's program is there to be started, and what was built into it.
pub(super) fn engine(machine: &Machine, facts: Option<&EngineFacts>) -> Check {
    let advice = Some("install `sayso-engine` beside `sayso`, or configure an endpoint");
    let program = match engine_command() {
        Ok((program, _)) => program,
        Err(error) => return Check::new("engine", State::Fail, format!("{error:#}")).with_hint(advice),
    };
    let Some(facts) = facts else {
        return match which::which(&program) {
            Ok(found) => Check::new(
                "engine",
                State::Ok,
                format!("`{}`, which does not say what was built in", found.display()),
            ),
            Err(_) => Check::new(
                "engine",
                State::Fail,
                format!("there is no `{}`", program.display()),
            )
            .with_hint(advice),
        };
    };
    let built = if facts.features.is_empty() {
        "for the CPU alone".to_owned()
    } else {
        format!("with {}", facts.features.join(", "))
    };
    let detail = format!("`{}` {}, built {built}", facts.program.display(), facts.version);
    let usable = machine.gpus.iter().any(|gpu| gpu.obstacle().is_none());
    if usable && !facts.has_gpu() {
        return Check::new("engine", State::Warn, format!("{detail}: it will not use the GPU")).with_hint(Some(
            "build it with `--features cuda`, or run a server that uses the GPU and `sayso model use http://...`",
        ));
    }
    if machine.gpus.is_empty() && facts.features.iter().any(|name| name == "cuda") {
        return Check::new(
            "engine",
            State::Warn,
            format!("{detail}, and there is no GPU: it uses the CPU"),
        );
    }
    Check::new("engine", State::Ok, detail)
}

/// Which models fit.
pub(super) fn room(machine: &Machine, device: Device) -> Check {
    let free = device.free(machine);
    if free == 0 {
        return Check::new("room", State::Ok, "not known");
    }
    let weights = free / SHARE * (SHARE - 1);
    let each: Vec<String> = PER_THOUSAND
        .iter()
        .map(|(name, bytes)| format!("{} billion parameters at {name}", tenths(weights / bytes)))
        .collect();
    let detail = format!(
        "{} has room for models with up to {} of weights: about {}",
        device.name(),
        gigabytes(weights),
        each.join(", ")
    );
    Check::new("room", State::Ok, detail)
}

/// Thousands as billions with one digit.
fn tenths(thousands: u64) -> String {
    let tenths = thousands / 100_000;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// What a model needs, in words.
pub(super) fn need(verdict: &Verdict) -> String {
    format!(
        "and needs about {} for {} tokens; {} has {} free",
        gigabytes(verdict.need.total()),
        verdict.need.tokens,
        verdict.device.name(),
        gigabytes(verdict.free)
    )
}
