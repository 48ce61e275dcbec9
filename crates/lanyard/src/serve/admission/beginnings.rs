//! What begins a flow, by route and by path.

use http::Method;

/// At which of its requests a flow begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// An integrator's, a page's or a resolver's: the first request is known by its route.
    First,
    /// The session that the path names is asked for the first time, unless it was let pass before.
    FirstOfSession,
    /// A wallet that was not let pass lately asks what the issuer is: it has no offer by reference. Whoever cannot be
    /// told from others is let pass.
    FirstOfClient,
    /// What a wallet keeps for the first time, after it has read what it needs for that.
    UnderWay,
}

/// A route at which a flow begins.
#[derive(Debug)]
pub(super) struct Begins {
    pub(super) method: Method,
    pub(super) route: &'static str,
    pub(super) beginning: Beginning,
    /// Whether the store or long work is waited for, so that what it takes tells of a queue.
    pub(super) is_judged: bool,
}

impl Begins {
    const fn judged(method: Method, route: &'static str, beginning: Beginning) -> Self {
        Self { method, route, beginning, is_judged: true }
    }

    const fn read(method: Method, route: &'static str, beginning: Beginning) -> Self {
        Self { method, route, beginning, is_judged: false }
    }
}

/// Here some flows begin, and others go on after a login.
pub(super) const TOKEN: &str = "/{tenant}/token";

pub(super) static ALL: [Begins; 15] = [
    Begins::judged(Method::POST, "/api/{tenant}/offers", Beginning::First),
    Begins::judged(Method::POST, "/api/{tenant}/requests", Beginning::First),
    Begins::judged(Method::POST, "/api/{tenant}/credentials/issue", Beginning::First),
    Begins::judged(Method::POST, "/api/{tenant}/credentials/verify", Beginning::First),
    Begins::judged(Method::POST, "/api/{tenant}/presentations/verify", Beginning::First),
    Begins::read(Method::GET, "/{tenant}/offers/{id}", Beginning::FirstOfSession),
    Begins::read(Method::GET, "/{tenant}/requests/{id}", Beginning::FirstOfSession),
    Begins::read(Method::POST, "/{tenant}/requests/{id}", Beginning::FirstOfSession),
    Begins::read(
        Method::GET,
        "/.well-known/openid-credential-issuer/{tenant}",
        Beginning::FirstOfClient,
    ),
    Begins::read(Method::POST, "/{tenant}/challenge", Beginning::UnderWay),
    Begins::judged(Method::POST, "/{tenant}/par", Beginning::UnderWay),
    Begins::judged(Method::POST, TOKEN, Beginning::UnderWay),
    Begins::judged(Method::POST, "/{tenant}/browser", Beginning::First),
    Begins::judged(Method::GET, "/{tenant}/sign-in/authorize", Beginning::First),
    Begins::read(Method::GET, "/1.0/identifiers/{*identifier}", Beginning::First),
];

/// What begins at a route of the router.
pub(super) fn by_route(method: &Method, route: &str) -> Option<&'static Begins> {
    ALL.iter().find(|begins| begins.route == route && begins.method == *method)
}

/// What begins at the target of a request, as the router would find it; the first segment of a path that is no tenant's
/// may belong to a page.
pub(super) fn by_target(
    method: &str,
    target: &str,
    is_tenant: impl Fn(&str) -> bool,
) -> Option<&'static Begins> {
    let path = path_of(target);
    ALL.iter()
        .find(|begins| begins.method.as_str() == method && leads_to(begins.route, path, &is_tenant))
}

/// The path of a target.
pub(super) fn path_of(target: &str) -> &str {
    target.split_once('?').map_or(target, |(path, _)| path)
}

fn leads_to(route: &str, path: &str, is_tenant: impl Fn(&str) -> bool) -> bool {
    let mut given = path.split('/');
    for part in route.split('/') {
        let Some(given) = given.next() else { return false };
        let fits = match part {
            "{tenant}" => is_tenant(given),
            _ if part.starts_with("{*") => return !given.is_empty(),
            _ if part.starts_with('{') => !given.is_empty(),
            _ => part == given,
        };
        if !fits {
            return false;
        }
    }
    given.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_beginning_is_found_by_its_path_and_by_no_other_method() {
        let is_tenant = |text: &str| text == "demo";
        for begins in &ALL {
            let path = begins.route.replace("{tenant}", "demo").replace("{id}", "s1");
            let path = path.replace("{*identifier}", "did:web:a/b");
            for target in [path.clone(), format!("{path}?a=/b")] {
                let found = by_target(begins.method.as_str(), &target, is_tenant);
                assert_eq!(found.map(|found| found.route), Some(begins.route), "{target}");
                assert!(by_target("DELETE", &target, is_tenant).is_none());
            }
        }
    }

    #[test]
    fn what_is_not_exactly_the_path_of_a_beginning_is_none() {
        let is_tenant = |text: &str| text == "demo";
        for target in [
            "/pocket/offers/s1",
            "/demo/offers/",
            "/demo/offers",
            "/demo/offers/s1/",
            "/demo/offers/s1/more",
            "demo/offers/s1",
            "http://a/demo/offers/s1",
            "/.well-known/openid-credential-issuer",
            "/1.0/identifiers/",
            "*",
            "",
        ] {
            assert!(by_target("GET", target, is_tenant).is_none(), "{target}");
        }
    }
}
