//! Documents made from a declared validator: of the right types, with references that exist and values spread as in life.

use daraa_platform::random::Random;
use daraa_platform::time::Timestamp;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document, doc};

use crate::queries::model::Scale;

/// Instants lie this far back at most.
const PAST_MS: u64 = 400 * 86_400_000;
/// And this far ahead, where they are deadlines.
const AHEAD_MS: u64 = 30 * 86_400_000;
/// One in so many optional values is absent.
const ABSENT_ONE_IN: u64 = 5;
/// Where everything is: around the city of Daraa.
const MIDDLE: (f64, f64) = (36.1, 32.62);
/// Half the width of the city; 10,000 are one degree.
const REACH: u64 = 2_000;

/// To which collection a field refers, by the end of its name.
const REFERENCES: &[(&str, &str)] = &[
    ("store_account_id", "accounts"),
    ("courier_account_id", "accounts"),
    ("account_id", "accounts"),
    ("recipient_id", "accounts"),
    ("category_id", "store_categories"),
    ("coupon_id", "coupons"),
    ("courier_id", "couriers"),
    ("delivery_id", "deliveries"),
    ("group_id", "order_groups"),
    ("offer_id", "courier_offers"),
    ("order_id", "orders"),
    ("order_ids", "orders"),
    ("payment_id", "payments"),
    ("product_id", "products"),
    ("quote_id", "quotes"),
    ("session_id", "sessions"),
    ("store_id", "stores"),
    ("transaction_id", "ledger_transactions"),
    ("wallet_id", "wallets"),
];

/// Makes documents of one collection.
pub(crate) struct Maker<'m> {
    pub(crate) collection: &'static str,
    pub(crate) random: &'m Random,
    pub(crate) now: Timestamp,
    pub(crate) scale: Scale,
}

impl Maker<'_> {
    /// The `row`th document by the collection's validator.
    pub(crate) fn document(&self, validator: &Document, row: u64) -> Document {
        let schema = validator.get_document("$jsonSchema").cloned().unwrap_or_default();
        let mut made = match self.value("", &schema, row) {
            Bson::Document(made) => made,
            _ => Document::new(),
        };
        if !made.contains_key("_id") {
            made.insert("_id", id_of(self.collection, row));
        }
        made
    }

    fn value(&self, name: &str, schema: &Document, row: u64) -> Bson {
        if let Ok(options) = schema.get_array("enum") {
            return self.one_of(options);
        }
        for keyword in ["oneOf", "anyOf", "allOf"] {
            if let Ok(options) = schema.get_array(keyword) {
                let known: Vec<Bson> = options.iter().filter(|option| !is_null(option)).cloned().collect();
                return match self.one_of(&known) {
                    Bson::Document(option) => self.value(name, &option, row),
                    other => other,
                };
            }
        }
        let types = types_of(schema);
        if types.contains(&"null") && self.random.below(ABSENT_ONE_IN) == 0 {
            return Bson::Null;
        }
        match types.iter().find(|ty| **ty != "null").copied() {
            Some("objectId") => self.id(name, row).into(),
            Some("date") => self.instant(name).into(),
            Some("bool") => Bson::Boolean(self.random.below(2) == 0),
            Some("int" | "long") => Bson::Int64(self.number(name, row)),
            Some("double") => Bson::Double(self.degrees(MIDDLE.0)),
            Some("string") => self.text(name, row).into(),
            Some("array") => self.array(name, schema, row),
            Some("object") => self.object(name, schema, row),
            _ => Bson::Null,
        }
    }

    fn object(&self, name: &str, schema: &Document, row: u64) -> Bson {
        let Ok(properties) = schema.get_document("properties") else { return Document::new().into() };
        if properties.contains_key("coordinates") {
            return self.place(name);
        }
        let fields = properties.iter().map(|(field, schema)| {
            let schema = schema.as_document().cloned().unwrap_or_default();
            (field.clone(), self.value(field, &schema, row))
        });
        Bson::Document(fields.collect())
    }

    /// A point, or a square where an area is asked for.
    fn place(&self, name: &str) -> Bson {
        let (lon, lat) = (self.degrees(MIDDLE.0), self.degrees(MIDDLE.1));
        if !name.contains("area") {
            return doc! { "type": "Point", "coordinates": [lon, lat] }.into();
        }
        let (w, s, e, n) = (lon - 0.05, lat - 0.05, lon + 0.05, lat + 0.05);
        let ring = vec![vec![w, s], vec![e, s], vec![e, n], vec![w, n], vec![w, s]];
        doc! { "type": "MultiPolygon", "coordinates": [[ring]] }.into()
    }

    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    fn degrees(&self, middle: f64) -> f64 {
        middle + (self.random.below(2 * REACH) as f64 - REACH as f64) / 10_000.0
    }

    fn array(&self, name: &str, schema: &Document, row: u64) -> Bson {
        let Ok(items) = schema.get_document("items") else { return Bson::Array(Vec::new()) };
        let least = schema.get_i64("minItems").unwrap_or(1).max(1);
        let count = u64::try_from(least).unwrap_or(1).saturating_add(self.random.below(2));
        // Elements that have to be unique in the whole collection differ by their place.
        let element = |n: u64| self.value(name, items, row.saturating_mul(4).saturating_add(n));
        Bson::Array((0..count).map(element).collect())
    }

    fn one_of(&self, options: &[Bson]) -> Bson {
        let count = u64::try_from(options.len()).unwrap_or(0);
        if count == 0 {
            return Bson::Null;
        }
        let chosen = usize::try_from(self.random.below(count)).unwrap_or(0);
        options.get(chosen).cloned().unwrap_or(Bson::Null)
    }

    fn id(&self, name: &str, row: u64) -> ObjectId {
        if name == "_id" {
            return id_of(self.collection, row);
        }
        match REFERENCES.iter().find(|(end, _)| name.ends_with(end)) {
            Some((_, collection)) => {
                id_of(collection, self.random.below(self.scale.documents(collection).max(1)))
            }
            None => ObjectId::from_bytes(self.random.bytes::<12>()),
        }
    }

    fn instant(&self, name: &str) -> Timestamp {
        let ahead =
            ["expires", "until", "due", "deadline", "next", "_at_end"].iter().any(|part| name.contains(part));
        let back = i64::try_from(self.random.below(PAST_MS)).unwrap_or(0);
        let on = if ahead { i64::try_from(self.random.below(AHEAD_MS)).unwrap_or(0) } else { 0 };
        let ms = self.now.millis();
        Timestamp::from_millis(if on > 0 && back % 4 == 0 {
            ms.saturating_add(on)
        } else {
            ms.saturating_sub(back)
        })
    }

    fn number(&self, name: &str, row: u64) -> i64 {
        let n = match name {
            "_id" | "sequence" | "position" => row,
            _ if name.ends_with("_minor") => self.random.below(10_000_000),
            _ => self.random.below(1_000),
        };
        i64::try_from(n).unwrap_or(0)
    }

    fn text(&self, name: &str, row: u64) -> String {
        match name {
            "currency" => "SYP".to_owned(),
            "phone" => format!("+9639{row:08}"),
            // A few kinds for many rows.
            "kind" | "action" | "type" | "job" | "topic" | "reason" => {
                format!("{name}.{}", self.random.below(20))
            }
            _ if name == "_id" => format!("{}-{row}", self.collection),
            _ if name.ends_with("subject") => format!("sub_{}", self.random.below(20_000)),
            _ => format!("{name} {row}"),
        }
    }
}

/// The id of the `row`th document of a collection, the same wherever it is referred to.
pub(crate) fn id_of(collection: &str, row: u64) -> ObjectId {
    let mut bytes = [0_u8; 12];
    let mark = collection.bytes().fold(17_u32, |sum, b| sum.wrapping_mul(31).wrapping_add(u32::from(b)));
    let (head, tail) = bytes.split_at_mut(4);
    head.copy_from_slice(&mark.to_be_bytes());
    tail.copy_from_slice(&row.to_be_bytes());
    ObjectId::from_bytes(bytes)
}

fn types_of(schema: &Document) -> Vec<&str> {
    match schema.get("bsonType") {
        Some(Bson::String(one)) => vec![one.as_str()],
        Some(Bson::Array(all)) => all.iter().filter_map(Bson::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_null(option: &Bson) -> bool {
    option.as_document().is_some_and(|schema| types_of(schema) == ["null"])
}
