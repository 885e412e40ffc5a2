//! Sign-in: codes, limits, rotation of refresh tokens, revocation.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use daraa_domain::account::{self, PersonName, Phone};
use daraa_domain::actor::Actor;
use daraa_domain::app::App;
use daraa_domain::audit::{self, AuditFilter};
use daraa_domain::session::{self, DeviceName, EndReason, OneTimeCode, SessionError, StartSession, Tokens};
use daraa_platform::fault::{Fault as _, FaultKind, Infra, Lang};
use daraa_platform::paging::PageRequest;
use daraa_tests::World;
use futures_util::future::join_all;
use mongodb::bson::{Document, doc};
use serde_json::json;

const PHONE: &str = "+963944123456";

fn phone() -> Phone {
    Phone::parse(PHONE).unwrap()
}

/// A different address each time, so that limits per address stay out of the way.
fn ip(n: u16) -> IpAddr {
    let [a, b] = n.to_be_bytes();
    IpAddr::from([10, 9, a, b])
}

async fn code(app: &App, ip: IpAddr, phone: &Phone) -> OneTimeCode {
    session::request_code(app, ip, phone, Lang::En).await.unwrap();
    let sent = app.ports.sms.recording().unwrap().last_code(phone.as_str()).unwrap();
    OneTimeCode::parse(&sent).unwrap()
}

fn command(ip: IpAddr, phone: Phone, code: OneTimeCode) -> StartSession {
    StartSession {
        ip,
        phone,
        code,
        name: Some(PersonName::parse("ليلى").unwrap()),
        lang: Lang::Ar,
        device_name: Some(DeviceName::parse("phone").unwrap()),
    }
}

async fn sign_in(app: &App, n: u16, phone: &Phone) -> Tokens {
    let code = code(app, ip(n), phone).await;
    session::start(app, command(ip(n), phone.clone(), code)).await.unwrap()
}

fn wrong(code: &OneTimeCode) -> OneTimeCode {
    let other = if code.as_str() == "000000" { "000001" } else { "000000" };
    OneTimeCode::parse(other).unwrap()
}

#[tokio::test]
async fn a_code_opens_an_account_once_and_a_session_each_time() {
    let world = World::new().await;
    let app = &world.app;
    let first = sign_in(app, 1, &phone()).await;
    assert_eq!(first.account.name, "ليلى");
    let again = sign_in(app, 2, &phone()).await;
    assert_eq!(first.account.id, again.account.id);
    assert_ne!(first.session_id, again.session_id);
    let actor = session::identify(app, &again.access_token).await.unwrap();
    assert_eq!(actor.person().unwrap().session_id, again.session_id);
    assert_eq!(session::list(app, &actor).await.unwrap().len(), 2);
    let events = app.mongo.db().collection::<Document>("outbox");
    assert_eq!(events.count_documents(doc! { "kind": account::ACCOUNT_CREATED }).await.unwrap(), 1);
}

#[tokio::test]
async fn neither_phone_nor_code_can_be_read_from_the_stored_code() {
    let world = World::new().await;
    let code = code(&world.app, ip(1), &phone()).await;
    let codes = world.app.mongo.db().collection::<Document>("sign_in_codes");
    let stored = codes.find_one(doc! {}).await.unwrap().unwrap().to_string();
    assert!(!stored.contains("944123456") && !stored.contains(code.as_str()), "{stored}");
}

#[tokio::test]
async fn a_code_can_be_used_once_even_by_two_at_once() {
    let world = World::new().await;
    let app = &world.app;
    for round in 0..3_u16 {
        let phone = Phone::parse(&format!("+96394400000{round}")).unwrap();
        let code = code(app, ip(round), &phone).await;
        let tries = (0..4)
            .map(|n| session::start(app, command(ip(100 + round * 10 + n), phone.clone(), code.clone())));
        let (won, lost): (Vec<_>, Vec<_>) = join_all(tries).await.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1, "{lost:?}");
        for e in lost {
            assert!(matches!(e, Err(SessionError::CodeInvalid)), "{e:?}");
        }
    }
    let sessions = app.mongo.db().collection::<Document>("sessions");
    assert_eq!(sessions.count_documents(doc! {}).await.unwrap(), 3);
    let accounts = app.mongo.db().collection::<Document>("accounts");
    assert_eq!(accounts.count_documents(doc! {}).await.unwrap(), 3);
}

#[tokio::test]
async fn five_wrong_tries_spoil_a_code_even_in_parallel() {
    let world = World::new().await;
    let app = &world.app;
    let code = code(app, ip(1), &phone()).await;
    let guesses = (0..5).map(|n| session::start(app, command(ip(10 + n), phone(), wrong(&code))));
    for e in join_all(guesses).await {
        assert!(matches!(e, Err(SessionError::CodeInvalid)), "{e:?}");
    }
    // Past the window of the limit per phone, but within the life of the code, the right code is refused, too.
    let codes = app.mongo.db().collection::<Document>("sign_in_codes");
    let later = mongodb::bson::DateTime::from_millis(world.now().millis() + 3_600_000);
    codes.update_one(doc! {}, doc! { "$set": { "expires_at": later } }).await.unwrap();
    world.pass(Duration::from_secs(301));
    let late = session::start(app, command(ip(20), phone(), code)).await;
    assert!(matches!(late, Err(SessionError::CodeInvalid)), "{late:?}");
}

#[tokio::test]
async fn a_code_expires_and_a_new_one_replaces_the_old() {
    let world = World::new().await;
    let app = &world.app;
    let old = code(app, ip(1), &phone()).await;
    let new = loop {
        let new = code(app, ip(2), &phone()).await;
        if new != old {
            break new;
        }
    };
    let with_old = session::start(app, command(ip(3), phone(), old)).await;
    assert!(matches!(with_old, Err(SessionError::CodeInvalid)));
    world.pass(session::CODE_LIFE);
    let too_late = session::start(app, command(ip(4), phone(), new)).await;
    assert!(matches!(too_late, Err(SessionError::CodeInvalid)));
}

#[tokio::test]
async fn known_and_unknown_phones_are_answered_alike() {
    let world = World::new().await;
    let app = &world.app;
    let known = sign_in(app, 1, &phone()).await.account.phone;
    let unknown = Phone::parse("+963944999999").unwrap();
    let answers = [
        session::request_code(app, ip(2), &known, Lang::En).await.unwrap(),
        session::request_code(app, ip(3), &unknown, Lang::En).await.unwrap(),
    ];
    assert_eq!(answers[0], answers[1]);
    let guess = OneTimeCode::parse("000000").unwrap();
    for phone in [known, unknown, Phone::parse("+963944888888").unwrap()] {
        let refused = session::start(app, command(ip(4), phone, guess.clone())).await.unwrap_err();
        assert!(matches!(refused, SessionError::CodeInvalid));
    }
    let accounts = app.mongo.db().collection::<Document>("accounts");
    assert_eq!(accounts.count_documents(doc! {}).await.unwrap(), 1);
}

fn is_limited(e: &SessionError) -> bool {
    e.kind() == FaultKind::RateLimited && e.retry_after().is_some_and(|wait| !wait.is_zero())
}

#[tokio::test]
async fn five_codes_in_five_minutes_per_phone_and_per_address_on_all_servers() {
    let world = World::new().await;
    let (one, two) = (world.app.clone(), world.another_server().await);
    for n in 0..5 {
        let app = if n % 2 == 0 { &one } else { &two };
        session::request_code(app, ip(n), &phone(), Lang::En).await.unwrap();
    }
    for app in [&one, &two] {
        let e = session::request_code(app, ip(50), &phone(), Lang::En).await.unwrap_err();
        assert!(is_limited(&e), "{e:?}");
    }
    for n in 0..5 {
        let other = Phone::parse(&format!("+96394500000{n}")).unwrap();
        session::request_code(&one, ip(99), &other, Lang::En).await.unwrap();
    }
    let other = Phone::parse("+963945000009").unwrap();
    let e = session::request_code(&two, ip(99), &other, Lang::En).await.unwrap_err();
    assert!(is_limited(&e), "{e:?}");
    world.pass(Duration::from_secs(300));
    session::request_code(&two, ip(99), &phone(), Lang::En).await.unwrap();
}

#[tokio::test]
async fn five_tries_in_five_minutes_per_phone() {
    let world = World::new().await;
    let app = &world.app;
    let code = code(app, ip(1), &phone()).await;
    for n in 0..5 {
        let e = session::start(app, command(ip(10 + n), phone(), wrong(&code))).await.unwrap_err();
        assert!(matches!(e, SessionError::CodeInvalid));
    }
    let e = session::start(app, command(ip(20), phone(), code)).await.unwrap_err();
    assert!(is_limited(&e), "{e:?}");
}

#[tokio::test]
async fn three_registrations_an_hour_per_address() {
    let world = World::new().await;
    let app = &world.app;
    let register = async |n: u16| {
        let phone = Phone::parse(&format!("+9639460000{n:02}")).unwrap();
        let code = code(app, ip(n), &phone).await;
        session::start(app, command(ip(200), phone, code)).await
    };
    for n in 0..3 {
        register(n).await.unwrap();
    }
    let e = register(3).await.unwrap_err();
    assert!(is_limited(&e), "{e:?}");
    let accounts = app.mongo.db().collection::<Document>("accounts");
    assert_eq!(accounts.count_documents(doc! {}).await.unwrap(), 3);
    world.pass(Duration::from_secs(3_600));
    register(4).await.unwrap();
}

#[tokio::test]
async fn sign_in_is_refused_while_redis_is_away() {
    let world = World::with(&[("DARAA_REDIS_ADDR", "127.0.0.1:1".to_owned())]).await;
    let e = session::request_code(&world.app, ip(1), &phone(), Lang::En).await.unwrap_err();
    assert_eq!((e.kind(), e.code()), (FaultKind::Unavailable, "UNAVAILABLE"));
    let code = OneTimeCode::parse("000000").unwrap();
    let e = session::start(&world.app, command(ip(1), phone(), code)).await.unwrap_err();
    assert!(matches!(e, SessionError::Infra(Infra::Cache(_))), "{e:?}");
}

#[tokio::test]
async fn a_refresh_token_is_exchanged_and_a_lost_answer_given_again() {
    let world = World::new().await;
    let app = &world.app;
    let first = sign_in(app, 1, &phone()).await;
    world.pass(Duration::from_secs(600));
    let second = session::refresh(app, &first.refresh_token).await.unwrap();
    assert_ne!(first.refresh_token, second.refresh_token);
    assert!(second.access_expires_at > first.access_expires_at);
    world.pass(Duration::from_secs(10));
    let again = session::refresh(app, &first.refresh_token).await.unwrap();
    assert_eq!(again.refresh_token, second.refresh_token);
    session::identify(app, &again.access_token).await.unwrap();
    session::refresh(app, &again.refresh_token).await.unwrap();
}

#[tokio::test]
async fn two_refreshes_at_once_make_one_exchange_and_the_same_answer() {
    let world = World::new().await;
    let servers = [world.app.clone(), world.another_server().await];
    let first = sign_in(&world.app, 1, &phone()).await;
    let both = (0..6).map(|n| session::refresh(&servers[n % 2], &first.refresh_token));
    let answers: Vec<Tokens> = join_all(both).await.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|tokens| tokens.refresh_token == answers[0].refresh_token));
    let sessions = world.app.mongo.db().collection::<Document>("sessions");
    let stored = sessions.find_one(doc! {}).await.unwrap().unwrap();
    assert_eq!(stored.get_document("refresh").unwrap().get_i64("generation").unwrap(), 2);
}

#[tokio::test]
async fn a_used_refresh_token_that_comes_back_ends_the_session_everywhere_within_a_second() {
    let world = World::new().await;
    let (here, there) = (world.app.clone(), world.another_server().await);
    let stolen = sign_in(&here, 1, &phone()).await;
    let second = session::refresh(&here, &stolen.refresh_token).await.unwrap();
    let third = session::refresh(&here, &second.refresh_token).await.unwrap();
    session::identify(&there, &third.access_token).await.unwrap();
    let e = session::refresh(&here, &stolen.refresh_token).await.unwrap_err();
    assert!(matches!(e, SessionError::RefreshInvalid));
    // At once on the server that saw it, within a second on the other.
    assert!(matches!(session::identify(&here, &third.access_token).await, Err(SessionError::TokenInvalid)));
    let since = Instant::now();
    while session::identify(&there, &third.access_token).await.is_ok() {
        assert!(since.elapsed() < Duration::from_secs(1), "still accepted after a second");
        tokio::task::yield_now().await;
    }
    for tokens in [&stolen, &second, &third] {
        assert!(session::refresh(&there, &tokens.refresh_token).await.is_err());
    }
    let filter = AuditFilter { action: Some("session.refresh_reused".to_owned()), ..AuditFilter::default() };
    let admin = admin(&here).await;
    let page = audit::list(&here, &admin, &filter, &PageRequest::default()).await.unwrap();
    assert_eq!(page.rows.len(), 1);
    assert_eq!(page.rows[0].1.subject, stolen.session_id.to_string());
}

async fn admin(app: &App) -> Actor {
    use daraa_domain::account::GrantOpsRole;
    use daraa_domain::actor::OpsRole;
    let phone = Phone::parse("+963933000000").unwrap();
    account::ensure(app, phone.clone(), PersonName::parse("Admin").unwrap(), Lang::En).await.unwrap();
    let grant = GrantOpsRole { phone: phone.clone(), role: Some(OpsRole::Admin) };
    account::grant_ops_role(app, &Actor::System("test"), grant).await.unwrap();
    let tokens = sign_in(app, 900, &phone).await;
    session::identify(app, &tokens.access_token).await.unwrap()
}

#[tokio::test]
async fn an_access_token_ends_with_its_time_and_a_session_with_its_own() {
    let world = World::new().await;
    let app = &world.app;
    let tokens = sign_in(app, 1, &phone()).await;
    world.pass(session::ACCESS_LIFE);
    let e = session::identify(app, &tokens.access_token).await.unwrap_err();
    assert_eq!((e.kind(), e.code()), (FaultKind::Unauthenticated, "TOKEN_EXPIRED"));
    world.pass(session::REFRESH_LIFE);
    let e = session::refresh(app, &tokens.refresh_token).await.unwrap_err();
    assert!(matches!(e, SessionError::RefreshInvalid));
}

#[tokio::test]
async fn a_person_ends_their_own_sessions_and_nobody_elses() {
    let world = World::new().await;
    let app = &world.app;
    let mine = sign_in(app, 1, &phone()).await;
    let other_device = sign_in(app, 2, &phone()).await;
    let stranger = sign_in(app, 3, &Phone::parse("+963944777777").unwrap()).await;
    let me = session::identify(app, &mine.access_token).await.unwrap();
    let e = session::revoke(app, &me, stranger.session_id).await.unwrap_err();
    assert!(matches!(e, SessionError::SessionNotFound));
    session::identify(app, &stranger.access_token).await.unwrap();
    for _ in 0..2 {
        let ended = session::revoke(app, &me, other_device.session_id).await.unwrap();
        assert_eq!(ended.ended.unwrap().reason, EndReason::Revoked);
    }
    assert!(session::identify(app, &other_device.access_token).await.is_err());
    assert!(session::refresh(app, &other_device.refresh_token).await.is_err());
    assert_eq!(session::list(app, &me).await.unwrap().len(), 1);
    session::end(app, &me).await.unwrap();
    assert!(session::identify(app, &mine.access_token).await.is_err());
    assert!(session::list(app, &Actor::Anonymous).await.is_err());
}

#[tokio::test]
async fn the_oldest_device_gives_way_when_there_are_too_many() {
    let world = World::new().await;
    let app = &world.app;
    let mut all = Vec::new();
    for n in 0..=u16::try_from(session::MAX_SESSIONS).unwrap() {
        world.pass(Duration::from_secs(61));
        all.push(sign_in(app, n, &phone()).await);
    }
    let newest = all.last().unwrap();
    let me = session::identify(app, &newest.access_token).await.unwrap();
    let alive = session::list(app, &me).await.unwrap();
    assert_eq!(i64::try_from(alive.len()).unwrap(), session::MAX_SESSIONS);
    assert!(alive.iter().all(|session| session.id != all[0].session_id));
    assert!(session::refresh(app, &all[0].refresh_token).await.is_err());
    session::refresh(app, &all[1].refresh_token).await.unwrap();
}

#[tokio::test]
async fn a_token_of_another_installation_is_refused() {
    let world = World::new().await;
    let tokens = sign_in(&world.app, 1, &phone()).await;
    let forged = tokens.access_token.replace('.', "..");
    for token in [forged.as_str(), &tokens.refresh_token, "", "Bearer x"] {
        let e = session::identify(&world.app, token).await.unwrap_err();
        assert_eq!(e.kind(), FaultKind::Unauthenticated);
    }
    // The genuine token of a session that is gone from the database.
    let sessions = world.app.mongo.db().collection::<Document>("sessions");
    sessions.delete_many(doc! {}).await.unwrap();
    let fresh = world.another_server().await;
    assert!(matches!(session::identify(&fresh, &tokens.access_token).await, Err(SessionError::TokenInvalid)));
}

#[tokio::test]
async fn a_device_signs_in_refreshes_and_signs_out_through_the_api() {
    let world = World::new().await;
    let asked = world.mutate("", "codeRequest", "expiresAt", json!({ "phone": "0944 123 456" })).await;
    assert_eq!(asked["expiresAt"], "2026-01-05T09:05:00.000Z");
    let code = world.app.ports.sms.recording().unwrap().last_code(PHONE).unwrap();
    let tokens = "session { sessionId accessToken accessExpiresAt refreshToken refreshExpiresAt \
                  account { id phone name lang opsRole courierId memberships { storeId } } }";
    let input = json!({ "phone": PHONE, "code": code, "name": "Layla", "deviceName": "Phone" });
    let started = world.mutate("", "sessionStart", tokens, input.clone()).await["session"].take();
    assert_eq!(started["account"]["phone"], PHONE);
    assert_eq!(started["account"]["lang"], "EN", "that of Accept-Language");
    assert_eq!(started["accessExpiresAt"], "2026-01-05T09:15:00.000Z");
    assert_eq!(
        world.refused("", "sessionStart", input).await.into_keys().collect::<Vec<_>>(),
        ["CODE_INVALID"]
    );

    let token = started["accessToken"].as_str().unwrap();
    let me = world
        .gql(token, "{ me { id name } mySessions { id deviceName current endReason } }", json!({}))
        .await;
    assert_eq!(me["me"]["id"], started["account"]["id"]);
    assert_eq!(me["mySessions"][0]["current"], true);
    assert_eq!(me["mySessions"][0]["deviceName"], "Phone");

    let refresh = json!({ "refreshToken": started["refreshToken"] });
    let next = world.mutate("", "sessionRefresh", tokens, refresh).await["session"].take();
    assert_ne!(next["refreshToken"], started["refreshToken"]);
    let token = next["accessToken"].as_str().unwrap();
    let ended =
        world.gql(token, "mutation { sessionEnd { sessionId userErrors { code } } }", json!({})).await;
    assert_eq!(ended["sessionEnd"]["sessionId"], started["sessionId"]);
    let answer = world.gql_raw(Some(token), "{ me { id } }", json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "TOKEN_INVALID");
    let refresh = json!({ "refreshToken": next["refreshToken"] });
    assert!(world.refused("", "sessionRefresh", refresh).await.contains_key("REFRESH_INVALID"));
}

#[tokio::test]
async fn wrong_sign_in_input_gets_its_code() {
    let world = World::new().await;
    let me = world.customer().await;
    let start = |phone: &str, code: &str, name: &str, device: &str| json!({ "phone": phone, "code": code, "name": name, "deviceName": device });
    for (mutation, input, code) in [
        ("codeRequest", json!({ "phone": "12" }), "INVALID_PHONE"),
        ("sessionStart", start("x", "123456", "A", "B"), "INVALID_PHONE"),
        ("sessionStart", start(PHONE, "12345", "A", "B"), "CODE_INVALID"),
        ("sessionStart", start(PHONE, "123456", "A", "B"), "CODE_INVALID"),
        ("sessionStart", start(PHONE, "123456", " ", "B"), "INVALID_NAME"),
        ("sessionStart", start(PHONE, "123456", "A", &"x".repeat(81)), "INVALID_DEVICE_NAME"),
        ("sessionRefresh", json!({ "refreshToken": "x" }), "REFRESH_INVALID"),
        ("sessionRevoke", json!({ "sessionId": "acc_000000000000000000000000" }), "MALFORMED_ID"),
        ("sessionRevoke", json!({ "sessionId": "ses_000000000000000000000000" }), "SESSION_NOT_FOUND"),
    ] {
        let codes = world.refused(&me.token, mutation, input).await;
        assert_eq!(codes.into_keys().collect::<Vec<_>>(), [code], "{mutation}");
    }
    world.pass(session::ACCESS_LIFE);
    let answer = world.gql_raw(Some(&me.token), "{ me { id } }", json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "TOKEN_EXPIRED");
    let answer = world.gql_raw(None, "{ me { id } }", json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}
