//! The header `traceparent` (W3C Trace Context, 3.2): the trace a caller is in. `tracestate` is not read: it may hold
//! anything, and nothing here needs it.

use http::HeaderMap;

/// What a caller says about the trace it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TraceContext {
    /// The trace.
    pub(super) trace: [u8; 16],
    /// The caller's span.
    pub(super) span: [u8; 8],
    /// Whether the caller records it.
    pub(super) sampled: bool,
}

impl TraceContext {
    /// The one header of that name. None when there is none, several, or one that does not read.
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all("traceparent").iter();
        let (value, None) = (values.next()?, values.next()) else { return None };
        Self::parse(value.to_str().ok()?)
    }

    /// `00-` trace `-` span `-` flags. Later versions may say more after a hyphen; version ff is none.
    fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (head, rest) = bytes.split_at_checked(55)?;
        if [2, 35, 52].iter().any(|at| head[*at] != b'-') {
            return None;
        }
        let [version]: [u8; 1] = hexadecimal(&head[..2])?;
        let is_known = version == 0 && rest.is_empty();
        let is_later = version != 0 && version != 0xff && (rest.is_empty() || rest[0] == b'-');
        let trace = hexadecimal(&head[3..35])?;
        let span = hexadecimal(&head[36..52])?;
        let [flags]: [u8; 1] = hexadecimal(&head[53..])?;
        let is_set = trace != [0; 16] && span != [0; 8];
        ((is_known || is_later) && is_set).then_some(Self { trace, span, sampled: flags & 1 == 1 })
    }
}

/// Small letters only, as the specification wants.
fn hexadecimal<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let decoded = data_encoding::HEXLOWER.decode(text).ok()?;
    decoded.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn headers_are_read_as_the_specification_says() {
        let cases = [
            (format!("00-{TRACE}-{SPAN}-01"), Some(true)),
            (format!("00-{TRACE}-{SPAN}-00"), Some(false)),
            (format!("00-{TRACE}-{SPAN}-03"), Some(true)),
            (format!("01-{TRACE}-{SPAN}-01"), Some(true)),
            (format!("01-{TRACE}-{SPAN}-01-more"), Some(true)),
            (format!("00-{TRACE}-{SPAN}-01-more"), None),
            (format!("01-{TRACE}-{SPAN}-01more"), None),
            (format!("ff-{TRACE}-{SPAN}-01"), None),
            (format!("00-{}-{SPAN}-01", TRACE.to_uppercase()), None),
            (format!("00-{}-{SPAN}-01", "0".repeat(32)), None),
            (format!("00-{TRACE}-{}-01", "0".repeat(16)), None),
            (format!("00_{TRACE}-{SPAN}-01"), None),
            (format!("00-{TRACE}-{SPAN}-1"), None),
            (format!(" 00-{TRACE}-{SPAN}-01"), None),
            ("00".to_owned(), None),
            (String::new(), None),
        ];
        for (text, expected) in cases {
            let read = TraceContext::parse(&text);
            assert_eq!(read.map(|context| context.sampled), expected, "{text}");
            if let Some(context) = read {
                assert_eq!(data_encoding::HEXLOWER.encode(&context.trace), TRACE);
                assert_eq!(data_encoding::HEXLOWER.encode(&context.span), SPAN);
            }
        }
    }

    #[test]
    fn two_headers_are_none() {
        let mut headers = HeaderMap::new();
        let value: http::HeaderValue = format!("00-{TRACE}-{SPAN}-01").parse().unwrap();
        headers.append("traceparent", value.clone());
        assert!(TraceContext::read(&headers).is_some());
        headers.append("traceparent", value);
        assert_eq!(TraceContext::read(&headers), None);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(text in "\\PC{0,80}") {
            let _ = TraceContext::parse(&text);
        }
    }
}
