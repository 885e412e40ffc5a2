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

/// The first path segment of everything the code takes from its own crate: `crate::x::…`, `use crate::{x::…, y}`.
fn uses(text: &str) -> BTreeSet<String> {
    const PREFIX: &str = "crate::";
    let code: String =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(PREFIX) {
        // Not `daraa_platform_crate::`, not `$crate::`.
        if code[..at].chars().last().is_some_and(|c| is_word(c) || c == '$') {
            continue;
        }
        let rest = &code[at + PREFIX.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(rest.chars().take_while(|c| is_word(*c)).collect());
            continue;
        };
        let (mut depth, mut top_level) = (1, String::new());
        for c in group.chars() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                c if depth == 1 => top_level.push(c),
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        let names =
            top_level.split(',').map(|part| part.trim().chars().take_while(|c| is_word(*c)).collect());
        found.extend(names.filter(|name: &String| !name.is_empty()));
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

/// Which room calls which, read from the code.
fn arrows() -> BTreeMap<String, BTreeSet<String>> {
    let domain = root().join("domain/src");
    let rooms: BTreeSet<String> = fs::read_dir(&domain)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    let called_by = |room: &String| {
        let files = sources(&domain.join(room));
        let used = files.iter().flat_map(|file| uses(&fs::read_to_string(file).unwrap()));
        used.filter(|used| rooms.contains(used) && used != room).collect()
    };
    rooms.iter().map(|room| (room.clone(), called_by(room))).collect()
}

#[test]
fn rooms_call_each_other_in_one_direction() {
    let arrows = arrows();
    let mut done: BTreeSet<&String> = BTreeSet::new();
    while done.len() < arrows.len() {
        let free: Vec<&String> = arrows
            .iter()
            .filter(|(room, to)| !done.contains(room) && to.iter().all(|t| done.contains(t)))
            .map(|(room, _)| room)
            .collect();
        let left: Vec<_> = arrows.iter().filter(|(room, _)| !done.contains(room)).collect();
        assert!(!free.is_empty(), "a cycle among {left:?}");
        done.extend(free);
    }
}

#[test]
fn the_arrows_are_those_of_the_plan() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let block =
        text.split("<!-- rooms:begin -->").nth(1).unwrap().split("<!-- rooms:end -->").next().unwrap();
    let told: BTreeMap<String, BTreeSet<String>> = block
        .lines()
        .filter_map(|line| line.split_once("  "))
        .filter(|(room, _)| *room != "room")
        .map(|(room, calls)| {
            let calls = calls.split(',').map(|c| c.trim().to_owned()).filter(|c| c != "-");
            (room.trim().to_owned(), calls.collect())
        })
        .collect();
    for (room, calls) in arrows() {
        assert_eq!(told.get(&room), Some(&calls), "ARCHITECTURE.md says otherwise of {room}");
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
