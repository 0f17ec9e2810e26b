//! A static embedding: a vector for each word piece, and for a text the sum of those of its pieces.
//!
//! The file (`training/embedding.py` writes it) is the eight bytes `sayso-e1`, the number of pieces and of dimensions,
//! then for each piece, in the order of their bytes: where its text ends (u32), its scale (f32), its row (i8 each), and
//! last the text of all. Numbers are little-endian. A piece that continues a word begins with `##`.

use sha2::{Digest as _, Sha256};

use super::words::raw_words;

/// What ships.
static SHIPPED: &[u8] = include_bytes!("../../assets/knowledge/embedding.bin");
const MAGIC: &[u8] = b"sayso-e1";
const HEAD: usize = 16;
/// Characters of a text that count; the rest of a long passage says little that is new.
const TEXT_LIMIT: usize = 4_000;
/// Pieces are looked for up to this length in bytes.
const PIECE_LIMIT: usize = 20;

/// A static embedding.
#[derive(Clone, Copy, Debug)]
pub struct Embedding {
    count: usize,
    dimensions: usize,
    bytes: &'static [u8],
}

impl Embedding {
    /// The one that ships.
    pub fn shipped() -> Embedding {
        Embedding::read(SHIPPED).unwrap_or(Embedding {
            count: 0,
            dimensions: 0,
            bytes: &[],
        })
    }

    fn read(bytes: &'static [u8]) -> Option<Embedding> {
        if !bytes.starts_with(MAGIC) {
            return None;
        }
        let (count, dimensions) = (number(bytes, 8)?, number(bytes, 12)?);
        let embedding = Embedding {
            count,
            dimensions,
            bytes,
        };
        let length = embedding.text_at() + embedding.end(count.checked_sub(1)?);
        (length == bytes.len()).then_some(embedding)
    }

    /// Of the file, to tell one from another.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.bytes).into()
    }

    /// Numbers in a vector; 0 where there is no embedding.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// A text's vector, of length 1; zeros for a text of unknown words.
    pub fn vector(&self, text: &str) -> Vec<f32> {
        let mut sum = vec![0.0; self.dimensions];
        let end = text
            .char_indices()
            .nth(TEXT_LIMIT)
            .map_or(text.len(), |(at, _)| at);
        for word in raw_words(&text[..end]) {
            for part in parts(word) {
                self.add_word(&part, &mut sum);
            }
        }
        let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
        if length > 0.0 {
            for x in &mut sum {
                *x /= length;
            }
        }
        sum
    }

    /// The same in steps of 1/127.
    pub fn quantized(&self, text: &str) -> Vec<u8> {
        let vector = self.vector(text);
        #[allow(
            clippy::cast_possible_truncation,
            reason = "a number of a unit vector times 127 is an i8"
        )]
        let bytes = vector.iter().map(|x| (x * 127.0).round() as i8);
        bytes.map(i8::cast_unsigned).collect()
    }

    /// Adds the pieces of a lower-case word: the longest that fits first, and nothing where none fits.
    fn add_word(&self, word: &str, sum: &mut [f32]) {
        let mut begin = 0;
        let mut pieces = Vec::new();
        while begin < word.len() {
            let longest = word.len().min(begin + PIECE_LIMIT);
            let found = (begin + 1..=longest).rev().find_map(|end| {
                let text = word.get(begin..end)?;
                let piece = if begin == 0 {
                    text.to_owned()
                } else {
                    format!("##{text}")
                };
                Some((end, self.find(piece.as_bytes())?))
            });
            let Some((end, piece)) = found else { return };
            pieces.push(piece);
            begin = end;
        }
        for piece in pieces {
            let row = HEAD + self.count * 8 + piece * self.dimensions;
            let scale = self.scale(piece);
            for (sum, byte) in sum.iter_mut().zip(&self.bytes[row..row + self.dimensions]) {
                *sum += f32::from(byte.cast_signed()) * scale;
            }
        }
    }

    fn find(&self, piece: &[u8]) -> Option<usize> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = usize::midpoint(low, high);
            match self.piece(middle).cmp(piece) {
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    fn piece(&self, index: usize) -> &'static [u8] {
        let text = self.text_at();
        let begin = index.checked_sub(1).map_or(0, |before| self.end(before));
        self.bytes
            .get(text + begin..text + self.end(index))
            .unwrap_or_default()
    }

    fn end(&self, index: usize) -> usize {
        number(self.bytes, HEAD + index * 4).unwrap_or_default()
    }

    fn scale(&self, index: usize) -> f32 {
        let at = HEAD + self.count * 4 + index * 4;
        let bytes = self.bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        f32::from_le_bytes(bytes.unwrap_or_default())
    }

    fn text_at(&self) -> usize {
        HEAD + self.count * (8 + self.dimensions)
    }
}

/// How near two quantized vectors are; about 127 squared for equal ones.
pub fn nearness(one: &[u8], other: &[u8]) -> i32 {
    one.iter()
        .zip(other)
        .map(|(one, other)| i32::from(one.cast_signed()) * i32::from(other.cast_signed()))
        .sum()
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(bytes)).ok()
}

/// The words in an identifier, in lower case: `CrashLoopBackOff` is four, `spec.template` two.
fn parts(word: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut after_small = false;
    for c in word.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && after_small) {
            parts.push(String::new());
        }
        after_small = c.is_lowercase();
        if let Some(part) = parts.last_mut().filter(|_| c.is_alphanumeric()) {
            part.extend(c.to_lowercase());
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cosine(one: &str, other: &str) -> f32 {
        let embedding = Embedding::shipped();
        let pairs = embedding.vector(one).into_iter().zip(embedding.vector(other));
        pairs.map(|(one, other)| one * other).sum()
    }

    #[test]
    fn words_of_one_sense_are_nearer_than_others() {
        assert!(Embedding::shipped().dimensions() > 0);
        assert!(cosine("disk", "storage") > cosine("disk", "user"));
        assert!(
            cosine("the container was killed", "a process died")
                > cosine("the container was killed", "list all names")
        );
    }

    #[test]
    fn steps_of_a_byte_lose_little() {
        let embedding = Embedding::shipped();
        let bytes = embedding.quantized("a pod is evicted");
        assert!((nearness(&bytes, &bytes) - 127 * 127).abs() < 800);
        assert!(embedding.vector("\u{4e2d}\u{6587}").iter().all(|x| *x == 0.0));
    }

    #[test]
    fn a_file_that_was_cut_is_none() {
        assert!(Embedding::read(&SHIPPED[..SHIPPED.len() - 1]).is_none());
        assert!(Embedding::read(b"").is_none());
    }
}
