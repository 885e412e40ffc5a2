#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use daraa_platform::clock::{Clock, FastClock, ManualClock};
use daraa_platform::time::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use mongodb::bson::oid::ObjectId;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::error::SessionError;
use super::model::{EndReason, Ended, RefreshState, Session};
use super::rules::token::{RefreshToken, check_access, sign_access, sign_refresh};
use super::rules::{self, DeviceName, OneTimeCode, RefreshDecision, decide, shown};
use crate::ids::{AccountId, SessionId};
use crate::keys::Keys;

const OLD: &str = "0123456789abcdef0123456789abcdef";
const NEW: &str = "fedcba9876543210fedcba9876543210";
const PEPPER: &str = "a pepper of at least thirty-two characters";
const NOW: i64 = 1_767_603_600_500;

fn keys() -> Keys {
    Keys::parse(&format!("new:{NEW}\nold:{OLD}"), PEPPER).unwrap()
}

fn account_id() -> AccountId {
    AccountId::from(ObjectId::from_bytes([1; 12]))
}

fn session_id() -> SessionId {
    SessionId::from(ObjectId::from_bytes([2; 12]))
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn good_token() -> String {
    sign_access(&keys(), account_id(), session_id(), at(NOW), rules::ACCESS_LIFE).unwrap().0
}

/// Signs any header and claims with the genuine access key of `new`.
fn signed(header: &Header, claims: &Value) -> String {
    let key = keys().signing().access;
    jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(&key)).unwrap()
}

fn header() -> Header {
    Header { kid: Some("new".to_owned()), ..Header::new(Algorithm::HS256) }
}

fn claims() -> Value {
    json!({
        "iss": "daraa", "sub": account_id().to_string(), "sid": session_id().to_string(),
        "iat": NOW / 1_000, "nbf": NOW / 1_000, "exp": NOW / 1_000 + 900,
    })
}

fn with(field: &str, value: Value) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().insert(field.to_owned(), value);
    claims
}

fn without(field: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(field);
    claims
}

fn raw(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

#[test]
fn an_access_token_lives_for_its_time_by_the_given_clock() {
    let token = good_token();
    let access = check_access(&keys(), &token, at(NOW)).unwrap();
    assert_eq!((access.account_id, access.session_id), (account_id(), session_id()));
    assert!(check_access(&keys(), &token, at(NOW + 899_000)).is_ok());
    assert!(matches!(check_access(&keys(), &token, at(NOW + 900_000)), Err(SessionError::TokenExpired)));
    assert!(matches!(check_access(&keys(), &token, at(NOW - 60_000)), Err(SessionError::TokenInvalid)));
    assert!(check_access(&keys(), &token, at(NOW - 4_000)).is_ok(), "servers' clocks may differ a little");
}

#[test]
fn a_token_of_the_last_key_is_accepted_until_the_key_is_removed() {
    let before = Keys::parse(&format!("old:{OLD}"), PEPPER).unwrap();
    let after = Keys::parse(&format!("new:{NEW}"), PEPPER).unwrap();
    let (token, _) = sign_access(&before, account_id(), session_id(), at(NOW), rules::ACCESS_LIFE).unwrap();
    assert!(check_access(&keys(), &token, at(NOW)).is_ok());
    assert!(check_access(&after, &token, at(NOW)).is_err());
    let refresh = sign_refresh(&before, session_id(), 1, "n");
    let refresh = RefreshToken::parse(&refresh).unwrap();
    assert!(refresh.genuine(&keys(), "n") && !refresh.genuine(&after, "n"));
}

#[test]
fn no_forged_access_token_is_accepted() {
    let good = good_token();
    let parts: Vec<&str> = good.split('.').collect();
    let [head, body, signature] = [parts[0], parts[1], parts[2]];
    let other = "00000000000000000000000000000000";
    let by = |secret: &[u8], header: &Header| {
        jsonwebtoken::encode(header, &claims(), &EncodingKey::from_secret(secret)).unwrap()
    };
    let stranger = AccountId::from(ObjectId::from_bytes([9; 12])).to_string();
    let none = json!({ "alg": "none", "typ": "JWT", "kid": "new" });
    let forged: Vec<(&str, String)> = vec![
        ("nothing", String::new()),
        ("no token", "Bearer".to_owned()),
        ("two parts", format!("{head}.{body}")),
        ("four parts", format!("{good}.{signature}")),
        ("no signature", format!("{head}.{body}.")),
        ("another signature", format!("{head}.{body}.{}", URL_SAFE_NO_PAD.encode([0; 32]))),
        ("one bit of the signature", format!("{head}.{body}.{}", flip_first(signature))),
        ("one bit of the body", format!("{head}.{}.{signature}", flip_first(body))),
        ("another person in the body", {
            let body = URL_SAFE_NO_PAD.encode(with("sub", json!(stranger)).to_string());
            format!("{head}.{body}.{signature}")
        }),
        ("algorithm none", raw(&none, &claims(), "")),
        (
            "algorithm NONE with a signature",
            raw(&json!({ "alg": "NONE", "kid": "new" }), &claims(), signature),
        ),
        ("algorithm HS512", {
            signed(&Header { kid: Some("new".to_owned()), ..Header::new(Algorithm::HS512) }, &claims())
        }),
        ("algorithm RS256", raw(&json!({ "alg": "RS256", "kid": "new" }), &claims(), signature)),
        ("another key", by(other.as_bytes(), &header())),
        ("the secret itself instead of the derived key", by(NEW.as_bytes(), &header())),
        ("the refresh key", by(&keys().signing().refresh, &header())),
        ("an empty key", by(b"", &header())),
        ("no key id", signed(&Header::new(Algorithm::HS256), &claims())),
        ("an unknown key id", {
            signed(&Header { kid: Some("../../dev/null".to_owned()), ..header() }, &claims())
        }),
        ("the other key's id", signed(&Header { kid: Some("old".to_owned()), ..header() }, &claims())),
        ("another issuer", signed(&header(), &with("iss", json!("someone")))),
        ("no issuer", signed(&header(), &without("iss"))),
        ("no expiry", signed(&header(), &without("exp"))),
        ("an expiry that is a text", signed(&header(), &with("exp", json!("9999999999")))),
        ("from the future", signed(&header(), &with("nbf", json!(NOW / 1_000 + 600)))),
        ("no session", signed(&header(), &without("sid"))),
        ("a session instead of an account", signed(&header(), &with("sub", json!(session_id().to_string())))),
        ("an operator instead of an account", signed(&header(), &with("sub", json!({ "$gt": "" })))),
        ("an unknown claim", signed(&header(), &with("ops", json!("ADMIN")))),
        ("a refresh token", sign_refresh(&keys(), session_id(), 1, "n")),
        ("a very long token", format!("{good}{}", "A".repeat(5_000))),
    ];
    for (what, token) in forged {
        assert!(
            matches!(check_access(&keys(), &token, at(NOW)), Err(SessionError::TokenInvalid)),
            "accepted: {what}"
        );
    }
    let expired = signed(&header(), &with("exp", json!(NOW / 1_000 - 1)));
    assert!(matches!(check_access(&keys(), &expired, at(NOW)), Err(SessionError::TokenExpired)));
    assert!(check_access(&keys(), &signed(&header(), &claims()), at(NOW)).is_ok(), "the forger's tools work");
}

fn flip_first(part: &str) -> String {
    let mut bytes = URL_SAFE_NO_PAD.decode(part).unwrap();
    bytes[0] ^= 1;
    URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn a_refresh_token_holds_for_its_session_generation_and_nonce_only() {
    let text = sign_refresh(&keys(), session_id(), 7, "nonce");
    let token = RefreshToken::parse(&text).unwrap();
    assert_eq!((token.session_id, token.generation), (session_id(), 7));
    assert!(token.genuine(&keys(), "nonce"));
    assert!(!token.genuine(&keys(), "another"));
    let parts: Vec<&str> = text.split('.').collect();
    let later = format!("{}.{}.8.{}", parts[0], parts[1], parts[3]);
    assert!(!RefreshToken::parse(&later).unwrap().genuine(&keys(), "nonce"));
    let renamed = format!("old.{}.7.{}", parts[1], parts[3]);
    assert!(!RefreshToken::parse(&renamed).unwrap().genuine(&keys(), "nonce"));
    for broken in ["", "a.b.c.d", &text[1..], &format!("{text}.x"), &good_token()] {
        let genuine = RefreshToken::parse(broken).is_ok_and(|token| token.genuine(&keys(), "nonce"));
        assert!(!genuine, "{broken}");
    }
}

fn session(generation: i64) -> Session {
    Session {
        id: session_id(),
        account_id: account_id(),
        device_name: None,
        created_at: at(0),
        refreshed_at: at(100_000),
        expires_at: at(1_000_000),
        ended: None,
        refresh: RefreshState { generation, nonce: "nonce".to_owned() },
    }
}

#[test]
fn only_the_last_token_may_be_repeated_and_only_for_a_moment() {
    let grace = rules::RETRY_GRACE;
    let live = session(3);
    for (generation, now, expected) in [
        (3, 100_000, RefreshDecision::Rotate),
        (3, 999_999, RefreshDecision::Rotate),
        (3, 1_000_000, RefreshDecision::Refused),
        (2, 110_000, RefreshDecision::AnswerAgain),
        (2, 110_001, RefreshDecision::Reused),
        (1, 100_001, RefreshDecision::Reused),
        (4, 100_000, RefreshDecision::Refused),
        (0, 100_000, RefreshDecision::Refused),
    ] {
        assert_eq!(decide(&live, generation, at(now), grace), expected, "{generation} at {now}");
    }
    let ended = Ended { at: at(200_000), reason: EndReason::SignedOut };
    let over = Session { ended: Some(ended), ..session(3) };
    assert_eq!(decide(&over, 3, at(200_001), grace), RefreshDecision::Refused);
}

#[test]
fn a_fast_clock_leaves_people_their_time() {
    let fast = Clock::Fast(FastClock { real_ms: 0, shown_ms: 0, speed: 120 });
    let slow = Clock::Manual(ManualClock::default());
    assert_eq!(shown(&fast, Duration::from_secs(10)), Duration::from_secs(1_200));
    assert_eq!(shown(&slow, Duration::from_secs(10)), Duration::from_secs(10));
}

#[test]
fn codes_are_six_digits_in_either_script() {
    assert_eq!(OneTimeCode::parse("123 456").unwrap().as_str(), "123456");
    assert_eq!(OneTimeCode::parse("١٢٣٤٥٦").unwrap().as_str(), "123456");
    for text in ["", "12345", "1234567", "12345x", "-12345", &"1".repeat(100)] {
        assert!(matches!(OneTimeCode::parse(text), Err(SessionError::CodeInvalid)), "{text}");
    }
    assert!(!format!("{:?}", OneTimeCode::parse("123456").unwrap()).contains("123"));
}

#[test]
fn device_names_are_bounded() {
    assert_eq!(DeviceName::parse(" هاتف ليلى ").unwrap().as_str(), "هاتف ليلى");
    assert!(DeviceName::parse("").is_err());
    assert!(DeviceName::parse("a\u{1b}[31m").is_err());
}

proptest! {
    #[test]
    fn no_text_makes_the_token_readers_panic(text in ".{0,200}") {
        prop_assert!(check_access(&keys(), &text, at(NOW)).is_err());
        prop_assert!(!RefreshToken::parse(&text).is_ok_and(|token| token.genuine(&keys(), "nonce")));
    }
}
