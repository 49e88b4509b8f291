//! A form with a file, as browsers send one without JavaScript (`multipart/form-data`, RFC 7578). It is read whole, within a
//! limit, and kept nowhere.

use axum::{body::Bytes, extract::Request};
use url::form_urlencoded::Serializer;

use super::rooms::read_form;
use crate::{call::body, error::ApiError, fields::Fields as _, oauth2::Form};

/// What the fields beside the file may take, in bytes.
const BESIDE: usize = 16 * 1024;
/// Most parts of a form.
const MOST: usize = 16;
/// Longest line that parts a form (RFC 2046, 5.1.1).
const LONGEST_BOUNDARY: usize = 70;
/// The field of the file.
const FILE: &str = "file";

/// A page's form, and the file that came with it, of at most so many bytes. A form without a file is read as any other.
///
/// # Errors
/// What a body or a form is refused for.
pub(super) async fn read_upload(request: Request, most: usize) -> Result<(Form, Option<Bytes>), ApiError> {
    let media_type = request.headers().single("content-type")?.unwrap_or_default().to_owned();
    let Some(boundary) = boundary(&media_type) else { return Ok((read_form(request).await?, None)) };
    let bytes = body(request, most + BESIDE).await?;
    parts(&bytes, boundary).ok_or_else(|| ApiError::invalid("form", "expected multipart/form-data"))
}

fn boundary(media_type: &str) -> Option<&str> {
    let (essence, rest) = media_type.split_once(';')?;
    let is_ours = essence.trim().eq_ignore_ascii_case("multipart/form-data");
    let (_, boundary) = rest.split_once("boundary=").filter(|_| is_ours)?;
    let boundary = boundary.split(';').next().unwrap_or_default().trim().trim_matches('"');
    (1..=LONGEST_BOUNDARY).contains(&boundary.len()).then_some(boundary)
}

/// The fields of a form, and its file.
fn parts(bytes: &Bytes, boundary: &str) -> Option<(Form, Option<Bytes>)> {
    let first = format!("--{boundary}");
    let between = format!("\r\n{first}");
    let (mut fields, mut file) = (Serializer::new(String::new()), None);
    let mut rest = bytes.slice_ref(bytes.strip_prefix(first.as_bytes())?);
    for _ in 0..MOST {
        if rest.starts_with(b"--") {
            return Some((Form::read(fields.finish().as_bytes()).ok()?, file));
        }
        let end = find(&rest, between.as_bytes())?;
        let part = rest.slice(..end);
        rest = rest.slice(end + between.len()..);
        let head = find(&part, b"\r\n\r\n")?;
        let name = name(std::str::from_utf8(&part[..head]).ok()?)?;
        let content = part.slice(head + 4..);
        if name == FILE {
            file = Some(content);
        } else {
            fields.append_pair(name, std::str::from_utf8(&content).ok()?);
        }
    }
    None
}

/// What a part is called.
fn name(head: &str) -> Option<&str> {
    let is_disposition =
        |line: &&str| line.to_ascii_lowercase().starts_with("content-disposition: form-data;");
    let line = head.split("\r\n").find(is_disposition)?;
    let (_, rest) = line.split_once("; name=\"")?;
    rest.split('"').next()
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<(Form, Option<Bytes>)> {
        parts(&Bytes::from(text.to_owned()), "b")
    }

    #[test]
    fn fields_and_a_file_are_told_apart() {
        let text = "--b\r\nContent-Disposition: form-data; name=\"act\"\r\n\r\nimport & more\r\n--b\r\n\
                    Content-Disposition: form-data; name=\"file\"; filename=\"name=x\"\r\nContent-Type: text/plain\r\n\r\n\
                    one\r\n--\r\ntwo\n\r\n--b--\r\n";
        let (form, file) = read(text).unwrap();
        assert_eq!((form.value("act"), form.value("file")), (Some("import & more"), None));
        assert_eq!(file.unwrap(), "one\r\n--\r\ntwo\n");
    }

    #[test]
    fn what_is_cut_or_broken_is_no_form() {
        let part = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n";
        assert!(read(&format!("{part}--b--")).is_some());
        for broken in [
            "",
            "--b",
            "--c--",
            part,
            "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n1\r\n--b--",
            "--b\r\nContent-Type: text/plain\r\n\r\n1\r\n--b--",
            &format!("{part}{part}--b--"),
            &format!("{}--b--", part.repeat(17)),
        ] {
            assert!(read(broken).is_none(), "{broken}");
        }
        for (media_type, told) in [
            ("multipart/form-data; boundary=b", Some("b")),
            ("multipart/form-data; boundary=\"b\"", Some("b")),
            ("multipart/form-data; boundary=", None),
            ("multipart/mixed; boundary=b", None),
            ("application/x-www-form-urlencoded", None),
        ] {
            assert_eq!(boundary(media_type), told, "{media_type}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_it_reads_what_was_written_or_refuses(
            value in "[^\\r]{0,40}",
            file in prop::collection::vec(any::<u8>(), 0..200),
            noise in prop::collection::vec(prop_oneof![Just(b'-'), Just(b'b'), Just(b'\r'), Just(b'\n'), any::<u8>()], 0..200),
            cut in 0_usize..400,
        ) {
            let boundary = "----countersign-5a1fd0";
            let mut form = format!(
                "--{boundary}\r\ncontent-disposition: form-data; name=\"act\"\r\n\r\n{value}\r\n--{boundary}\r\n\
                 Content-Disposition: form-data; name=\"file\"; filename=\"people\"\r\n\r\n"
            ).into_bytes();
            form.extend(&file);
            form.extend(format!("\r\n--{boundary}--\r\n").bytes());
            let (fields, read) = parts(&Bytes::from(form.clone()), boundary).unwrap();
            prop_assert_eq!(fields.value("act").unwrap_or_default(), &value);
            prop_assert_eq!(read.unwrap(), file);
            form.truncate(cut.min(form.len() - 5));
            prop_assert!(parts(&Bytes::from(form), boundary).is_none());
            let _ = parts(&Bytes::from([b"--b".as_slice(), &noise].concat()), "b");
        }
    }
}
