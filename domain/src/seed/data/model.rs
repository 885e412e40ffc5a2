//! Stores, menus and people of the demo city.

use crate::actor::OpsRole;
use crate::courier::Vehicle;
use crate::seed::model::{Area, CategoryRow, Hours, Kind, OpsRow, ProductRow, StoreRow, Text};

const fn item(name: Text, pounds: i64, kind: Kind) -> ProductRow {
    ProductRow { name, pounds, kind }
}

pub(in crate::seed) const CATEGORIES: &[CategoryRow] = &[
    ("restaurants", "", ("مطاعم", "Restaurants")),
    ("shawarma", "restaurants", ("شاورما وفلافل", "Shawarma and falafel")),
    ("grill", "restaurants", ("مشاوي", "Grill")),
    ("pizza", "restaurants", ("بيتزا ومعجنات", "Pizza and pastry")),
    ("home-cooking", "restaurants", ("أكلات بيتية", "Home cooking")),
    ("cafes", "", ("مقاهي", "Cafés")),
    ("sweets", "", ("حلويات", "Sweets")),
    ("bakeries", "", ("أفران", "Bakeries")),
    ("groceries", "", ("بقالة", "Groceries")),
    ("supermarkets", "groceries", ("سوبرماركت", "Supermarkets")),
    ("greengrocers", "groceries", ("خضار وفواكه", "Fruit and vegetables")),
    ("pharmacies", "", ("صيدليات", "Pharmacies")),
    ("flowers", "", ("زهور وهدايا", "Flowers and gifts")),
];

const DRINKS: (Text, &[ProductRow]) = (
    ("مشروبات", "Drinks"),
    &[
        item(("عيران", "Ayran"), 6_000, Kind::Counted(200)),
        item(("كولا", "Cola"), 9_000, Kind::Counted(300)),
        item(("مياه معدنية", "Mineral water"), 4_000, Kind::Counted(500)),
    ],
);

pub(in crate::seed) const STORES: &[StoreRow] = &[
    StoreRow {
        name: ("شاورما المحطة", "Al Mahatta Shawarma"),
        description: (
            "شاورما دجاج ولحم على الفحم منذ 1987.",
            "Charcoal shawarma, chicken and beef, since 1987.",
        ),
        category: "shawarma",
        east_m: 350.0,
        north_m: 250.0,
        owner: "أحمد الزعبي",
        hours: Hours::Always,
        area: Area::Circle(6_000.0),
        prep_minutes: 15,
        min_order: 20_000,
        sections: &[
            (
                ("سندويش", "Sandwiches"),
                &[
                    item(("شاورما دجاج", "Chicken shawarma"), 18_000, Kind::Sandwich),
                    item(("شاورما لحم", "Beef shawarma"), 24_000, Kind::Sandwich),
                    item(("فلافل", "Falafel"), 8_000, Kind::Sandwich),
                ],
            ),
            (
                ("وجبات", "Meals"),
                &[
                    item(("وجبة شاورما عربي", "Arabic shawarma plate"), 38_000, Kind::Dish),
                    item(("بطاطا مقلية", "French fries"), 12_000, Kind::Plain),
                ],
            ),
            DRINKS,
        ],
    },
    StoreRow {
        name: ("مشاوي حوران", "Hauran Grill"),
        description: ("مشاوي على الفحم ومقبلات شامية.", "Charcoal grill and Damascene starters."),
        category: "grill",
        east_m: -600.0,
        north_m: 450.0,
        owner: "خالد المحاميد",
        hours: Hours::Late,
        area: Area::Circle(7_000.0),
        prep_minutes: 30,
        min_order: 40_000,
        sections: &[
            (
                ("مشاوي", "Grill"),
                &[
                    item(("كباب حلبي", "Aleppo kebab"), 65_000, Kind::Weight),
                    item(("شيش طاووق", "Shish taouk"), 52_000, Kind::Weight),
                    item(("مشكل مشاوي", "Mixed grill"), 72_000, Kind::Weight),
                ],
            ),
            (
                ("مقبلات", "Starters"),
                &[
                    item(("حمص بالطحينة", "Hummus with tahini"), 14_000, Kind::Plain),
                    item(("متبل", "Moutabal"), 15_000, Kind::Plain),
                    item(("تبولة", "Tabbouleh"), 16_000, Kind::Plain),
                ],
            ),
            DRINKS,
        ],
    },
    StoreRow {
        name: ("بيتزا البلد", "Al Balad Pizza"),
        description: ("بيتزا على الحطب ومعجنات طازجة.", "Wood-fired pizza and fresh pastry."),
        category: "pizza",
        east_m: 900.0,
        north_m: -300.0,
        owner: "سامر أبازيد",
        hours: Hours::Late,
        area: Area::Ring(5_500.0),
        prep_minutes: 20,
        min_order: 25_000,
        sections: &[
            (
                ("بيتزا", "Pizza"),
                &[
                    item(("بيتزا مارغريتا", "Pizza Margherita"), 35_000, Kind::Pizza),
                    item(("بيتزا خضار", "Vegetable pizza"), 38_000, Kind::Pizza),
                    item(("بيتزا سجق", "Sujuk pizza"), 45_000, Kind::Pizza),
                ],
            ),
            (
                ("معجنات", "Pastry"),
                &[
                    item(("فطيرة جبنة", "Cheese pie"), 7_000, Kind::Plain),
                    item(("فطيرة زعتر", "Thyme pie"), 5_000, Kind::Plain),
                ],
            ),
            DRINKS,
        ],
    },
    StoreRow {
        name: ("مطبخ أم محمود", "Um Mahmoud's Kitchen"),
        description: ("طبخ بيتي كل يوم.", "Home cooking, every day."),
        category: "home-cooking",
        east_m: -250.0,
        north_m: -700.0,
        owner: "فاطمة المسالمة",
        hours: Hours::Day,
        area: Area::Circle(5_000.0),
        prep_minutes: 25,
        min_order: 30_000,
        sections: &[(
            ("طبخة اليوم", "Dishes of the day"),
            &[
                item(("منسف", "Mansaf"), 75_000, Kind::Dish),
                item(("مقلوبة", "Maqluba"), 48_000, Kind::Dish),
                item(("ملوخية بالدجاج", "Molokhia with chicken"), 45_000, Kind::Dish),
                item(("كبة لبنية", "Kibbeh in yoghurt"), 50_000, Kind::Counted(25)),
            ],
        )],
    },
    StoreRow {
        name: ("فلافل السعادة", "Al Saada Falafel"),
        description: ("فول وحمص وفلافل من الصباح الباكر.", "Foul, hummus and falafel from early morning."),
        category: "shawarma",
        east_m: 120.0,
        north_m: 1_300.0,
        owner: "ياسر الحريري",
        hours: Hours::Bakery,
        area: Area::Circle(4_500.0),
        prep_minutes: 10,
        min_order: 10_000,
        sections: &[(
            ("فطور", "Breakfast"),
            &[
                item(("سندويش فلافل", "Falafel sandwich"), 7_000, Kind::Sandwich),
                item(("صحن فول", "Plate of foul"), 12_000, Kind::Plain),
                item(("فتة حمص", "Hummus fatteh"), 18_000, Kind::Plain),
                item(("شاي", "Tea"), 3_000, Kind::Drink),
            ],
        )],
    },
    StoreRow {
        name: ("مقهى الياسمين", "Jasmine Café"),
        description: ("قهوة مختصة وكيك طازج.", "Speciality coffee and fresh cake."),
        category: "cafes",
        east_m: 500.0,
        north_m: 700.0,
        owner: "ليلى الرفاعي",
        hours: Hours::Late,
        area: Area::Circle(5_000.0),
        prep_minutes: 10,
        min_order: 15_000,
        sections: &[
            (
                ("قهوة", "Coffee"),
                &[
                    item(("قهوة تركية", "Turkish coffee"), 8_000, Kind::Drink),
                    item(("كابتشينو", "Cappuccino"), 15_000, Kind::Drink),
                    item(("قهوة باردة", "Iced coffee"), 17_000, Kind::Drink),
                ],
            ),
            (
                ("حلى", "Dessert"),
                &[
                    item(("كيك شوكولا", "Chocolate cake"), 20_000, Kind::Counted(40)),
                    item(("كريم كراميل", "Crème caramel"), 16_000, Kind::Counted(30)),
                ],
            ),
        ],
    },
    StoreRow {
        name: ("حلويات الشام", "Damascus Sweets"),
        description: ("بقلاوة وكنافة ومعمول.", "Baklava, kunafa and maamoul."),
        category: "sweets",
        east_m: -900.0,
        north_m: -150.0,
        owner: "محمد القداح",
        hours: Hours::Late,
        area: Area::TwoParts(6_000.0),
        prep_minutes: 15,
        min_order: 30_000,
        sections: &[(
            ("حلويات", "Sweets"),
            &[
                item(("بقلاوة مشكلة", "Mixed baklava"), 60_000, Kind::Weight),
                item(("كنافة نابلسية", "Nabulsi kunafa"), 40_000, Kind::Weight),
                item(("معمول بالفستق", "Pistachio maamoul"), 70_000, Kind::Weight),
                item(("هريسة", "Harissa"), 30_000, Kind::Weight),
            ],
        )],
    },
    StoreRow {
        name: ("فرن الأمان", "Al Aman Bakery"),
        description: ("خبز طازج مرتين في اليوم.", "Fresh bread twice a day."),
        category: "bakeries",
        east_m: 250.0,
        north_m: -400.0,
        owner: "عمر السويدان",
        hours: Hours::Bakery,
        area: Area::Circle(4_000.0),
        prep_minutes: 5,
        min_order: 8_000,
        sections: &[(
            ("خبز", "Bread"),
            &[
                item(("خبز عربي", "Arabic bread"), 4_000, Kind::Counted(400)),
                item(("خبز صاج", "Saj bread"), 6_000, Kind::Counted(150)),
                item(("كعك بسمسم", "Sesame ka'ak"), 10_000, Kind::Counted(80)),
                item(("صمون", "Samoon rolls"), 5_000, Kind::Counted(200)),
            ],
        )],
    },
    StoreRow {
        name: ("سوبرماركت النخيل", "Palm Supermarket"),
        description: ("كل ما يحتاجه البيت، ليلاً ونهاراً.", "Everything for the home, day and night."),
        category: "supermarkets",
        east_m: -400.0,
        north_m: 200.0,
        owner: "رامي العمري",
        hours: Hours::Always,
        area: Area::Circle(8_000.0),
        prep_minutes: 12,
        min_order: 25_000,
        sections: &[
            (
                ("مواد أساسية", "Basics"),
                &[
                    item(("أرز مصري 1 كغ", "Egyptian rice 1 kg"), 16_000, Kind::Counted(120)),
                    item(("سكر 1 كغ", "Sugar 1 kg"), 13_000, Kind::Counted(150)),
                    item(("زيت زيتون 1 ل", "Olive oil 1 l"), 75_000, Kind::Counted(60)),
                    item(("شاي سيلاني", "Ceylon tea"), 32_000, Kind::Counted(90)),
                ],
            ),
            (
                ("ألبان", "Dairy"),
                &[
                    item(("لبنة 500 غ", "Labneh 500 g"), 22_000, Kind::Counted(70)),
                    item(("جبنة بيضاء", "White cheese"), 48_000, Kind::Weight),
                    item(("حليب 1 ل", "Milk 1 l"), 14_000, Kind::Counted(100)),
                ],
            ),
            DRINKS,
        ],
    },
    StoreRow {
        name: ("خضار السهل", "Plain Greens"),
        description: ("خضار وفواكه من سهل حوران.", "Fruit and vegetables from the Hauran plain."),
        category: "greengrocers",
        east_m: 700.0,
        north_m: -900.0,
        owner: "إبراهيم الجوابرة",
        hours: Hours::Day,
        area: Area::Circle(5_000.0),
        prep_minutes: 12,
        min_order: 15_000,
        sections: &[(
            ("خضار وفواكه", "Fruit and vegetables"),
            &[
                item(("بندورة", "Tomatoes"), 9_000, Kind::Weight),
                item(("خيار", "Cucumbers"), 8_000, Kind::Weight),
                item(("رمان", "Pomegranates"), 14_000, Kind::Weight),
                item(("بطيخ", "Watermelon"), 25_000, Kind::Counted(30)),
                item(("نعنع", "Mint"), 2_000, Kind::Counted(100)),
            ],
        )],
    },
    StoreRow {
        name: ("صيدلية الشفاء", "Al Shifa Pharmacy"),
        description: ("مناوبة على مدار الساعة.", "Open around the clock."),
        category: "pharmacies",
        east_m: 50.0,
        north_m: 100.0,
        owner: "د. هدى الصياصنة",
        hours: Hours::Always,
        area: Area::Circle(9_000.0),
        prep_minutes: 8,
        min_order: 0,
        sections: &[(
            ("بدون وصفة", "Without prescription"),
            &[
                item(("باراسيتامول", "Paracetamol"), 9_000, Kind::Counted(200)),
                item(("فيتامين سي", "Vitamin C"), 25_000, Kind::Counted(80)),
                item(("كمامات 10 قطع", "Face masks, 10 pieces"), 10_000, Kind::Counted(300)),
                item(("حفاضات أطفال", "Nappies"), 85_000, Kind::Counted(50)),
            ],
        )],
    },
    StoreRow {
        name: ("زهور بصرى", "Bosra Flowers"),
        description: ("باقات لكل مناسبة.", "Bouquets for every occasion."),
        category: "flowers",
        east_m: -150.0,
        north_m: 950.0,
        owner: "رنا المقداد",
        hours: Hours::Day,
        area: Area::Circle(7_000.0),
        prep_minutes: 35,
        min_order: 50_000,
        sections: &[(
            ("باقات", "Bouquets"),
            &[
                item(("باقة ورد جوري", "Damask rose bouquet"), 90_000, Kind::Counted(15)),
                item(("باقة ياسمين", "Jasmine bouquet"), 70_000, Kind::Counted(12)),
                item(("علبة شوكولا", "Box of chocolates"), 120_000, Kind::Counted(20)),
            ],
        )],
    },
];

pub(in crate::seed) const OPS: &[OpsRow] = &[
    (OpsRole::Admin, "مدير المنصة", "everything, roles and settings included"),
    (OpsRole::Operations, "مشرف العمليات", "approves stores and couriers, dispatch, jobs"),
    (OpsRole::Finance, "محاسب المنصة", "wallet credit, cash, refunds, commissions"),
    (OpsRole::Support, "خدمة الزبائن", "helps customers, stores and couriers"),
];

pub(in crate::seed) const COURIERS: &[(&str, Vehicle)] = &[
    ("بلال النابلسي", Vehicle::Motorcycle),
    ("طارق الفشتكي", Vehicle::Motorcycle),
    ("نور الدين عياش", Vehicle::Bicycle),
    ("حسام الكفري", Vehicle::Motorcycle),
    ("مازن البلخي", Vehicle::Car),
    ("زياد قطيفان", Vehicle::Motorcycle),
    ("وليد الأكراد", Vehicle::Bicycle),
    ("أنس الحشيش", Vehicle::Car),
];

/// Name, and where they live from the centre: metres east, metres north.
pub(in crate::seed) const CUSTOMERS: &[(&str, f64, f64)] = &[
    ("سارة الخطيب", 420.0, -260.0),
    ("يزن الحمصي", -780.0, 340.0),
    ("مريم الشرع", 150.0, 880.0),
    ("كريم الدروبي", -320.0, -540.0),
    ("ريم السعدي", 990.0, 410.0),
    ("باسل المصري", -1_150.0, -620.0),
    ("هبة الناصر", 610.0, 1_240.0),
    ("عبد الله كيوان", 1_380.0, -480.0),
    ("دانا الأحمد", -90.0, -1_310.0),
    ("فراس الحلبي", -1_420.0, 760.0),
];
