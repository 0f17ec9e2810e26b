//! The head of a GGUF file: what the model is, without its weights.
//!
//! The file may come from anywhere, so every count is held against a limit before it is believed. A head that is cut
//! off, as when only its beginning was fetched, is understood as far as it goes: what matters stands at its front.

use std::collections::BTreeMap;
use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::digest::sha256_of_bytes;
use super::error::ArtefactError;

/// No head has more entries.
const ENTRIES: u64 = 1 << 16;
/// No text that is kept is longer, in bytes.
const TEXT: u64 = 16 << 20;
/// Arrays of numbers up to this length are kept.
const LIST: u64 = 4096;
/// No head is longer, in bytes.
const HEAD: u64 = 1 << 30;

/// A value as far as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Number(u64),
    Text(String),
    Numbers(Vec<u64>),
    Other,
}

/// What the head says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Header {
    values: BTreeMap<String, Value>,
    /// Of all entries about the tokenizer but the chat template.
    tokenizer: Option<String>,
    /// Whether it was read to its end.
    pub whole: bool,
}

/// Why reading ended before the end.
enum Stop {
    /// There are no more bytes.
    End,
    /// It cannot be a head.
    Wrong(String),
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Stop {
        match error.kind() {
            ErrorKind::UnexpectedEof => Stop::End,
            _ => Stop::Wrong(error.to_string()),
        }
    }
}

impl Header {
    /// Reads the head of a file.
    pub fn of_file(path: &Path) -> Result<Header, ArtefactError> {
        let file = std::fs::File::open(path).map_err(|error| ArtefactError::io(path, &error))?;
        let wrong = |reason: String| ArtefactError::Gguf {
            path: path.to_owned(),
            reason,
        };
        let header = Header::read(BufReader::new(file)).map_err(wrong)?;
        if header.whole {
            Ok(header)
        } else {
            Err(wrong("it is cut off".to_owned()))
        }
    }

    /// Reads a head, or its beginning.
    pub fn read(reader: impl Read) -> Result<Header, String> {
        let mut scan = Scan {
            reader: reader.take(HEAD),
            tokenizer: None,
        };
        let mut header = Header::default();
        match scan.entries(&mut header.values) {
            Ok(()) => header.whole = true,
            Err(Stop::End) => {}
            Err(Stop::Wrong(reason)) => return Err(reason),
        }
        if header.whole {
            header.tokenizer = scan.tokenizer.map(|hash| hex::encode(hash.finalize()));
        }
        Ok(header)
    }

    /// The architecture, as in `llama`.
    pub fn architecture(&self) -> Option<&str> {
        self.text("general.architecture")
    }

    /// A text.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.values.get(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A number, or the numbers of a list, of this architecture.
    pub(super) fn numbers(&self, key: &str) -> Option<Vec<u64>> {
        match self.values.get(&format!("{}.{key}", self.architecture()?)) {
            Some(Value::Number(number)) => Some(vec![*number]),
            Some(Value::Numbers(numbers)) => Some(numbers.clone()),
            _ => None,
        }
    }

    /// The quantization of most weights, as in `Q4_K_M`.
    pub fn quantization(&self) -> Option<&'static str> {
        match self.values.get("general.file_type") {
            Some(Value::Number(number)) => FILE_TYPES
                .iter()
                .find(|(code, _)| code == number)
                .map(|(_, name)| *name),
            _ => None,
        }
    }

    /// The SHA-256 of the tokenizer in it.
    pub fn tokenizer_sha256(&self) -> Option<String> {
        self.tokenizer.clone()
    }

    /// The SHA-256 of the chat template in it.
    pub fn template_sha256(&self) -> Option<String> {
        self.text("tokenizer.chat_template")
            .map(|text| sha256_of_bytes(text.as_bytes()))
    }
}

/// `general.file_type`, as llama.cpp numbers it.
const FILE_TYPES: [(u64, &str); 30] = [
    (0, "F32"),
    (1, "F16"),
    (2, "Q4_0"),
    (3, "Q4_1"),
    (7, "Q8_0"),
    (8, "Q5_0"),
    (9, "Q5_1"),
    (10, "Q2_K"),
    (11, "Q3_K_S"),
    (12, "Q3_K_M"),
    (13, "Q3_K_L"),
    (14, "Q4_K_S"),
    (15, "Q4_K_M"),
    (16, "Q5_K_S"),
    (17, "Q5_K_M"),
    (18, "Q6_K"),
    (19, "IQ2_XXS"),
    (20, "IQ2_XS"),
    (21, "Q2_K_S"),
    (22, "IQ3_XS"),
    (23, "IQ3_XXS"),
    (24, "IQ1_S"),
    (25, "IQ4_NL"),
    (26, "IQ3_S"),
    (27, "IQ3_M"),
    (28, "IQ2_S"),
    (29, "IQ2_M"),
    (30, "IQ4_XS"),
    (31, "IQ1_M"),
    (32, "BF16"),
];

struct Scan<R> {
    reader: std::io::Take<R>,
    tokenizer: Option<Sha256>,
}

impl<R: Read> Scan<R> {
    fn entries(&mut self, values: &mut BTreeMap<String, Value>) -> Result<(), Stop> {
        if self.bytes::<4>()? != *b"GGUF" {
            return Err(Stop::Wrong("it does not begin with `GGUF`".to_owned()));
        }
        let version = self.u32()?;
        if !(2..=3).contains(&version) {
            return Err(Stop::Wrong(format!(
                "its version is {version}, and 2 and 3 are known"
            )));
        }
        let (_tensors, count) = (self.u64()?, self.u64()?);
        if count > ENTRIES {
            return Err(Stop::Wrong(format!("it claims {count} entries")));
        }
        for _ in 0..count {
            let key = self.string(1 << 16)?;
            let kind = self.u32()?;
            let hashed = key.starts_with("tokenizer.") && key != "tokenizer.chat_template";
            if hashed {
                let hash = self.tokenizer.get_or_insert_default();
                hash.update(key.as_bytes());
                hash.update(kind.to_le_bytes());
            }
            let value = self.value(kind, hashed)?;
            values.insert(key, value);
        }
        Ok(())
    }

    fn value(&mut self, kind: u32, hashed: bool) -> Result<Value, Stop> {
        match kind {
            8 => {
                let text = self.string(TEXT)?;
                self.hash(hashed, text.as_bytes());
                Ok(Value::Text(text))
            }
            9 => self.list(hashed),
            _ => self.scalar(kind, hashed),
        }
    }

    fn list(&mut self, hashed: bool) -> Result<Value, Stop> {
        let (kind, count) = (self.u32()?, self.u64()?);
        let mut numbers = Vec::new();
        for _ in 0..count {
            let value = match kind {
                8 => {
                    let text = self.string(TEXT)?;
                    self.hash(hashed, text.as_bytes());
                    continue;
                }
                9 => return Err(Stop::Wrong("it has a list of lists".to_owned())),
                _ => self.scalar(kind, hashed)?,
            };
            if let (Value::Number(number), true) = (value, count <= LIST) {
                numbers.push(number);
            }
        }
        Ok(if numbers.is_empty() {
            Value::Other
        } else {
            Value::Numbers(numbers)
        })
    }

    /// Whole numbers that are not negative are kept.
    fn scalar(&mut self, kind: u32, hashed: bool) -> Result<Value, Stop> {
        let size = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            10..=12 => 8,
            _ => return Err(Stop::Wrong(format!("it has a value of the unknown kind {kind}"))),
        };
        let mut bytes = [0; 8];
        self.reader.read_exact(&mut bytes[..size])?;
        self.hash(hashed, &bytes[..size]);
        let number = u64::from_le_bytes(bytes);
        let (signed, float) = (matches!(kind, 1 | 3 | 5 | 11), matches!(kind, 6 | 7 | 12));
        let is_negative = signed && bytes[size - 1] & 0x80 != 0;
        Ok(if float || is_negative {
            Value::Other
        } else {
            Value::Number(number)
        })
    }

    fn hash(&mut self, hashed: bool, bytes: &[u8]) {
        if let (true, Some(hash)) = (hashed, self.tokenizer.as_mut()) {
            hash.update(bytes);
        }
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, Stop> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Stop> {
        self.bytes().map(u64::from_le_bytes)
    }

    /// A text; never more memory is taken than there are bytes.
    fn string(&mut self, limit: u64) -> Result<String, Stop> {
        let length = self.u64()?;
        if length > limit {
            return Err(Stop::Wrong(format!("it has a text of {length} bytes")));
        }
        let mut bytes = Vec::new();
        (&mut self.reader).take(length).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < length {
            return Err(Stop::End);
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}
