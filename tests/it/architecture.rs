//! The house keeps its rooms: dependencies point one way, files have their names, rooms form no cycle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The files a room may have; sub-rooms are folders with the same names.
const ROOM_FILES: &[&str] =
    &["mod", "model", "rules", "service", "store", "error", "event", "consume", "tests"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn sources(under: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(under).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found
}

/// Every first path segment used after `prefix` in code (comments and strings left out, roughly).
fn uses(text: &str, prefix: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for (at, _) in line.match_indices(prefix) {
            let before = line.get(..at).and_then(|b| b.chars().last());
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let rest = &line[at + prefix.len()..];
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if !name.is_empty() {
                found.insert(name);
            }
        }
    }
    found
}

#[test]
fn crates_depend_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("platform", &[][..]),
        ("dispatch", &[][..]),
        ("domain", &["daraa-platform", "daraa-dispatch"][..]),
        ("server", &["daraa-platform", "daraa-domain"][..]),
        ("jobs", &["daraa-platform", "daraa-domain"][..]),
        ("bench", &[][..]),
    ]);
    for (member, allowed) in allowed {
        let manifest = fs::read_to_string(root().join(member).join("Cargo.toml")).unwrap();
        let shipped = manifest.split("[dev-dependencies]").next().unwrap();
        for line in shipped.lines() {
            let name = line.split(['.', ' ', '=']).next().unwrap();
            if name.starts_with("daraa-") {
                assert!(allowed.contains(&name), "{member} must not depend on {name}");
            }
        }
    }
}

#[test]
fn domain_knows_no_transport_and_dispatch_no_outside() {
    for (member, forbidden) in [
        (
            "domain",
            &["axum::", "async_graphql::Object", "async_graphql::Context", "tokio::net", "reqwest::"][..],
        ),
        (
            "dispatch",
            &["tokio::", "std::fs", "std::net", "SystemTime", "Instant::now", "chrono::", "mongodb::"][..],
        ),
    ] {
        for file in sources(&root().join(member).join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            for word in forbidden {
                assert!(!text.contains(word), "{} uses {word}", file.display());
            }
        }
    }
}

#[test]
fn rooms_have_equal_file_names() {
    let domain = root().join("domain/src");
    for file in sources(&domain) {
        let inside = file.strip_prefix(&domain).unwrap();
        if inside.components().count() < 2 {
            continue;
        }
        let name = file.file_stem().unwrap().to_str().unwrap();
        let folder_of_same_kind = file.parent().unwrap().file_name().unwrap().to_str().unwrap();
        // A crowded file may be split into a folder of its name: store/near.rs under store/.
        let split = ROOM_FILES.contains(&folder_of_same_kind) && inside.components().count() > 2;
        assert!(
            ROOM_FILES.contains(&name) || split || ROOM_EXTRAS.contains(&inside.to_str().unwrap()),
            "{} is no file a room has",
            inside.display()
        );
    }
}

/// Files that a room has beyond the usual names, each said in its `mod.rs`.
const ROOM_EXTRAS: &[&str] = &["delivery/dispatch/world.rs", "payment/cash.rs", "payment/webhook.rs"];

#[test]
fn a_collection_is_named_in_its_store_only() {
    for file in sources(&root().join("domain/src")) {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let in_store =
            name == "store" || file.components().any(|c| c.as_os_str() == "store") && name != "service";
        if in_store {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        for word in [".coll(", ".coll::<", ".browse(", ".browse::<", ".collection("] {
            assert!(!text.contains(word), "{} opens a collection; that is store.rs's part", file.display());
        }
    }
}

#[test]
fn rooms_call_each_other_in_one_direction() {
    let domain = root().join("domain/src");
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let rooms: BTreeSet<String> = fs::read_dir(&domain)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    for room in &rooms {
        for file in sources(&domain.join(room)) {
            let text = fs::read_to_string(&file).unwrap();
            for used in uses(&text, "crate::") {
                if rooms.contains(&used) && &used != room {
                    arrows.entry(room.clone()).or_default().insert(used);
                }
            }
        }
    }
    let mut order: Vec<String> = Vec::new();
    let mut left = rooms.clone();
    while !left.is_empty() {
        let free: Vec<String> = left
            .iter()
            .filter(|room| arrows.get(*room).is_none_or(|to| to.iter().all(|t| order.contains(t))))
            .cloned()
            .collect();
        assert!(!free.is_empty(), "a cycle among {left:?}: {arrows:?}");
        for room in free {
            left.remove(&room);
            order.push(room);
        }
    }
}

#[test]
fn resolvers_decide_nothing_and_store_nothing() {
    let graphql = root().join("server/src/graphql");
    if !graphql.exists() {
        return;
    }
    for file in sources(&graphql) {
        let text = fs::read_to_string(&file).unwrap();
        for word in [".mongo.", "transact!", "bson::doc", "doc! {"] {
            assert!(!text.contains(word), "{} reaches into the database", file.display());
        }
    }
}
