//! One filled-in example of every page.

use askama::Template;
use lanyard_cli::pages::*;

pub(super) fn chrome(place: Place) -> Chrome {
    Chrome {
        place,
        rooms: Rooms { issue: true, verify: true, pocket: true },
        footnote: "Demo at localhost:7077".into(),
    }
}

fn portrait() -> ImageUri {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/demo/portrait.jpg");
    let bytes = std::fs::read(path).expect("the portrait is in the repository");
    let text = lanyard_core::json::base64url(&bytes).replace('-', "+").replace('_', "/");
    let padding = "=".repeat((4 - text.len() % 4) % 4);
    ImageUri::parse(&format!("data:image/jpeg;base64,{text}{padding}")).expect("a picture")
}

fn logo() -> ImageUri {
    ImageUri::svg(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><circle cx="20" cy="20" r="19" fill="#fff"/><path d="M20 7l11 20H9z" fill="#0f5c5c"/></svg>"##,
    )
}

pub(super) fn badge() -> CardView {
    CardView {
        holder: Some("Ada Moreau".into()),
        line: Some("Research · until 24 Nov 2027".into()),
        background: Colour::parse("#0f5c5c").expect("a colour"),
        logo: Some(logo()),
        portrait: Some(portrait()),
        ..CardView::plain("Employee badge", "Alder & Finch")
    }
}

pub(super) fn diploma() -> CardView {
    CardView {
        holder: Some("Ada Moreau".into()),
        line: Some("Master of Science".into()),
        background: Colour::parse("#f1d9a0").expect("a colour"),
        ..CardView::plain("University diploma", "Alder & Finch")
    }
}

fn text(label: &str, value: &str) -> ClaimRow {
    ClaimRow { under: None, label: label.into(), value: ClaimValue::Text(value.into()) }
}

pub(super) fn claims() -> Vec<ClaimRow> {
    vec![
        text("Given name", "Ada"),
        text("Family name", "Moreau"),
        ClaimRow {
            under: Some("Address".into()),
            label: "Street".into(),
            value: ClaimValue::Text("14 Rue des Tilleuls".into()),
        },
        ClaimRow {
            under: None,
            label: "Nationalities".into(),
            value: ClaimValue::List(vec!["France".into(), "Ireland".into()]),
        },
        ClaimRow { under: None, label: "Portrait".into(), value: ClaimValue::Image(portrait()) },
    ]
}

fn step(title: &str, detail: Option<&str>, at: Option<&str>, tone: Tone) -> Step {
    Step { title: title.into(), detail: detail.map(Into::into), at: at.map(Into::into), tone }
}

pub(super) fn trail() -> Vec<Step> {
    vec![
        step("Offer made", None, Some("14:02:11"), Tone::Good),
        step("Offer read by a wallet", None, Some("14:02:30"), Tone::Good),
        step("Wrong transaction code", Some("4 tries are left"), Some("14:02:41"), Tone::Bad),
        step("Code accepted, wallet admitted", None, Some("14:02:55"), Tone::Good),
        step("Credential issued", Some("when the wallet proves its key"), None, Tone::Waiting),
    ]
}

pub(super) fn hand_over(link: &str) -> HandOver {
    let code = qrcode::QrCode::new(link).expect("the link fits");
    let drawing = code.render::<qrcode::render::svg::Color>().quiet_zone(false).build();
    HandOver {
        id: "offer-link",
        link: link.into(),
        link_label: "Offer link",
        qr: Some(ImageUri::svg(&drawing)),
        qr_alt: "QR code with the offer link",
        pocket: true,
    }
}

pub(super) fn party() -> Party {
    Party {
        name: "Alder & Finch".into(),
        address: "localhost".into(),
        logo: None,
        trust: Trust {
            tone: Tone::Good,
            title: "Known and verified".into(),
            explanation: "Its certificate was issued by Lanyard Demo Root, which this wallet trusts, for the address localhost.".into(),
        },
    }
}

fn check(title: &str, detail: Option<&str>, rule: &str, tone: Tone) -> CheckView {
    CheckView { title: title.into(), detail: detail.map(Into::into), rule: rule.into(), tone }
}

pub(super) fn verified() -> VerdictView {
    VerdictView {
        tone: Tone::Good,
        headline: "Verified".into(),
        explanation: "Everything that was asked for was shown, and every check held.".into(),
        credentials: vec![ShownCredential { card: badge(), claims: claims() }],
        checks: vec![
            check("The issuer is trusted", Some("Lanyard Demo Root"), "RFC 5280 §6.1", Tone::Good),
            check("The issuer's signature holds", Some("ES256"), "RFC 9901 §7.1", Tone::Good),
            check("The holder proved the key for this request", None, "RFC 9901 §7.3", Tone::Good),
            check(
                "Not revoked",
                Some("the credential has no status list"),
                "TSL §8.3",
                Tone::Waiting,
            ),
        ],
    }
}

fn form_fields() -> Vec<FieldGroup> {
    let field = |name: &str, label: &str, value: &str, input: FieldInput| Field {
        id: name.into(),
        name: name.into(),
        label: label.into(),
        value: value.into(),
        input,
        error: None,
    };
    vec![
        FieldGroup {
            title: None,
            fields: vec![
                field("given_name", "Given name", "Ada", FieldInput::Text),
                field("family_name", "Family name", "Moreau", FieldInput::Text),
                Field {
                    error: Some("Write it as 2026-11-24".into()),
                    ..field("birthdate", "Date of birth", "1990-12-10", FieldInput::Date)
                },
                field("nationalities", "Nationalities", "FR, IE", FieldInput::List),
                field("age_over_18", "Over 18", "true", FieldInput::Flag),
                field("portrait", "Portrait", "", FieldInput::Image(portrait())),
            ],
        },
        FieldGroup {
            title: Some("Address".into()),
            fields: vec![
                field("address.street", "Street", "14 Rue des Tilleuls", FieldInput::Text),
                field("address.city", "Town", "Lyon", FieldInput::Text),
            ],
        },
    ]
}

fn question(two: bool) -> Question {
    let one = Candidate {
        value: "0.0".into(),
        on: true,
        card: badge(),
        claims: claims()[..2].to_vec(),
        over_asked: vec![OverAskedClaim {
            claim: "Portrait".into(),
            reason: "Your face can be recognised elsewhere.".into(),
        }],
    };
    let mut candidates = vec![one.clone()];
    if two {
        candidates.push(Candidate { value: "1.0".into(), on: false, card: diploma(), ..one });
    }
    Question { field: "pick.badge".into(), candidates }
}

fn told() -> ToldView {
    let link = OutsideLink {
        label: "Questions, and deletion",
        href: "mailto:privacy@alder.example".into(),
        shown: "privacy@alder.example".into(),
    };
    ToldView { purpose: Some("To let a colleague in".into()), links: vec![link] }
}

fn past(title: &str, detail: Option<&str>, at: Option<&str>, tone: Tone) -> PastStep {
    PastStep { step: step(title, detail, at, tone), told: ToldView::default() }
}

fn purpose(field: &str, optional: bool, ways: usize, two: bool) -> Purpose {
    let way = |place: usize| Way {
        value: place.to_string(),
        on: place == 0,
        questions: vec![question(two)],
    };
    Purpose { field: field.into(), optional, on: true, ways: (0..ways).map(way).collect() }
}

/// Every page by the name of its screenshot.
pub(super) fn every_page() -> Vec<(&'static str, String)> {
    let offer_link = "openid-credential-offer://?credential_offer_uri=http%3A%2F%2Flocalhost%3A7077%2Fdemo%2Foffers%2F2sXxYq0cSg8gCgq4JrX0Xw";
    let render = |page: Result<String, askama::Error>| page.expect("the page renders");
    vec![
        ("start", render(StartPage { chrome: chrome(Place::Start), demo: true, folder: "./lanyard-demo".into() }.render())),
        ("issue", render(IssuePage {
            chrome: chrome(Place::Issue),
            issuer: "Alder & Finch".into(),
            kinds: vec![
                Kind { id: "employee_badge".into(), card: badge(), description: "Opens doors and tells a front desk who is in front of them.".into(), format: "SD-JWT VC" },
                Kind { id: "diploma".into(), card: diploma(), description: "A degree, with who awarded it and when.".into(), format: "ISO mdoc" },
            ],
        }.render())),
        ("issue_form", render(IssueFormPage {
            chrome: chrome(Place::Issue),
            id: "employee_badge".into(),
            card: badge(),
            groups: form_fields(),
            format: "SD-JWT VC",
            tx_code: true,
            deferral: DeferralChoice::Seconds,
            by_value: false,
            demands: vec![
                Switch { name: "demand_dpop", label: "Demand DPoP", hint: "Access tokens are bound to a key of the wallet.", on: true },
                Switch { name: "single_copies", label: "One copy at a time", hint: "No batches.", on: false },
            ],
            login: Some(LoginChoice { holder: "ada", password: "demo", on: false }),
            problem: Some(Problem::new("One field needs a look", "Correct it and try again.")),
        }.render())),
        ("offer", render(OfferPage {
            chrome: chrome(Place::Issue),
            id: "1".into(),
            card: badge(),
            issuer: Some("http://localhost:7077/demo-dpop-attested".into()),
            demands: vec!["DPoP", "a wallet attestation"],
            attestation: Some("http://localhost:7077/sandbox/attestation".into()),
            key_attestation: Some("http://localhost:7077/sandbox/key-attestation".into()),
            handover: hand_over(offer_link),
            tx_code: Some("493 027".into()),
            expires: "14:12".into(),
            trail: trail(),
        }.render())),
        ("verify", render(VerifyPage {
            chrome: chrome(Place::Verify),
            presets: vec![
                Preset { id: "badge".into(), title: "Who is at the front desk?".into(), purpose: "To let a colleague in, the desk needs a name and a department.".into(), claims: vec!["Given name".into(), "Family name".into(), "Department".into()] },
                Preset { id: "age".into(), title: "Over 18, and nothing else".into(), purpose: "The shop learns one yes or no.".into(), claims: vec!["Over 18".into()] },
            ],
            types: vec![("employee_badge".into(), "Employee badge".into(), "dc+sd-jwt".into())],
            own: OwnQuestion {
                dcql: "{\n  \"credentials\": [\n    {}\n  ]\n}".into(),
                problem: Some(Problem::new("This is not a DCQL query yet", "credentials[0] has no id: add \"id\": \"badge\".")),
                vcts: vec!["urn:lanyard:demo:badge".into()],
            },
        }.render())),
        ("build", render(BuildPage {
            chrome: chrome(Place::Verify),
            id: "employee_badge".into(),
            name: "Employee badge".into(),
            format: "dc+sd-jwt".into(),
            claims: vec![
                BuiltClaim { id: "claim-0".into(), value: "0".into(), label: "Given name".into(), on: true },
                BuiltClaim { id: "claim-1".into(), value: "1".into(), label: "Department".into(), on: false },
            ],
            problem: Some(Problem::new("Nothing is asked for", "Choose at least one claim.")),
        }.render())),
        ("request_waiting", render(RequestPage {
            chrome: chrome(Place::Verify),
            id: "1".into(),
            title: "Who is at the front desk?".into(),
            purpose: "To let a colleague in".into(),
            verifier: "Alder & Finch (localhost)".into(),
            asked: vec!["Given name".into()],
            live: true,
            reload: true,
            raw: vec![("The question (DCQL)".into(), "{\n  \"credentials\": []\n}".into())],
            answer: vec![],
            advice: vec!["Date of birth: a date of birth identifies; age_over_18 is enough.".into()],
            handover: Some(hand_over(&offer_link.replace("credential_offer_uri", "request_uri"))),
            expires: "14:12".into(),
            verdict: VerdictView::words(Tone::Waiting, "Waiting for a wallet", "Scan the code, or open the link."),
            trail: trail()[..2].to_vec(),
        }.render())),
        ("request_verified", render(RequestPage {
            chrome: chrome(Place::Verify),
            id: "1".into(),
            title: "Who is at the front desk?".into(),
            purpose: "To let a colleague in".into(),
            verifier: "Alder & Finch (localhost)".into(),
            asked: vec!["Given name".into(), "Family name".into()],
            live: false,
            reload: false,
            raw: vec![],
            answer: vec![("badge: an SD-JWT presentation".into(), "eyJ… (1204 characters)".into())],
            advice: vec![],
            handover: None,
            expires: "14:12".into(),
            verdict: verified(),
            trail: trail(),
        }.render())),
        ("pocket_empty", render(PocketPage { chrome: chrome(Place::Pocket), notices: vec![], cards: vec![], link: String::new(), problem: None }.render())),
        ("pocket", render(PocketPage {
            chrome: chrome(Place::Pocket),
            notices: vec!["University diploma was revoked by its issuer: no verifier takes it any more.".into()],
            cards: vec![
                CardView { href: Some("/pocket/cards/1".into()), ..badge() },
                CardView { alert: Some("Expired".into()), ..diploma() },
            ],
            link: "https://example.org".into(),
            problem: Some(Problem::new("This is neither an offer nor a request", "Copy the whole link, from openid-credential-offer:// or openid4vp:// on.")),
        }.render())),
        ("pocket_offer", render(PocketOfferPage {
            chrome: chrome(Place::Pocket),
            id: "1".into(),
            party: party(),
            cards: vec![OfferedCard { card: badge(), claims: vec!["Given name".into(), "Family name".into(), "Portrait".into()] }],
            tx_code: Some(TxCodeInput { label: "Transaction code".into(), hint: "Six digits. The issuer tells you on another way than the QR code.".into(), numeric: true, length: Some(6), error: Some("That was not the code. 4 tries are left.".into()) }),
            problem: None,
        }.render())),
        ("pocket_request", render(PocketRequestPage {
            chrome: chrome(Place::Pocket),
            id: "1".into(),
            party: Party { trust: Trust { tone: Tone::Unsure, title: "Not verified".into(), explanation: "Nobody vouches for this verifier. All that is known is where the answer goes.".into() }, ..party() },
            told: told(),
            encrypted: true,
            over_asked: vec!["Portrait".into()],
            purposes: vec![purpose("set.0", false, 1, true), purpose("set.1", true, 1, false), purpose("set.2", true, 2, false)],
            authorizes: vec!["a payment of 23.58 EUR to Alder & Finch".into()],
            missing: String::new(),
            unusable: vec![],
            problem: None,
        }.render())),
        ("pocket_missing", render(PocketRequestPage {
            chrome: chrome(Place::Pocket),
            id: "1".into(),
            party: party(),
            told: ToldView::default(),
            encrypted: false,
            over_asked: vec![],
            purposes: vec![],
            authorizes: vec![],
            missing: "It asks for a University diploma.".into(),
            unusable: vec![CardView { alert: Some("Revoked by its issuer".into()), line: Some("by a list of 24 Nov 2026, 14:05 UTC".into()), ..diploma() }],
            problem: None,
        }.render())),
        ("pocket_done", render(PocketDonePage {
            chrome: chrome(Place::Pocket),
            verdict: VerdictView::words(Tone::Good, "Added to Pocket", "Its signature was checked and its key stays here."),
            cards: vec![badge()],
            next: Some(Next { href: "/verify".into(), label: "Now verify it".into() }),
        }.render())),
        ("pocket_card", render(PocketCardPage {
            chrome: chrome(Place::Pocket),
            id: "1".into(),
            card: badge(),
            claims: claims(),
            facts: vec![Fact { label: "Issued by".into(), value: "localhost".into() }, Fact { label: "Valid until".into(), value: "24 Nov 2027".into() }],
        }.render())),
        ("pocket_history", render(PocketHistoryPage {
            chrome: chrome(Place::Pocket),
            search: HistorySearch { kinds: vec![("shared", "Shared", false), ("failed", "Failed", true)], ..HistorySearch::default() },
            shared_with: vec![SharedWithView { name: "Alder & Finch".into(), line: "2 times, last on 24 Nov 2026, 14:05: Given name, Family name".into(), href: "/pocket/history?party=x509_hash%3Aabc".into(), told: told() }],
            entries: vec![
                past("Shared with Alder & Finch", Some("Given name, Family name"), Some("24 Nov 2026, 14:05"), Tone::Good),
                past("Declined a request of Alder & Finch", None, Some("24 Nov 2026, 14:04"), Tone::Waiting),
                past("Could not accept an offer", Some("The issuer refused the transaction code (invalid_grant)."), Some("24 Nov 2026, 14:02"), Tone::Bad),
            ],
        }.render())),
        ("error", render(ErrorPage {
            chrome: chrome(Place::Start),
            problem: Problem::new("This offer is no longer here", "It was used, cancelled or it expired. Make a new one."),
            next: Some(Next { href: "/issue".into(), label: "Issue a credential".into() }),
            code: Some("offer_absent".into()),
        }.render())),
    ]
}
