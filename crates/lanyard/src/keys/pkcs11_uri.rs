//! The name of a key on a PKCS #11 token (RFC 7512).

use std::path::PathBuf;

/// A PKCS #11 URI with what this program needs of it: token, object, module and PIN file.
///
/// `pkcs11:token=lanyard;object=acme?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/lanyard/pin`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pkcs11Uri {
    /// The label of the token.
    pub token: String,
    /// The label of the key.
    pub object: String,
    /// The driver, a shared library.
    pub module: PathBuf,
    /// The file with the user's PIN.
    pub pin_file: PathBuf,
}

/// Why a text is no such URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a key on a token is named pkcs11:token=…;object=…?module-path=/…&pin-source=file:/…, and nothing else"
)]
pub struct Pkcs11UriInvalid;

impl Pkcs11Uri {
    /// The scheme; nothing else is a URI of this kind.
    pub const SCHEME: &str = "pkcs11:";

    /// Parses a URI.
    ///
    /// # Errors
    /// When an attribute is missing, is there twice or is not known: what is not understood would be ignored otherwise.
    pub fn parse(text: &str) -> Result<Self, Pkcs11UriInvalid> {
        let rest = text.strip_prefix(Self::SCHEME).ok_or(Pkcs11UriInvalid)?;
        let (path, query) = rest.split_once('?').ok_or(Pkcs11UriInvalid)?;
        // RFC 7512 §2.3: path attributes by ';', query attributes by '&', values percent-encoded
        let [mut token, mut object, mut module, mut pin_file] = [const { None }; 4];
        let attributes = path.split(';').map(|it| (true, it));
        for (is_path, attribute) in attributes.chain(query.split('&').map(|it| (false, it))) {
            let (name, value) = attribute.split_once('=').ok_or(Pkcs11UriInvalid)?;
            let place = match (is_path, name) {
                (true, "token") => &mut token,
                (true, "object") => &mut object,
                (false, "module-path") => &mut module,
                (false, "pin-source") => &mut pin_file,
                // type=private and the like say what is known anyway
                (true, "type") => continue,
                _ => return Err(Pkcs11UriInvalid),
            };
            let value = decoded(value).filter(|value| !value.is_empty());
            if place.replace(value.ok_or(Pkcs11UriInvalid)?).is_some() {
                return Err(Pkcs11UriInvalid);
            }
        }
        let pin_file = pin_file.ok_or(Pkcs11UriInvalid)?;
        Ok(Self {
            token: token.ok_or(Pkcs11UriInvalid)?,
            object: object.ok_or(Pkcs11UriInvalid)?,
            module: module.ok_or(Pkcs11UriInvalid)?.into(),
            pin_file: pin_file.strip_prefix("file:").unwrap_or(&pin_file).into(),
        })
    }
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        // of a number a sign would be taken too
        digits.iter().all(u8::is_ascii_hexdigit).then_some(())?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &str = "?module-path=/usr/lib/hsm.so&pin-source=file:/etc/pin";

    #[test]
    fn a_uri_says_token_object_driver_and_pin() {
        let uri = format!("pkcs11:token=My%20token;object=acme;type=private{QUERY}");
        let expected = Pkcs11Uri {
            token: "My token".to_owned(),
            object: "acme".to_owned(),
            module: "/usr/lib/hsm.so".into(),
            pin_file: "/etc/pin".into(),
        };
        assert_eq!(Pkcs11Uri::parse(&uri), Ok(expected));
    }

    #[test]
    fn what_is_missing_twice_unknown_or_no_uri_is_refused() {
        for wrong in [
            format!("pkcs11:object=acme{QUERY}"),
            format!("pkcs11:token=t{QUERY}"),
            "pkcs11:token=t;object=o".to_owned(),
            "pkcs11:token=t;object=o?module-path=/m".to_owned(),
            format!("pkcs11:token=t;token=u;object=o{QUERY}"),
            format!("pkcs11:token=t;object=o;serial=1{QUERY}"),
            format!("pkcs11:token=t;object=o{QUERY}&pin-value=1234"),
            format!("pkcs11:token=;object=o{QUERY}"),
            format!("pkcs11:token=%2;object=o{QUERY}"),
            format!("pkcs11:token=%zz;object=o{QUERY}"),
            format!("pkcs11:token=%+1;object=o{QUERY}"),
            format!("pkcs11:token=%ff;object=o{QUERY}"),
            format!("file:token=t;object=o{QUERY}"),
        ] {
            assert_eq!(Pkcs11Uri::parse(&wrong), Err(Pkcs11UriInvalid), "{wrong}");
        }
    }
}
