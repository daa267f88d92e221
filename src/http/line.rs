//! Short texts made on the stack: header values and parts of log lines that every answer has anew.

use actix_web::http::header::HeaderValue;

/// The room of one; what is beyond it is cut off.
const ROOM: usize = 64;

/// A text in the making, of ASCII without control characters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    bytes: [u8; ROOM],
    length: usize,
}

impl Line {
    /// Beginning with this.
    pub fn new(text: &str) -> Line {
        Line { bytes: [0; ROOM], length: 0 }.text(text.as_bytes())
    }

    /// Going on with this.
    pub fn text(mut self, text: &[u8]) -> Line {
        let end = (self.length + text.len()).min(ROOM);
        self.bytes[self.length..end].copy_from_slice(&text[..end - self.length]);
        self.length = end;
        self
    }

    /// Going on with a number.
    pub fn number(self, mut number: u64) -> Line {
        let mut digits = [b'0'; 20];
        let mut begin = digits.len();
        for digit in digits.iter_mut().rev() {
            *digit += (number % 10) as u8;
            number /= 10;
            begin -= 1;
            if number == 0 {
                break;
            }
        }
        self.text(&digits[begin..])
    }

    /// What is written.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// As the value of a header, which its letters always are.
    pub fn header(&self) -> HeaderValue {
        HeaderValue::from_bytes(self.as_bytes()).unwrap_or(HeaderValue::from_static(""))
    }
}

/// The last `N` decimal digits of a number.
pub(super) fn digits<const N: usize>(mut number: u64) -> [u8; N] {
    let mut text = [b'0'; N];
    for digit in text.iter_mut().rev() {
        *digit += (number % 10) as u8;
        number /= 10;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_whole_or_to_a_width() {
        for number in [0, 7, 10, 1_999, u64::MAX] {
            assert_eq!(Line::new("").number(number).as_bytes(), number.to_string().as_bytes());
        }
        assert_eq!(&digits::<6>(42), b"000042");
        assert_eq!(Line::new("max-age=").number(300).header(), "max-age=300");
        assert_eq!(Line::new(&"long".repeat(20)).as_bytes().len(), ROOM);
    }
}
