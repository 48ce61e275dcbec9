//! Which browser asks: by a cookie that says nothing else; and whether a form was sent from our own page.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{COOKIE, ORIGIN, SET_COOKIE},
};
use lanyard_core::{crypto::Random, json};
use url::Url;

/// The random cookie by which a browser is known again.
#[derive(Clone)]
pub struct BrowserCookie {
    name: String,
    value: String,
    is_secure: bool,
    is_fresh: bool,
}

impl BrowserCookie {
    /// The cookie of the browser that asks; a fresh one, where it has none that we made.
    pub fn of(headers: &HeaderMap, base_url: &Url, name: &str, random: &dyn Random) -> Self {
        let is_secure = base_url.scheme() == "https";
        // RFC 6265bis §4.1.3: `__Host-` binds a cookie to this host over https; plain http cannot have it
        let name = if is_secure { format!("__Host-{name}") } else { name.to_owned() };
        if let Some(value) = cookie(headers, &name).filter(|value| is_ours(value)) {
            return Self { value: value.to_owned(), name, is_secure, is_fresh: false };
        }
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        Self { name, value: json::base64url(bytes), is_secure, is_fresh: true }
    }

    /// What it says: 256 random bits in base64url.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Tells the browser its cookie, if it has none yet.
    pub fn greet(&self, headers: &mut HeaderMap) {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let text = format!("{}={}; Path=/; HttpOnly; SameSite=Lax{secure}", self.name, self.value);
        if let (true, Ok(value)) = (self.is_fresh, HeaderValue::try_from(text)) {
            headers.append(SET_COOKIE, value);
        }
    }
}

/// The value of a cookie, as a browser sends it; the first of those with this name.
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs =
        lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn is_ours(value: &str) -> bool {
    value.len() == 43
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// Whether a form was sent from our own page, or by something that has no cookies to abuse (Fetch Metadata
/// §2.3: browsers say where from).
pub fn is_from_here(headers: &HeaderMap, base_url: &Url) -> bool {
    match (headers.get(HeaderName::from_static("sec-fetch-site")), headers.get(ORIGIN)) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => {
            origin.as_bytes() == base_url.origin().ascii_serialization().as_bytes()
        }
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use lanyard_core::crypto::RustCrypto;

    use super::*;

    fn here() -> Url {
        "https://issuer.example".parse().unwrap()
    }

    fn told(headers: &HeaderMap, base_url: &Url) -> Option<String> {
        let mut answer = HeaderMap::new();
        BrowserCookie::of(headers, base_url, "lanyard", &RustCrypto).greet(&mut answer);
        answer.get(SET_COOKIE).map(|cookie| cookie.to_str().unwrap().to_owned())
    }

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn a_browser_is_told_a_cookie_of_this_host_once() {
        let first = told(&HeaderMap::new(), &here()).unwrap();
        assert!(first.starts_with("__Host-lanyard="), "{first}");
        assert!(first.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{first}");
        let pair = first.split(';').next().unwrap();
        assert_eq!(told(&with(COOKIE, &format!("a=b; {pair}")), &here()), None);
    }

    #[test]
    fn plain_http_has_a_cookie_without_the_prefix() {
        let first = told(&HeaderMap::new(), &"http://127.0.0.1:8080".parse().unwrap()).unwrap();
        assert!(first.starts_with("lanyard=") && !first.contains("Secure"), "{first}");
    }

    #[test]
    fn a_cookie_that_we_did_not_make_is_not_believed() {
        for value in ["", "x", &"ü".repeat(43), &"a".repeat(42), &"a".repeat(44), &"+".repeat(43)]
        {
            let headers = HeaderMap::from_iter([(
                COOKIE,
                HeaderValue::from_bytes(format!("__Host-lanyard={value}").as_bytes()).unwrap(),
            )]);
            assert!(told(&headers, &here()).is_some(), "{value}");
        }
    }

    #[test]
    fn over_https_a_cookie_that_another_host_could_set_is_not_read() {
        let plain = with(COOKIE, &format!("lanyard={}", "a".repeat(43)));
        assert!(told(&plain, &here()).is_some());
    }

    #[test]
    fn a_form_comes_from_our_page_or_from_no_page() {
        let site = HeaderName::from_static("sec-fetch-site");
        for (headers, is_ours) in [
            (HeaderMap::new(), true),
            (with(site.clone(), "same-origin"), true),
            (with(site.clone(), "same-site"), false),
            (with(site, "none"), false),
            (with(ORIGIN, "https://issuer.example"), true),
            (with(ORIGIN, "https://issuer.example:444"), false),
            (with(ORIGIN, "null"), false),
        ] {
            assert_eq!(is_from_here(&headers, &here()), is_ours, "{headers:?}");
        }
    }
}
